"""Requests, approval, schedule, availability."""
