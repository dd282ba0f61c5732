"""Who may do what: the one table of rights, and the one question put to it."""

import enum
from dataclasses import dataclass

from app.accounts.models import RoleName, User
from app.domain.errors import NotAllowed, Text


class Relation(enum.StrEnum):
    """What somebody is to the thing acted upon."""

    ANYONE = "anyone"
    RESEARCHER = "researcher"  # anyone signed in
    HOLDER = "holder"  # whose reservation, feed or token it is; who leads the group
    ASSISTANT = "assistant"  # whom the holder lets reserve for them; their PI
    PARTICIPANT = "participant"  # of somebody else's reservation
    OPERATOR = "operator"  # who works the instrument in somebody else's reservation
    MEMBER = "member"  # of the thing's research group or project
    FACILITY_MANAGER = "facility_manager"  # of the thing's facility
    INSTITUTION_ADMINISTRATOR = "institution_administrator"  # of the thing's institution
    SPONSOR_OFFICER = "sponsor_officer"
    SITE_ADMINISTRATOR = "site_administrator"


class Action(enum.StrEnum):
    """What can be done; the name is also what a route declares."""

    SEE_CATALOG = "see-catalog"
    RESERVE = "reserve"
    RESERVE_FOR = "reserve-for"  # somebody else, by their rights
    SEE_RESERVATION = "see-reservation"
    SEE_BUSY_DETAILS = "see-busy-details"
    CHANGE_RESERVATION = "change-reservation"
    CANCEL_RESERVATION = "cancel-reservation"
    DECIDE_RESERVATION = "decide-reservation"
    DECIDE_FOR_INSTITUTION = "decide-for-institution"  # on what its people ask for elsewhere
    DECIDE_FOR_GROUP = "decide-for-group"  # the same, of a research group
    USE_RESERVATION = "use-reservation"
    KEEP_USAGE_LOG = "keep-usage-log"
    OVERRIDE_RULES = "override-rules"
    EDIT_INSTRUMENT = "edit-instrument"
    EDIT_FACILITY = "edit-facility"
    EDIT_INSTITUTION = "edit-institution"
    CLOSE_TIME = "close-time"
    SET_RATES = "set-rates"  # of a facility; of a whole institution those who administer it
    DECIDE_CHARGE = "decide-charge"  # what a reservation costs in the end; to waive it
    CLOSE_MONTH = "close-month"  # of a supplier
    ENTER_PAYMENT = "enter-payment"  # of a statement of the institution
    DISPUTE_LINE = "dispute-line"  # of a statement to the institution
    SEE_STATEMENTS = "see-statements"  # of a supplier, or of who pays it
    SEE_SETTLEMENT = "see-settlement"  # of all institutions: whoever administers one of them
    SIGN_UP_FOR_TRAINING = "sign-up-for-training"
    TRAIN = "train"  # hold sessions, give certificates; needs none to work the instruments
    REPORT_FAULT = "report-fault"
    HANDLE_FAULT = "handle-fault"
    KEEP_MAINTENANCE_LOG = "keep-maintenance-log"
    KEEP_CONTRACTS = "keep-contracts"  # of other institutions with a facility
    SEE_COMMISSION = "see-commission"  # an analysis asked for without a time
    CHANGE_COMMISSION = "change-commission"  # or withdraw it, while it waits
    HANDLE_COMMISSION = "handle-commission"  # place it, decline it
    HAND_OVER = "hand-over"  # to another operator, what one attends
    KEEP_OPERATORS = "keep-operators"  # name them, and choose who attends a reservation
    SEE_PEOPLE = "see-people"
    MANAGE_PEOPLE = "manage-people"
    GRANT_ROLE = "grant-role"
    SUSPEND_PERSON = "suspend-person"
    LIFT_SUSPENSION = "lift-suspension"  # of a facility, by its rule on no-shows
    OWN_ACCOUNT = "own-account"
    MAKE_FEED = "make-feed"
    MAKE_GROUP = "make-group"
    JOIN_GROUP = "join-group"  # ask to join, accept an invitation, leave
    SEE_GROUP = "see-group"
    LEAD_GROUP = "lead-group"
    MAKE_PROJECT = "make-project"
    SEE_PROJECT = "see-project"
    LEAD_PROJECT = "lead-project"
    REGISTER_ACCOUNT = "register-account"  # a funding account, which one holds
    HOLD_ACCOUNT = "hold-account"
    MARK_OVERDUE = "mark-overdue"
    KEEP_FUND = "keep-fund"  # of a sponsor
    SEE_AUDIT = "see-audit"
    ADMINISTER_SITE = "administer-site"


_R = Relation
_MANAGES = frozenset({_R.FACILITY_MANAGER, _R.INSTITUTION_ADMINISTRATOR, _R.SITE_ADMINISTRATOR})
_ADMINISTERS = frozenset({_R.INSTITUTION_ADMINISTRATOR, _R.SITE_ADMINISTRATOR})

#: Action × relation. Whoever stands in one of these relations may.
TABLE: dict[Action, frozenset[Relation]] = {
    Action.SEE_CATALOG: frozenset({_R.ANYONE}),
    Action.RESERVE: frozenset({_R.RESEARCHER}),
    Action.RESERVE_FOR: _MANAGES | {_R.ASSISTANT},
    Action.SEE_RESERVATION: _MANAGES | {_R.HOLDER, _R.ASSISTANT, _R.PARTICIPANT, _R.OPERATOR},
    Action.SEE_BUSY_DETAILS: _MANAGES | {_R.HOLDER, _R.ASSISTANT, _R.OPERATOR},
    Action.CHANGE_RESERVATION: _MANAGES | {_R.HOLDER, _R.ASSISTANT},
    Action.CANCEL_RESERVATION: _MANAGES | {_R.HOLDER, _R.ASSISTANT},
    Action.DECIDE_RESERVATION: _MANAGES,
    Action.DECIDE_FOR_INSTITUTION: _ADMINISTERS,
    Action.DECIDE_FOR_GROUP: _ADMINISTERS | {_R.HOLDER},
    Action.USE_RESERVATION: _MANAGES | {_R.HOLDER, _R.OPERATOR},
    Action.KEEP_USAGE_LOG: _MANAGES,
    Action.OVERRIDE_RULES: _MANAGES,
    Action.EDIT_INSTRUMENT: _MANAGES,
    Action.EDIT_FACILITY: _MANAGES,
    Action.EDIT_INSTITUTION: _ADMINISTERS,
    Action.CLOSE_TIME: _MANAGES,
    Action.SET_RATES: _MANAGES,
    Action.DECIDE_CHARGE: _MANAGES,
    Action.CLOSE_MONTH: _ADMINISTERS,
    Action.ENTER_PAYMENT: _ADMINISTERS,
    Action.DISPUTE_LINE: _ADMINISTERS,
    Action.SEE_STATEMENTS: _ADMINISTERS,
    Action.SEE_SETTLEMENT: _ADMINISTERS,
    Action.SIGN_UP_FOR_TRAINING: frozenset({_R.RESEARCHER}),
    Action.TRAIN: _MANAGES,
    Action.REPORT_FAULT: frozenset({_R.RESEARCHER}),
    Action.HANDLE_FAULT: _MANAGES,
    Action.KEEP_MAINTENANCE_LOG: _MANAGES,
    Action.KEEP_CONTRACTS: _MANAGES,
    Action.SEE_COMMISSION: _MANAGES | {_R.HOLDER, _R.ASSISTANT},
    Action.CHANGE_COMMISSION: frozenset({_R.HOLDER, _R.ASSISTANT}),
    Action.HANDLE_COMMISSION: _MANAGES,
    Action.HAND_OVER: _MANAGES | {_R.OPERATOR},
    Action.KEEP_OPERATORS: _MANAGES,
    Action.SEE_PEOPLE: _ADMINISTERS,
    Action.MANAGE_PEOPLE: _ADMINISTERS,
    Action.GRANT_ROLE: _ADMINISTERS,
    Action.SUSPEND_PERSON: _ADMINISTERS,
    Action.LIFT_SUSPENSION: _MANAGES,
    Action.OWN_ACCOUNT: frozenset({_R.HOLDER}),
    Action.MAKE_FEED: frozenset({_R.RESEARCHER}),
    Action.MAKE_GROUP: frozenset({_R.RESEARCHER}),
    Action.JOIN_GROUP: frozenset({_R.RESEARCHER}),
    Action.SEE_GROUP: _ADMINISTERS | {_R.HOLDER, _R.MEMBER},
    Action.LEAD_GROUP: _ADMINISTERS | {_R.HOLDER},
    Action.MAKE_PROJECT: frozenset({_R.RESEARCHER}),
    Action.SEE_PROJECT: _ADMINISTERS | {_R.HOLDER, _R.MEMBER},
    Action.LEAD_PROJECT: _ADMINISTERS | {_R.HOLDER},
    Action.REGISTER_ACCOUNT: frozenset({_R.RESEARCHER}),
    Action.HOLD_ACCOUNT: _ADMINISTERS | {_R.HOLDER},
    Action.MARK_OVERDUE: _ADMINISTERS,
    Action.KEEP_FUND: _ADMINISTERS | {_R.SPONSOR_OFFICER},
    Action.SEE_AUDIT: _ADMINISTERS,
    Action.ADMINISTER_SITE: frozenset({_R.SITE_ADMINISTRATOR}),
}


#: What a deputy may do while somebody is away, as far as that person may.
DELEGATED = frozenset(
    {Action.DECIDE_RESERVATION, Action.DECIDE_FOR_INSTITUTION, Action.DECIDE_FOR_GROUP}
)


class Operator:
    """Whoever runs `dure` on the machine itself; no person, and may do everything."""

    id: None = None


OPERATOR = Operator()
Actor = User | Operator


@dataclass(frozen=True, slots=True)
class Scope:
    """The thing acted upon: whose it is, in which facility, of which institution."""

    institution_id: int | None = None
    facility_id: int | None = None
    holder_id: int | None = None
    member_ids: frozenset[int] = frozenset()
    assistant_ids: frozenset[int] = frozenset()
    participant_ids: frozenset[int] = frozenset()
    operator_ids: frozenset[int] = frozenset()


SITE = Scope()


def _by_themself(user: User, scope: Scope) -> set[Relation]:
    """What a person is to the thing by themself, whatever roles they have."""
    named = {
        Relation.HOLDER: {scope.holder_id},
        Relation.MEMBER: scope.member_ids,
        Relation.ASSISTANT: scope.assistant_ids,
        Relation.PARTICIPANT: scope.participant_ids,
        Relation.OPERATOR: scope.operator_ids,
    }
    return {relation for relation, ids in named.items() if user.id in ids}


def relations(user: Actor | None, scope: Scope) -> frozenset[Relation]:
    """All that `user` is to the thing; an account that is switched off is nobody's."""
    if isinstance(user, Operator):
        return frozenset(Relation)
    found = {Relation.ANYONE}
    if user is None or not user.is_authenticated or not user.active:
        return frozenset(found)
    found.add(Relation.RESEARCHER)
    found |= _by_themself(user, scope)
    for grant in user.grants:
        match grant.role:
            case RoleName.SITE_ADMINISTRATOR:
                found.add(Relation.SITE_ADMINISTRATOR)
            case RoleName.SPONSOR_OFFICER:
                found.add(Relation.SPONSOR_OFFICER)
            case RoleName.FACILITY_MANAGER if grant.facility_id == scope.facility_id:
                found.add(Relation.FACILITY_MANAGER)
            case RoleName.INSTITUTION_ADMINISTRATOR if grant.institution_id == scope.institution_id:
                found.add(Relation.INSTITUTION_ADMINISTRATOR)
    return frozenset(found)


def may(user: Actor | None, action: Action, scope: Scope = SITE) -> bool:
    """Whether the rights of `user` grant the action on this thing."""
    return not TABLE[action].isdisjoint(relations(user, scope))


def require(user: Actor | None, action: Action, scope: Scope = SITE) -> None:
    """Asked first in each use case; raises `NotAllowed`."""
    if not may(user, action, scope):
        raise NotAllowed(
            Text(
                "이 작업을 할 권한이 없습니다. 장비담당자나 기관 관리자에게 문의하세요.",
                "You do not have the right to do this. If you need it, ask the facility manager "
                "or your institution's administrator.",
            )
        )


def require_somewhere(user: Actor | None, action: Action) -> None:
    """Raises `NotAllowed` unless there is an institution of which the user may do it."""
    own = institutions_administered(user)
    if own is None or not any(may(user, action, Scope(institution_id=each)) for each in own):
        require(user, action)


def may_in_place_of(absent: User, deputy: User, action: Action, scope: Scope) -> bool:
    """Whether a deputy may do what somebody who is away might do."""
    return action in DELEGATED and deputy.active and may(absent, action, scope)


def manages_anything(user: User | None) -> bool:
    """Whether there is a facility for which the user decides."""
    return bool(
        user
        and user.is_authenticated
        and any(grant.role is not RoleName.SPONSOR_OFFICER for grant in user.grants)
    )


def institutions_administered(user: Actor | None) -> frozenset[int] | None:
    """Ids of the institutions whose people the user administers; None stands for all."""
    if isinstance(user, Operator):
        return None
    if user is None or not user.is_authenticated or not user.active:
        return frozenset()
    if any(grant.role is RoleName.SITE_ADMINISTRATOR for grant in user.grants):
        return None
    return frozenset(
        grant.institution_id
        for grant in user.grants
        if grant.role is RoleName.INSTITUTION_ADMINISTRATOR and grant.institution_id is not None
    )


def as_markdown() -> str:
    """The table of rights as `docs/rights.md` shows it."""
    head = "| Action | " + " | ".join(f"`{relation}`" for relation in Relation) + " |"
    rule = "|---" * (len(Relation) + 1) + "|"
    lines = (
        f"| `{action}` | "
        + " | ".join("yes" if relation in TABLE[action] else "–" for relation in Relation)
        + " |"
        for action in Action
    )
    handed = ", ".join(f"`{action}`" for action in Action if action in DELEGATED)
    deputies = f"While somebody is away, their deputy may do for them: {handed}."
    return "\n".join((_RIGHTS_PREFACE, deputies, "", head, rule, *lines, ""))


_RIGHTS_PREFACE = """\
# Who may do what

Written by `dure user rights > docs/rights.md` from the table in `app/accounts/access.py`;
a test compares the two and tries every cell.

Whoever stands in one of the relations to the thing acted upon may. A facility manager is one
of the thing's facility, an institution administrator one of the thing's institution; the
holder is the person whose reservation, feed, token or account it is, or who leads the research
group or project; a member is one of them. An assistant of a reservation is who reserved it for its
holder, as long as the holder lets them or belongs to their group. The operator of a reservation
is whom the facility has work the instrument in it. Everyone with an account is a
researcher. What nobody is granted, nobody may; an account that is switched off has no rights but
anyone's.

장비담당자(facility_manager)의 권한은 그 시설에, 기관 관리자(institution_administrator)의 권한은
그 기관에만 미칩니다.
"""
