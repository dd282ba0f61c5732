"""Pages of who finds a fault: report it with photos, and the sign at the instrument."""

import segno
from flask import Response, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as AnyResponse

from app import clock
from app.accounts import access
from app.accounts.access import Action
from app.accounts.current import current
from app.catalog.health import open_faults
from app.catalog.policy import zone_of
from app.catalog.queries import instrument_by_slug, scope_of
from app.domain.errors import Invalid
from app.domain.maintenance import Severity
from app.files.forms import name_drafts, take_drafts
from app.files.photos import MOST, drawn_anew
from app.files.services import Upload, content_of
from app.reservations import faults
from app.reservations.fault_photos import Pictures, photo_of
from app.reservations.health_forms import FaultForm
from app.web import uploads
from app.web.problems import KINDS
from app.web.rights import open_to


@open_to(Action.REPORT_FAULT)
@uploads.takes_files(MOST + 2)  # A sentence, not the door, refuses one too many.
def report_fault(slug: str) -> str | AnyResponse | tuple[str, int]:
    """The form behind the button and the printed code at the instrument."""
    form = FaultForm(severity=Severity.USABLE.value)
    if request.method == "POST" and _reported(slug, form):
        flash(gettext("Thank you. The facility's managers are told by mail."), "success")
        return redirect(url_for("catalog.instrument", slug=slug), 303)
    instrument = instrument_by_slug(slug)
    page = render_template(
        "reservations/fault_report.html",
        instrument=instrument,
        form=form,
        zone=zone_of(instrument),
        faults=open_faults(instrument),
    )
    return (page, KINDS["invalid"].status) if request.method == "POST" else page


def _reported(slug: str, form: FaultForm) -> bool:
    """Whether the report was taken; if not, the form says why."""
    user, folder, now = current(), uploads.folder(), clock.now()
    name_drafts(form, user)
    if form.validate():
        sent = form.to_uploads(folder)
        try:
            faults.report_fault(
                user,
                slug,
                severity=Severity(form.severity.data),
                description=form.description.data or "",
                now=now,
                pictures=Pictures(sent, folder) if sent else None,
            )
        except Invalid as wrong:
            form.show(wrong)
        else:
            return True
    # Nobody's photos are decoded who may not report; no browser keeps those of a refused form.
    access.require(user, Action.REPORT_FAULT, scope_of(instrument_by_slug(slug)))
    take_drafts(form, user, folder, now=now, prepared=_anew)
    name_drafts(form, user)
    return False


def _anew(photo: Upload) -> Upload:
    return drawn_anew([photo], field="photos")[0]


@open_to(Action.REPORT_FAULT)
def fault_photo(slug: str, fault_id: int, uid: str) -> Response:
    """A photo of a fault, as it was drawn anew when it came."""
    file = photo_of(current(), slug, fault_id, uid)
    content = content_of(uploads.folder(), file)
    return uploads.sent(content, name=file.name, content_type=file.content_type, inline=True)


@open_to(Action.REPORT_FAULT)
def fault_sign(slug: str) -> str:
    """A sign to print and put at the instrument: scan to report a fault."""
    instrument = instrument_by_slug(slug)
    access.require(current(), Action.REPORT_FAULT, scope_of(instrument))
    public_url = current_app.config["SETTINGS"].public_url
    address = f"{public_url}/instruments/{instrument.slug}/fault"
    return render_template(
        "reservations/fault_sign.html",
        instrument=instrument,
        address=address,
        qr=segno.make(address, error="m").svg_data_uri(scale=6, border=4, light="#fff"),
    )


ROUTES = (
    ("/instruments/<slug>/fault", report_fault, ("GET", "POST")),
    ("/instruments/<slug>/fault/sign", fault_sign, ("GET",)),
    (
        "/instruments/<slug>/faults/<int(max=2147483647):fault_id>/photos/<uid>",
        fault_photo,
        ("GET",),
    ),
)
