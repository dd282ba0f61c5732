"""The invented people of the demonstration: who they are and what they may do."""

from dataclasses import dataclass

from app.accounts.models import RoleName
from app.accounts.roles import ROLE_NAMES
from app.domain.errors import Text

TRAINEE = Text("교육생", "Trainee")


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """Somebody to sign in as."""

    email: str
    name: str
    institution: str  # slug
    position: str = ""
    department: str = ""
    language: str = "ko"
    duty: RoleName | None = None
    trainee: bool = False

    @property
    def role(self) -> Text:
        """What they are, in words."""
        return TRAINEE if self.trainee else ROLE_NAMES[self.duty]

    @property
    def reserves(self) -> bool:
        return self.duty is None


def _researcher(
    at: str,
    name: str,
    institution: str,
    position: str,
    department: str = "",
    *,
    language: str = "ko",
    trainee: bool = False,
) -> DemoPerson:
    return DemoPerson(
        f"{at}@example.org",
        name,
        institution,
        position,
        department,
        language=language,
        trainee=trainee,
    )


def _manager(address: str, name: str, institution: str, *, language: str = "ko") -> DemoPerson:
    """Somebody behind an address that a contributed facility names as its manager's."""
    return DemoPerson(
        f"{address}@{institution}.example",
        name,
        institution,
        "장비담당자" if language == "ko" else "Facility manager",
        language=language,
        duty=RoleName.FACILITY_MANAGER,
    )


_MEDICAL_SCIENCE = "의과학대학원"
_MEDICINE = "의과대학"

#: The four that a visitor needs come first: a researcher, one of another institution, the
#: manager of the first one's facility, and who administers the site.
PEOPLE: tuple[DemoPerson, ...] = (
    _researcher("minseo.kim", "김민서", "kaist", "박사과정", _MEDICAL_SCIENCE),
    _researcher("junho.lee", "이준호", "cnu", "전임의", _MEDICINE),
    _manager("kaist-biocore", "박소라", "kaist"),
    DemoPerson(
        "site.admin@example.org",
        "최은우",
        "kaist",
        "플랫폼 운영자",
        duty=RoleName.SITE_ADMINISTRATOR,
    ),
    DemoPerson(
        "kaist.admin@example.org",
        "정하윤",
        "kaist",
        "연구장비팀장",
        "연구처",
        duty=RoleName.INSTITUTION_ADMINISTRATOR,
    ),
    DemoPerson(
        "cnu.admin@example.org",
        "윤서준",
        "cnu",
        "산학협력단 과장",
        "산학협력단",
        duty=RoleName.INSTITUTION_ADMINISTRATOR,
    ),
    DemoPerson(
        "city.officer@example.org",
        "한지민",
        "daejeon-city",
        "바이오헬스 주무관",
        "미래전략산업과",
        duty=RoleName.SPONSOR_OFFICER,
    ),
    _manager("kaist-cryoem", "Daniel Meyer", "kaist", language="en"),
    _manager("kaist-chemistry-nmr", "오세훈", "kaist"),
    _manager("kaist-animal", "서다인", "kaist"),
    _manager("cnu-crf", "강민재", "cnu"),
    _manager("cnu-med-core", "조유나", "cnu"),
    _manager("cnuh-advanced", "임도현", "cnuh"),
    _manager("yesi-bio-lab", "배수아", "yesi-bio"),
    _researcher("jiwoo.park", "박지우", "kaist", "석박사통합과정", "생명과학과"),
    _researcher("seoyeon.choi", "최서연", "kaist", "박사후연구원", "생명화학공학과"),
    _researcher("doyun.jung", "정도윤", "kaist", "박사과정", "화학과"),
    _researcher("haeun.shin", "신하은", "kaist", "연구교수", _MEDICAL_SCIENCE),
    _researcher("linh.nguyen", "Linh Nguyen", "kaist", "PhD student", language="en"),
    _researcher("theo.berg", "Theo Berg", "kaist", "Postdoctoral researcher", language="en"),
    _researcher("amara.okafor", "Amara Okafor", "kaist", "PhD student", language="en"),
    _researcher(
        "yejun.hwang", "황예준", "kaist", "의사과학자 과정", _MEDICAL_SCIENCE, trainee=True
    ),
    _researcher("chaewon.yu", "유채원", "kaist", "의사과학자 과정", _MEDICAL_SCIENCE, trainee=True),
    _researcher("sunwoo.ahn", "안선우", "cnu", "석사과정", "화학과"),
    _researcher("eunji.song", "송은지", "cnu", "교수", _MEDICINE),
    _researcher("hyunwoo.jang", "장현우", "cnu", "박사과정", "생명시스템과학대학"),
    _researcher("sofia.marin", "Sofia Marin", "cnu", "Postdoctoral researcher", language="en"),
    _researcher("gaeun.moon", "문가은", "cnu", "의학과 4학년", _MEDICINE, trainee=True),
    _researcher("taeyang.kwon", "권태양", "cnu", "의학과 3학년", _MEDICINE, trainee=True),
    _researcher("jiho.son", "손지호", "cnuh", "임상교수", "혈액종양내과"),
    _researcher("nayeon.baek", "백나연", "cnuh", "연구간호사", "임상시험센터"),
    _researcher("minjun.heo", "허민준", "cnuh", "전공의 3년차", "병리과", trainee=True),
    _researcher("soyul.nam", "남소율", "cnuh", "전공의 2년차", "내과", trainee=True),
    _researcher("priya.raman", "Priya Raman", "cnuh", "Research fellow", language="en"),
    _researcher("jaewon.lim", "임재원", "kribb", "선임연구원"),
    _researcher("sieun.go", "고시은", "kbsi", "박사후연구원"),
    _researcher("donghyun.noh", "노동현", "yesi-bio", "책임연구원"),
    _researcher("yuri.ha", "하유리", "yesi-bio", "연구원"),
    _researcher("kyungmin.min", "민경민", "yeje-pharma", "선임연구원"),
    _researcher("jihye.cha", "차지혜", "bonbogi-cell", "연구원"),
)
