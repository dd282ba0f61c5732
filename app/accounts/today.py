"""Which day it is where the instance is at home."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask import current_app

from app import clock


def home_zone() -> ZoneInfo:
    """The time zone of the instance, in which affiliations begin and end."""
    zone: ZoneInfo = current_app.config["SETTINGS"].timezone
    return zone


def today() -> date:
    return clock.now().astimezone(home_zone()).date()


def end_of(day: date) -> datetime:
    """The instant at which the day is over."""
    return datetime.combine(day + timedelta(days=1), time(), home_zone())
