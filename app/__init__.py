"""Dure: shared research instruments of an alliance."""

from app.factory import create_app

__all__ = ["create_app"]
