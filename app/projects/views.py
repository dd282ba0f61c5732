"""Pages of research groups, put together."""

from flask import Blueprint
from flask_babel import gettext

from app.accounts.current import current_or_none
from app.projects import group_pages
from app.web import pages

bp = Blueprint("projects", __name__, template_folder="templates")

for rule, endpoint, view, methods in group_pages.ROUTES:
    bp.add_url_rule(rule, endpoint, view_func=view, methods=methods)


def _groups() -> pages.Entry | None:
    if current_or_none() is None:
        return None
    return pages.entry(gettext("Research groups"), "projects.groups")


pages.NAVIGATION.append((37, _groups))
