"""The roles in words."""

from app.accounts.models import RoleName
from app.domain.errors import Text

ROLE_NAMES: dict[RoleName | None, Text] = {
    None: Text("연구자", "Researcher"),
    RoleName.FACILITY_MANAGER: Text("장비담당자", "Facility manager"),
    RoleName.INSTITUTION_ADMINISTRATOR: Text("기관 관리자", "Institution administrator"),
    RoleName.SPONSOR_OFFICER: Text("지원 사업 담당자", "Sponsor officer"),
    RoleName.SITE_ADMINISTRATOR: Text("사이트 관리자", "Site administrator"),
}
