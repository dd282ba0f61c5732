"""Requests, approval, schedule, availability."""

# Reservations name these tables by text: they have to be there, whichever module comes first.
from app.reservations import approval_models as approval_models
