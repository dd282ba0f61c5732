"""Research groups, joint projects and funding accounts: who is in them, who pays."""
