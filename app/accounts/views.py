"""One's own account: profile, roles, API tokens."""

from flask import Blueprint, flash, make_response, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app import clock
from app.accounts import (
    absences,
    administration_views,
    assistants,
    queries,
    services,
    suspensions,
)
from app.accounts.current import current, current_or_none
from app.accounts.forms import AbsenceForm, AssistantForm, ButtonForm, ProfileForm, TokenForm
from app.accounts.models import ApprovalMails
from app.accounts.places import places_by_id
from app.accounts.roles import ROLE_NAMES
from app.accounts.today import end_of, today
from app.domain.errors import Invalid
from app.web import pages
from app.web.problems import status_of
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
            services.choose_mails(user, ApprovalMails(form.approval_mails.data), now=clock.now())
        except Invalid as wrong:
            form.show(wrong)
        else:
            # What was chosen for this session must not outlive what is chosen for all.
            session.pop("language", None)
            flash(_("Your profile is saved."), "success")
            return redirect(url_for(".account"), 303)
    return _account_page(form, AssistantForm(formdata=None)), status_of(form)


@bp.post("/account/assistants")
@open_to(SIGNED_IN)
def name_assistant() -> ResponseReturnValue:
    """Let somebody reserve in one's own name."""
    user, form = current(), AssistantForm()
    if form.validate():
        try:
            made = assistants.name_assistant(user, form.email.data, now=clock.now())
        except Invalid as wrong:
            form.show(wrong)
        else:
            flash(_("%(email)s may reserve for you now.", email=made.email), "success")
            return redirect(url_for(".account", _anchor="assistants"), 303)
    return _account_page(ProfileForm(formdata=None, obj=user), form), 422


@bp.post("/account/assistants/<int(max=2147483647):assistant_id>/dismiss")
@open_to(SIGNED_IN)
def dismiss_assistant(assistant_id: int) -> ResponseReturnValue:
    """Take a consent back, or let go of one that was given."""
    assistants.dismiss_assistant(current(), assistant_id, now=clock.now())
    flash(_("Done: what was reserved stays as it is."), "success")
    return redirect(url_for(".account", _anchor="assistants"), 303)


def _account_page(form: ProfileForm, assistant_form: AssistantForm) -> str:
    user = current()
    suspended = suspensions.in_force(user.id, now=clock.now())
    return render_template(
        "accounts/account.html",
        form=form,
        assistant_form=assistant_form,
        assistants=assistants.assistants_of(user.id),
        persons=assistants.persons_of(user),
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
    answer = make_response(page, status_of(form))
    answer.headers["Cache-Control"] = "no-store"
    return answer


@bp.post("/account/tokens/<int:token_id>/revoke")
@open_to(SIGNED_IN)
def revoke_token(token_id: int) -> ResponseReturnValue:
    user = current()
    services.revoke_token(user, user, token_id, now=clock.now())
    flash(_("The token is revoked."), "success")
    return redirect(url_for(".tokens"), 303)


@bp.route("/account/absences", methods=["GET", "POST"])
@open_to(SIGNED_IN)
def absence() -> ResponseReturnValue:
    """When one is away, and who decides meanwhile."""
    user, form = current(), AbsenceForm()
    if form.validate_on_submit():
        try:
            absences.enter(
                user,
                form.deputy.data,
                form.first_day.data,
                form.last_day.data,
                now=clock.now(),
                today=today(),
            )
        except Invalid as wrong:
            form.show(wrong)
        else:
            flash(_("Your absence is entered; your deputy is told by mail."), "success")
            return redirect(url_for(".absence"), 303)
    page = render_template(
        "accounts/absences.html",
        form=form,
        absences=absences.of_user(user, today=today()),
        stands_in_for=absences.absent_for(user, today=today()),
        today=today(),
    )
    return page, status_of(form)


@bp.post("/account/absences/<int(max=2147483647):absence_id>/withdraw")
@open_to(SIGNED_IN)
def withdraw_absence(absence_id: int) -> ResponseReturnValue:
    absences.withdraw(current(), absence_id, now=clock.now())
    flash(_("The absence is withdrawn; you decide yourself again."), "success")
    return redirect(url_for(".absence"), 303)
