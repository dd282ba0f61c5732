"""The city's fund: seven tenths of what people of CNU pay."""

from datetime import date, datetime
from typing import Any

import pytest

from app import clock
from app.accounts.models import Institution, User
from app.programmes import services
from app.programmes.models import SponsorFund
from app.programmes.services import FundPlan
from tests import factories
from tests.factories import NOW


@pytest.fixture
def fixed_now(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """The pages, too, believe that it is 2 March 2026."""
    monkeypatch.setattr(clock, "now", lambda: NOW)
    return NOW


@pytest.fixture
def city(app: object) -> Institution:
    return factories.institution(slug="daejeon", name_ko="대전시", name_en="Daejeon")


@pytest.fixture
def hana(city: Institution) -> User:
    """Administers the city's funds."""
    return factories.user("hana", name="이하나", institution=city, administers=city)


def plan(**fields: Any) -> FundPlan:
    fields.setdefault("name_ko", "의사과학자 지원금")
    fields.setdefault("name_en", "Physician-scientists")
    fields.setdefault("percent", 70)
    fields.setdefault("starts_on", date(2026, 1, 1))
    fields.setdefault("ends_on", date(2026, 12, 31))
    return FundPlan(**fields)


def fund_of(user: User, sponsor: Institution, slug: str = "voucher", **fields: Any) -> SponsorFund:
    return services.make_fund(user, sponsor, slug, plan(**fields), now=NOW)
