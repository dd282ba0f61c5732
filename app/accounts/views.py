"""One's own account: profile, roles, API tokens."""

from flask import Blueprint, flash, make_response, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app import clock
from app.accounts import administration_views, queries, services, suspensions
from app.accounts.current import current, current_or_none
from app.accounts.forms import ButtonForm, ProfileForm, TokenForm
from app.accounts.places import places_by_id
from app.accounts.roles import ROLE_NAMES
from app.accounts.today import end_of, today
from app.domain.errors import Invalid
from app.web import pages
from app.web.rights import SIGNED_IN, open_to

bp = Blueprint("accounts", __name__, template_folder="templates")
administration_views.add_to(bp)


def _keep_language(language: str) -> None:
    """Who is signed in finds their language again in mails and at the next sign-in."""
    if user := current_or_none():
        services.change_profile(user, user, name=user.name, language=language, now=clock.now())


pages.LANGUAGE_CHOSEN.append(_keep_language)


@bp.route("/account", methods=["GET", "POST"])
@open_to(SIGNED_IN)
def account() -> ResponseReturnValue:
    user = current()
    form = ProfileForm(obj=user)
    if form.validate_on_submit():
        try:
            services.change_profile(
                user,
                user,
                name=form.name.data,
                language=form.language.data,
                now=clock.now(),
            )
        except Invalid as wrong:
            form.show(wrong)
        else:
            # What was chosen for this session must not outlive what is chosen for all.
            session.pop("language", None)
            flash(_("Your profile is saved."), "success")
            return redirect(url_for(".account"), 303)
    suspended = suspensions.in_force(user.id, now=clock.now())
    return render_template(
        "accounts/account.html",
        form=form,
        suspensions=suspended,
        suspended_at=places_by_id([each.facility_id for each in suspended if each.facility_id]),
        user=user,
        affiliations=queries.affiliations_of(user),
        roles=queries.roles_of(user),
        role_names=ROLE_NAMES,
        today=today(),
    )


@bp.route("/account/tokens", methods=["GET", "POST"])
@open_to(SIGNED_IN)
def tokens() -> ResponseReturnValue:
    user = current()
    form, made = TokenForm(), None
    if form.validate_on_submit():
        expires_on = form.expires_on.data
        try:
            made = services.make_token(
                user,
                user,
                name=form.name.data,
                expires_at=end_of(expires_on) if expires_on else None,
                now=clock.now(),
            )
        except Invalid as wrong:
            form.show(wrong)
    # Not after a redirect: the token is shown in the answer to the form, and nowhere else.
    page = render_template(
        "accounts/tokens.html",
        form=TokenForm(formdata=None) if made else form,
        made=made,
        tokens=queries.tokens_of(user),
        button=ButtonForm(),
        now=clock.now(),
    )
    answer = make_response(page)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@bp.post("/account/tokens/<int:token_id>/revoke")
@open_to(SIGNED_IN)
def revoke_token(token_id: int) -> ResponseReturnValue:
    user = current()
    services.revoke_token(user, user, token_id, now=clock.now())
    flash(_("The token is revoked."), "success")
    return redirect(url_for(".tokens"), 303)
