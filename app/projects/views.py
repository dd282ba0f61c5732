"""Pages of research groups, joint projects and funding accounts, put together."""

from flask import Blueprint
from flask_babel import gettext

from app.accounts.current import current_or_none
from app.projects import account_pages, group_pages, overdue_pages, project_pages
from app.web import pages

bp = Blueprint("projects", __name__, template_folder="templates")

_PAGES = (group_pages, project_pages, account_pages, overdue_pages)

for routes in (each.ROUTES for each in _PAGES):
    for rule, endpoint, view, methods in routes:
        bp.add_url_rule(rule, endpoint, view_func=view, methods=methods)


def _projects() -> pages.Entry | None:
    if current_or_none() is None:
        return None
    return pages.entry(
        gettext("Projects"),
        "projects.groups",
        also=("/projects", "/funding-accounts"),
    )


pages.NAVIGATION.append((37, _projects))
