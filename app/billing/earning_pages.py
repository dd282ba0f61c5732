"""What last month's use would have earned by rates that are being typed, or that were set."""

from flask import render_template
from werkzeug.wrappers import Response as AnyResponse

from app import clock
from app.accounts.access import Action
from app.accounts.today import today
from app.billing.earning import compare
from app.billing.months import month_before
from app.catalog.models import Facility
from app.catalog.queries import instruments_of
from app.domain.errors import Invalid
from app.rates import queries
from app.rates.cards import card_from
from app.rates.forms import RatesForm
from app.rates.places import administers, facility_of
from app.rates.services import NewRates
from app.web.problems import KINDS
from app.web.rights import open_to

Page = str | AnyResponse | tuple[str, int]


@open_to(Action.SET_RATES)
def typed_would_earn(slug: str) -> Page:
    """By what stands in the editor of rates; nothing is set."""
    user, facility = facility_of(slug)
    everywhere = administers(user, facility)
    form = RatesForm()
    form.offer(instruments_of(facility), institution=everywhere)
    if form.validate():
        try:
            wanted = form.to_rates()
        except Invalid as wrong:
            form.show(wrong)
        else:
            return _page(facility, wanted, everywhere=everywhere)
    page = render_template("billing/earned.html", facility=facility, form=form, found=None)
    return page, KINDS["invalid"].status


@open_to(Action.SET_RATES)
def card_would_earn(slug: str, card_id: int) -> Page:
    """By a card that was set."""
    user, facility = facility_of(slug)
    kept = queries.card_of(facility, card_id)
    wanted = NewRates(
        card_from(kept.settings, queries.rates_of(kept)),
        kept.valid_from,
        kept.instrument.slug if kept.instrument else None,
        institution=kept.facility_id is None and kept.instrument is None,
    )
    return _page(facility, wanted, everywhere=administers(user, facility))


def _page(facility: Facility, wanted: NewRates, *, everywhere: bool) -> str:
    instruments = queries.under(
        facility,
        wanted.instrument,
        wanted.valid_from,
        everywhere=everywhere,
        institution=wanted.institution,
    )
    last = month_before(today().replace(day=1))
    found = compare(facility.institution, instruments, wanted.card, last, now=clock.now())
    return render_template(
        "billing/earned.html",
        facility=facility,
        form=None,
        found=found,
        wanted=wanted,
        instrument=instruments[0] if wanted.instrument and instruments else None,
    )


_HERE = "/facilities/<slug>/rates"
ROUTES = (
    ("POST", f"{_HERE}/earned", typed_would_earn),
    ("GET", f"{_HERE}/<int(max=2147483647):card_id>/earned", card_would_earn),
)
