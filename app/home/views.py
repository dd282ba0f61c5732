"""Start page and site administration."""

from flask import Blueprint, render_template

from app import clock
from app.accounts import places
from app.accounts.current import current_or_none
from app.accounts.models import User
from app.home import queries
from app.reservations import commission_queries, hand_over_queries, use, waiting, waitlist
from app.reservations import queries as reservations
from app.reservations.forms import UseForm
from app.web.rights import PUBLIC, open_to

bp = Blueprint("home", __name__, template_folder="templates")

_NEXT = 5


@bp.get("/")
@open_to(PUBLIC)
def start() -> str:
    """What is next and what waits for the person; a welcome to everybody else."""
    user = current_or_none()
    return _welcome() if user is None else _of(user)


def _of(user: User) -> str:
    now = clock.now()
    decides = waiting.decides_anything(user)
    return render_template(
        "home/start.html",
        user=user,
        now=now,
        coming=reservations.of_holder(user, now=now, limit=_NEXT),
        offers=waitlist.offers_to(user, now=now),
        to_take=hand_over_queries.all_to(user, now=now),
        decides=decides,
        waiting=waiting.awaiting(user, limit=_NEXT) if decides else [],
        count=waiting.count_awaiting(user) if decides else 0,
        to_place=commission_queries.count_to_place(user),
        facilities=queries.facilities_managed(user),
        administered=places.institutions(user),
        in_hand=use.in_hand(user, now=now),
        use_form=UseForm(formdata=None),
        used_last=queries.used_last(user),
        techniques=queries.common_techniques(),
    )


def _welcome() -> str:
    institutions = queries.institutions_that_share()
    return render_template(
        "home/welcome.html",
        techniques=queries.common_techniques(),
        institutions=institutions,
        total=sum(each.count for each in institutions),
    )
