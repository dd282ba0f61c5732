"""Institutions, people, affiliations, roles and rights, sign-in, API tokens."""
