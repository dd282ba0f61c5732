"""Files that people hand in: photos, contracts, answers; kept outside the web root."""
