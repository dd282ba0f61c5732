"""The start page, site administration, and running the whole."""
