"""The fixed words of the national guideline and of the files, in Korean and English."""

from collections.abc import Mapping
from types import MappingProxyType

#: The eight main classes (표준분류 대분류) of research instruments: slug → Korean, English.
CLASSIFICATIONS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "optical-electron-imaging": ("광학/전자영상장비", "Optical and electron imaging"),
        "chemical-pretreatment-analysis": (
            "화합물전처리/분석장비",
            "Chemical pretreatment and analysis",
        ),
        "mechanical-processing-testing": (
            "기계가공/시험장비",
            "Mechanical processing and testing",
        ),
        "electrical-electronic": ("전기/전자장비", "Electrical and electronic"),
        "data-processing": ("데이터처리장비", "Data processing"),
        "physical-measurement": ("물리적측정장비", "Physical measurement"),
        "clinical-medical": ("임상의료장비", "Clinical and medical"),
        "environment-production-breeding": (
            "환경조성/생산/사육시설장비",
            "Environment, production and breeding",
        ),
    }
)

#: What a price is counted in: slug → Korean, English.
PRICE_UNITS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "hour": ("시간", "hour"),
        "half_day": ("반일", "half-day"),
        "day": ("일", "day"),
        "session": ("회", "session"),
        "sample": ("시료", "sample"),
        "run": ("런", "run"),
        "slide": ("슬라이드", "slide"),
        "plate": ("플레이트", "plate"),
        "wafer": ("웨이퍼", "wafer"),
        "cage_day": ("케이지·일", "cage-day"),
    }
)

#: Use scope (활용범위): slug → Korean, English.
USE_SCOPES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "public_use_service": ("공동활용서비스", "Public-use service"),
        "joint_use": ("공동활용허용", "Joint use"),
        "private_use": ("단독활용", "Private use"),
    }
)

#: Use state (활용상태): slug → Korean, English.
USE_STATES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "in_use": ("활용", "In use"),
        "low_use": ("저활용", "Low use"),
        "idle": ("유휴", "Idle"),
        "disused": ("불용", "Disused"),
    }
)

#: Purpose (용도): slug → Korean, English.
PURPOSES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "test": ("시험", "Test"),
        "analysis": ("분석", "Analysis"),
        "education": ("교육", "Education"),
        "measurement": ("계측", "Measurement"),
        "production": ("생산", "Production"),
        "other": ("기타", "Other"),
    }
)

#: What can be reserved: slug → Korean, English.
KINDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "instrument": ("장비", "Instrument"),
        "room": ("공간", "Room"),
        "housing": ("사육·보관", "Housing"),
        "service": ("서비스", "Service"),
    }
)

#: Kinds of institutions: slug → Korean, English.
INSTITUTION_KINDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "university": ("대학", "University"),
        "government_institute": ("정부출연연구기관", "Government institute"),
        "public_institute": ("국공립연구기관", "Public institute"),
        "hospital": ("병원", "Hospital"),
        "small_company": ("중소기업", "Small or medium company"),
        "large_company": ("대기업", "Large company"),
        "association": ("협회", "Association"),
        "city": ("지방자치단체", "City"),
    }
)

#: Whose prices: field of `prices` → Korean, English.
PRICE_CLASSES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "own_institution": ("소속 기관", "Own institution"),
        "partner": ("협약 기관", "Partners of the alliance"),
        "other_academic": ("그 밖의 대학·연구소", "Other universities and institutes"),
        "small_company": ("중소기업", "Small and medium companies"),
        "large_company": ("대기업", "Large companies"),
    }
)
