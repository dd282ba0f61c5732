"""What the people of the demonstration reserve instruments for, by technique."""

from app.domain.errors import Text

ELSEWHERE: tuple[Text, ...] = (
    Text("예비 실험", "pilot experiment"),
    Text("정기 측정", "routine measurement"),
    Text("공동연구 시료 분석", "samples of a joint project"),
    Text("논문 보완 실험", "experiments for a revision"),
    Text("신규 사용자 실습", "practice for a new user"),
)

_IMAGING = (
    Text("세포막 단백질 영상", "membrane imaging"),
    Text("종양 오가노이드 3차원 영상", "tumour organoid stacks"),
    Text("뇌 조직 절편 관찰", "brain sections"),
    Text("살아 있는 세포 시간 경과 촬영", "live-cell time lapse"),
    Text("면역형광 염색 확인", "immunofluorescence check"),
)
_ELECTRONS = (
    Text("엑소좀 형태 관찰", "exosome morphology"),
    Text("나노입자 크기 확인", "nanoparticle size"),
    Text("단백질 복합체 음성 염색", "negative stain of a protein complex"),
    Text("조직 미세구조 관찰", "tissue ultrastructure"),
)
_CYTOMETRY = (
    Text("말초혈액 면역세포 분석", "immune cells of peripheral blood"),
    Text("CAR-T 세포 표지 확인", "CAR-T surface markers"),
    Text("세포 주기 측정", "cell cycle"),
    Text("줄기세포 분리", "stem cell sorting"),
)
_SEQUENCES = (
    Text("단일세포 전사체 라이브러리", "single-cell libraries"),
    Text("종양 패널 염기서열 분석", "tumour panel"),
    Text("유전자 발현 확인", "gene expression"),
    Text("장내 미생물 16S 분석", "16S of gut microbiota"),
)
_MASSES = (
    Text("혈장 대사체 정량", "plasma metabolites"),
    Text("단백체 시료 측정", "proteome samples"),
    Text("약물 농도 정량", "drug levels"),
    Text("합성 물질 분자량 확인", "mass of a new compound"),
)
_STRUCTURES = (
    Text("합성 중간체 구조 확인", "structure of an intermediate"),
    Text("단백질 구조 측정", "protein structure"),
    Text("원료의약품 순도 확인", "purity of a drug substance"),
    Text("고분자 시료 분석", "polymer samples"),
)
_BINDING = (
    Text("항체 결합력 측정", "antibody affinity"),
    Text("후보 물질 결합 시험", "binding of candidates"),
    Text("단백질 정제", "protein purification"),
)
_ANIMALS = (
    Text("뇌졸중 동물 모델 촬영", "stroke model imaging"),
    Text("종양 크기 추적", "tumour size over time"),
    Text("행동 실험", "behaviour test"),
)
_CELLS = (
    Text("환자 유래 세포 배양", "patient-derived cells"),
    Text("바이러스 벡터 제작", "viral vector production"),
    Text("인체자원 검체 보관", "storing of samples"),
)
_PEOPLE = (
    Text("의사과학자 교육 실습", "physician-scientist training"),
    Text("임상술기 실습", "clinical skills practice"),
    Text("연구 세미나", "research seminar"),
    Text("임상시험 대상자 방문", "visit of trial participants"),
)
_MAKING = (
    Text("미세유체 칩 제작", "microfluidic chip"),
    Text("실험 장치 시제품 제작", "prototype of a device"),
    Text("센서 전극 증착", "electrodes of a sensor"),
)
_NUMBERS = (
    Text("영상 분할 모델 학습", "training of a segmentation model"),
    Text("유전체 자료 정렬", "genome alignment"),
    Text("저온 전자현미경 영상 처리", "cryo-EM image processing"),
)

_TECHNIQUES: tuple[tuple[str, tuple[Text, ...]], ...] = (
    ("confocal super-resolution light-sheet holotomography widefield", _IMAGING),
    ("optical-microscopy digital-pathology histology", _IMAGING),
    ("cryo-em tem sem fib afm", _ELECTRONS),
    ("flow-cytometry cell-sorting cell-counting", _CYTOMETRY),
    ("sequencing single-cell pcr", _SEQUENCES),
    ("lc-ms gc-ms maldi mass-spectrometry proteomics sims icp-ms chromatography", _MASSES),
    ("nmr xrd raman ftir uv-vis circular-dichroism", _STRUCTURES),
    ("thermal-analysis elemental-analysis toc", _STRUCTURES),
    ("spr bli immunoassay microplate gel-imaging", _BINDING),
    ("mri pet-ct micro-ct ultrasound in-vivo-imaging eeg", _ANIMALS),
    ("animal-housing animal-phenotyping animal-procedure", _ANIMALS),
    ("cell-culture biosafety biobanking cold-storage gmp-production bioprinting", _CELLS),
    ("clinical-trial simulation-training seminar", _PEOPLE),
    ("three-d-printing machining electronics lithography thin-film", _MAKING),
    ("computing image-analysis", _NUMBERS),
)
BY_TECHNIQUE: dict[str, tuple[Text, ...]] = {
    technique: purposes for names, purposes in _TECHNIQUES for technique in names.split()
}

#: Why managers turned something down.
REJECTIONS: tuple[Text, ...] = (
    Text("시료 정보가 부족합니다. 보완한 뒤 다시 신청해 주세요.", "Say more about the samples."),
    Text("이용 교육을 먼저 받아야 합니다.", "Take the training session first."),
    Text("승인 번호를 함께 적어 주세요.", "Give the permit number."),
)
CANCELLATIONS: tuple[Text, ...] = (
    Text("시료 준비가 늦어졌습니다.", "Samples are late."),
    Text("일정이 바뀌었습니다.", "Change of plans."),
    Text("", ""),
)
MAINTENANCE: tuple[Text, ...] = (
    Text("정기 점검", "Regular maintenance"),
    Text("레이저 정렬과 교정", "Laser alignment and calibration"),
    Text("제조사 방문 점검", "Service visit of the maker"),
    Text("소모품 교체와 청소", "Consumables and cleaning"),
)
FAULTS: tuple[Text, ...] = (
    Text("고장 수리", "Repair"),
    Text("냉각수 누수 수리", "Repair of a coolant leak"),
)
