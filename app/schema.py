"""Imports every models.py, so that no table is unknown to Alembic."""

from app.accounts import models as accounts
from app.audit import models as audit
from app.billing import models as billing
from app.calendars import models as calendars
from app.catalog import models as catalog
from app.contracts import models as contracts
from app.files import models as files
from app.mail import models as mail
from app.programmes import models as programmes
from app.projects import models as projects
from app.rates import models as rates
from app.reservations import approval_models as approvals
from app.reservations import commission_models as commissions
from app.reservations import hand_over_models as hand_overs
from app.reservations import models as reservations
from app.reservations import operator_models as operators
from app.training import models as training

TABLES = (
    accounts,
    approvals,
    audit,
    billing,
    calendars,
    catalog,
    commissions,
    contracts,
    files,
    hand_overs,
    mail,
    operators,
    programmes,
    projects,
    rates,
    reservations,
    training,
)
