"""The rules of shared instruments: plain functions over plain values."""
