"""Rate cards by date, how a supplier taxes and rounds; quotes."""
