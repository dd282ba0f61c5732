"""Feeds and their secret addresses."""
