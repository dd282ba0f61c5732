"""Contracts of use (이용 계약) that institutions have signed with facilities."""
