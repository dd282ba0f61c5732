"""Charges, ledger, month close, statements, settlement."""
