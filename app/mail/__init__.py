"""Outgoing mail: written with the data, delivered by a job."""
