"""The words of the usage log (운영일지, annex 8 of MSIT notice 2026-25)."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from app.domain.booking_facts import AffiliationClass
from app.domain.errors import Text


class OrganisationClass(StrEnum):
    """How the user's organisation stands to the one that owns the instrument."""

    OWN_DEPARTMENT = "own_department"
    OTHER_DEPARTMENT = "other_department"
    OTHER_INSTITUTION = "other_institution"


class OrganisationType(StrEnum):
    """What kind of organisation the user comes from."""

    GOVERNMENT_INSTITUTE = "government_institute"
    PUBLIC_INSTITUTE = "public_institute"
    UNIVERSITY = "university"
    COMPANY = "company"


class UseType(StrEnum):
    """What an instrument was used for."""

    MEASUREMENT = "measurement"
    PRODUCTION = "production"
    COMPUTING = "computing"
    EDUCATION = "education"
    OTHER = "other"


class Origin(StrEnum):
    """How a line came into the log."""

    RESERVATION = "reservation"
    WALK_IN = "walk_in"
    OWN_USE = "own_use"


ORGANISATION_CLASS_NAMES: Mapping[OrganisationClass, Text] = MappingProxyType(
    {
        OrganisationClass.OWN_DEPARTMENT: Text("보유 부서", "Owning department"),
        OrganisationClass.OTHER_DEPARTMENT: Text("기관 내 타 부서", "Other department"),
        OrganisationClass.OTHER_INSTITUTION: Text("타 기관", "Other institution"),
    }
)
ORGANISATION_TYPE_NAMES: Mapping[OrganisationType, Text] = MappingProxyType(
    {
        OrganisationType.GOVERNMENT_INSTITUTE: Text("정부출연연구소", "Government institute"),
        OrganisationType.PUBLIC_INSTITUTE: Text("국·공립연구소", "National or public institute"),
        OrganisationType.UNIVERSITY: Text("대학", "University"),
        OrganisationType.COMPANY: Text("기업", "Company"),
    }
)
USE_TYPE_NAMES: Mapping[UseType, Text] = MappingProxyType(
    {
        UseType.MEASUREMENT: Text("계측·분석·시험", "Measurement, analysis, test"),
        UseType.PRODUCTION: Text("생산·가공", "Production, processing"),
        UseType.COMPUTING: Text("전산·시뮬레이션", "Computing, simulation"),
        UseType.EDUCATION: Text("교육", "Education"),
        UseType.OTHER: Text("기타", "Other"),
    }
)
ORIGIN_NAMES: Mapping[Origin, Text] = MappingProxyType(
    {
        Origin.RESERVATION: Text("예약", "Reservation"),
        Origin.WALK_IN: Text("현장 이용", "Walk-in use"),
        Origin.OWN_USE: Text("자체 사용", "Own use"),
    }
)

_CLASSES: Mapping[AffiliationClass, OrganisationClass] = MappingProxyType(
    {
        AffiliationClass.OWN_DEPARTMENT: OrganisationClass.OWN_DEPARTMENT,
        AffiliationClass.OWN_INSTITUTION: OrganisationClass.OTHER_DEPARTMENT,
    }
)


def organisation_class(affiliation: AffiliationClass) -> OrganisationClass:
    """What the log calls an affiliation; whoever is not of the house comes from elsewhere."""
    return _CLASSES.get(affiliation, OrganisationClass.OTHER_INSTITUTION)
