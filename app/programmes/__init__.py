"""Sponsor funds: whose money pays which part of a use, for whom, up to where."""
