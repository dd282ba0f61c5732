"""A row of the outbox as a message: templates, layout, headers.

A mail is `mail/<template>.<language>.txt`, whose first line is `Subject: …` with a blank
line beneath, and beside it `.html`, a fragment that goes into the layout.
"""

import hashlib
import re
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from css_inline import CSSInliner
from flask import Flask, current_app
from flask_babel import force_locale
from jinja2 import Environment, TemplateNotFound
from markupsafe import Markup

from app.config import Settings
from app.mail.models import OutgoingMail

LANGUAGES = ("ko", "en")


class Unsendable(ValueError):
    """The row can never become a message, however often one tries."""


def register(app: Flask) -> None:
    """Give mail templates their filter: `starts_at|instant(zone)`."""
    app.add_template_filter(_instant, "instant")


def _instant(text: str, zone: str | None = None) -> str:
    """An ISO 8601 instant as people read it, in the given zone."""
    shown: str = current_app.jinja_env.filters["local_time"](datetime.fromisoformat(text), zone)
    return shown


def message(mail: OutgoingMail) -> EmailMessage:
    """The message, the same each time it is made. Raises `Unsendable`."""
    settings: Settings = current_app.config["SETTINGS"]
    language = mail.language if mail.language in LANGUAGES else settings.language
    made = EmailMessage(policy=SMTP)
    name, sender = parseaddr(settings.mail_from)
    made["From"] = _address(sender, name)
    made["To"] = _address(mail.recipient)
    subject, text, html = _rendered(mail, language, settings.public_url)
    made["Subject"] = subject
    made["Date"] = format_datetime(mail.created_at)
    made["Message-ID"] = f"<{_digest(mail.key)}@{urlsplit(settings.public_url).hostname}>"
    # Answering machines and lists leave such mail alone (RFC 3834).
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(text, cte="base64")
    if html is not None:
        made.add_alternative(html, subtype="html", cte="base64")
        made.set_boundary(f"=_{_digest(mail.key)}")
    made["Content-Language"] = language  # earlier, it would move into the first part
    return made


def _rendered(mail: OutgoingMail, language: str, public_url: str) -> tuple[str, str, str | None]:
    """Subject, text and, where there is one, HTML."""
    context = {**mail.particulars, "public_url": public_url, "language": language}
    environment = current_app.jinja_env
    with force_locale(language):
        first, text = _split(_text(environment, mail.template, language, context))
        text = environment.get_template("mail/_layout.txt").render(context, text=text)
        try:
            fragment = environment.get_template(f"mail/{mail.template}.{language}.html")
        except TemplateNotFound:
            return first, text, None
        # The fragment was escaped while it was rendered, hence Markup.
        inner = Markup(fragment.render(context))  # noqa: S704
        layout = environment.get_template("mail/_layout.html")
        return first, text, _inliner().inline(layout.render(context, text=inner, subject=first))


def _text(environment: Environment, template: str, language: str, context: dict[str, Any]) -> str:
    try:
        return environment.get_template(f"mail/{template}.{language}.txt").render(context)
    except TemplateNotFound as missing:
        raise Unsendable(f"There is no template {missing.name}.") from missing


def _split(text: str) -> tuple[str, str]:
    """The subject, on one line whatever was put into it, and the body."""
    first, _, body = text.partition("\n")
    if not first.startswith("Subject:"):
        raise Unsendable("The template does not begin with “Subject: ”.")
    subject = " ".join(re.sub(r"[\x00-\x1f\x7f\u0085\u2028\u2029]", " ", first[8:]).split())
    return subject, body.strip("\n") + "\n"


def _address(address: str, name: str = "") -> Address:
    """An address for a header; one that holds a line break or is none raises `Unsendable`."""
    try:
        return Address(display_name=name, addr_spec=address)
    except (ValueError, IndexError) as wrong:  # HeaderParseError is a ValueError
        raise Unsendable(f"“{address!r}” is no mail address.") from wrong


def _digest(key: str) -> str:
    """The key itself may tell what the mail is about."""
    return hashlib.sha256(key.encode()).hexdigest()[:40]


@lru_cache(maxsize=1)
def _inliner() -> CSSInliner:
    # Nothing is fetched; the style element stays for dark mode and narrow screens.
    return CSSInliner(load_remote_stylesheets=False, keep_style_tags=True)
