"""Which calendar app asks for a feed, told from what it says of itself."""

import re

#: The first that fits: several name themselves after another one.
_APPS = (
    ("Google-Calendar", "Google Calendar"),
    ("GoogleCalendar", "Google Calendar"),
    ("Outlook", "Outlook"),
    ("Microsoft", "Outlook"),
    ("Exchange", "Outlook"),
    ("Thunderbird", "Thunderbird"),
    ("dataaccessd", "Apple Calendar"),
    ("CalendarAgent", "Apple Calendar"),
    ("CalendarKit", "Apple Calendar"),
    ("accountsd", "Apple Calendar"),
    ("iCal/", "Apple Calendar"),
    ("ICSx5", "ICSx⁵"),
    ("Samsung", "Samsung Calendar"),
    ("Naver", "Naver Calendar"),
    ("Yahoo", "Yahoo Calendar"),
    ("Nextcloud", "Nextcloud"),
    ("evolution", "GNOME Calendar"),
    ("khal", "khal"),
    ("vdirsyncer", "vdirsyncer"),
    ("calcurse", "calcurse"),
    ("Mozilla/", "Web browser"),
)


def app_of(user_agent: str) -> str:
    """The kind of calendar app; else the first word that it says, harmless; else nothing."""
    said = user_agent.casefold()
    for mark, name in _APPS:
        if mark.casefold() in said:
            return name
    word = re.match(r"[A-Za-z][A-Za-z0-9 ._-]{0,39}", user_agent)
    return word[0].strip() if word else ""
