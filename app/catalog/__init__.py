"""Facilities, instruments, techniques, opening hours, blackouts."""
