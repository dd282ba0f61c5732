"""The folder of the contributed catalogue: what is taken, and how what is wrong is reported."""

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.catalog import loader, marked_yaml
from app.catalog.problems import CatalogInvalid

REPOSITORY = Path(__file__).parents[2]

INSTITUTION = """\
name: {ko: 한국대학교, en: Hanguk University}
kind: university
colours: {light: "#1d4ed8", dark: "#93c5fd"}
illustrative: true
"""
FACILITY = """\
name: {ko: 영상센터, en: Imaging centre}
location: {ko: 본관 101호, en: "Main building, room 101"}
opening_hours:
  mon-fri: ["09:00-18:00"]
booking:
  slot: PT1H
  shortest: PT1H
illustrative: true
"""
MICROSCOPE = """\
facility: hanguk-imaging
kind: instrument
name:
  ko: 공초점 현미경
  en: Confocal microscope
classification: optical-electron-imaging
techniques: [confocal]
use_scope: joint_use
booking:
  longest: PT4H
illustrative: true
"""
TECHNIQUES = "confocal: {ko: 공초점 현미경법, en: Confocal microscopy}\n"


@pytest.fixture
def folder(tmp_path):
    """A small catalogue without fault."""
    write(tmp_path, "techniques.yaml", TECHNIQUES)
    write(tmp_path, "hanguk/institution.yaml", INSTITUTION)
    write(tmp_path, "hanguk/facilities/hanguk-imaging.yaml", FACILITY)
    write(tmp_path, "hanguk/hanguk-confocal.yaml", MICROSCOPE)
    return tmp_path


def write(folder: Path, path: str, text: str | bytes) -> None:
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(text if isinstance(text, bytes) else text.encode())


def problems(folder: Path) -> list[str]:
    return [str(found).removeprefix(f"{folder}/") for found in loader.problems(folder)]


def microscope_with(folder: Path, old: str, new: str) -> list[str]:
    assert old in MICROSCOPE
    write(folder, "hanguk/hanguk-confocal.yaml", MICROSCOPE.replace(old, new))
    return problems(folder)


def test_a_good_folder_is_read(folder):
    found = loader.read(folder)

    assert problems(folder) == []
    assert found.instruments["hanguk-confocal"].name.ko == "공초점 현미경"
    assert found.institution_of == {"hanguk-imaging": "hanguk", "hanguk-confocal": "hanguk"}
    assert found.techniques["confocal"].en == "Confocal microscopy"


def test_settings_come_from_instrument_facility_and_defaults(folder):
    booking = loader.read(folder).booking_of("hanguk-confocal")
    assert (booking.slot, booking.longest) == (booking.shortest, booking.slot * 4)
    assert booking.approval == "open"


def test_every_problem_of_every_file_is_told_at_once(folder):
    write(folder, "hanguk/institution.yaml", INSTITUTION.replace("kind: university\n", ""))
    write(
        folder,
        "hanguk/hanguk-confocal.yaml",
        MICROSCOPE.replace("joint_use", "all") + "colour: 1\n",
    )

    with pytest.raises(CatalogInvalid) as refused:
        loader.read(folder)

    assert [str(p).removeprefix(f"{folder}/") for p in refused.value.problems] == [
        (
            "hanguk/hanguk-confocal.yaml:8: “use_scope” must be "
            "public_use_service, joint_use or private_use, not “all”"
        ),
        "hanguk/hanguk-confocal.yaml:12: “colour” is not a known field: did you mean “colours”?",
        "hanguk/institution.yaml:1: “kind” is missing",
    ]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("  en: Confocal microscope\n", "", ":3: “name.en” is missing"),
        ("hanguk-imaging", "hanguk-lab", ":1: there is no facility “hanguk-lab”"),
        ("[confocal]", "[confocal, sem]", ":7: there is no technique “sem”"),
        ("PT4H", "PT90M", ":10: “longest” must be a multiple of “slot”"),
        ("PT4H", "4 hours", ":10: “booking.longest” is not a duration"),
        ("PT4H", "P40D", ":10: “longest” must not exceed P31D"),
        ("illustrative: true", "illustrative: yes", ":11: “illustrative” must be true or false"),
        ("illustrative: true", "capacity: 0", ":11: “capacity”: "),
        ("illustrative: true", "model: 980", ":11: “model” must be text: put “980” in quotes"),
        ("illustrative: true", "", ":1: “sources”: needs at least one of"),
        ("kind: instrument", "kind: instrument\nkind: room", ":3: “kind” is given twice"),
        ("PT4H", "&long PT4H", ":10: anchors and aliases are not read"),
        ("PT4H", "*long", ":10: anchors and aliases are not read"),
        ("PT4H", "!!python/name:os.system x", ":10: tags such as"),
        ("[confocal]", "{a: b", ": this is not YAML"),
        ("[confocal]", "[" * 30 + "]" * 30, ":7: this is nested more than 20 deep"),
        ("[confocal]", "[[confocal]]", ":7: “techniques.1” must be text"),
        ("[confocal]", '["\\0"]', ":7: this text contains a control character"),
        ("facility:", "[a]:", ": the name of a field must be a plain word"),
        ("illustrative: true", "illustrative: true\n---\na: b", ": a file holds one document"),
        ("illustrative: true", 'opening_hours: {fry: ["09:00-18:00"]}', ":11: “opening_hours”"),
        ("illustrative: true", "opening_hours: {mon: [9]}", ":11: “opening_hours”"),
        ("illustrative: true", "opening_hours: {mon: []}", "is never open"),
    ],
)
def test_a_problem_is_told_with_its_line(folder, old, new, problem):
    found = microscope_with(folder, old, new)
    assert any(f"hanguk-confocal.yaml{problem}" in text or problem in text for text in found), found


def test_inherited_settings_are_checked_as_they_add_up(folder):
    write(folder, "hanguk/facilities/hanguk-imaging.yaml", FACILITY.replace("PT1H\n", "PT6H\n"))
    assert problems(folder) == [
        "hanguk/hanguk-confocal.yaml:10: “longest” must be a multiple of “slot”",
        "hanguk/hanguk-confocal.yaml:10: “longest” must not be shorter than “shortest”",
    ]


def test_words_of_old_yaml_stay_words(folder):
    """“on” is no truth value and “18:00” is no number of minutes."""
    found = microscope_with(
        folder,
        "illustrative: true",
        "illustrative: true\nacquisition:\n  on: 2024-03-31\nmodel: 18:00\nmaker: no",
    )
    instrument = loader.read(folder).instruments["hanguk-confocal"]
    assert found == []
    assert (instrument.acquisition.on.year, instrument.model, instrument.maker) == (
        2024,
        "18:00",
        "no",
    )


def test_hangul_is_composed(folder):
    """A file from a Mac may hold the letters of a syllable one by one."""
    name = unicodedata.normalize("NFD", "현미경")
    assert len(name) == 8
    assert microscope_with(folder, "공초점 현미경", name) == []
    assert loader.read(folder).instruments["hanguk-confocal"].name.ko == "현미경"


@pytest.mark.parametrize(
    ("path", "text", "problem"),
    [
        ("hanguk/sem.yaml", MICROSCOPE, "sem.yaml:1: the slug “sem” must begin with “hanguk-”"),
        ("hanguk/hanguk_sem.yaml", MICROSCOPE, "“hanguk_sem” is not a slug"),
        ("hanguk/hanguk-현미경.yaml", MICROSCOPE, "“hanguk-현미경” is not a slug"),
        ("hanguk/hanguk-imaging.yaml", MICROSCOPE, "the slug “hanguk-imaging” is taken by"),
        ("hanguk/hanguk-sem.yml", MICROSCOPE, "sem.yml:1: the file is not read: name it “.yaml”"),
        ("hanguk/photo.jpg", b"\xff\xd8", "photo.jpg:1: the file does not belong here"),
        ("hanguk/more/x.yaml", MICROSCOPE, "more:1: no folder is read here but “facilities”"),
        ("seoul/seoul-sem.yaml", MICROSCOPE, "seoul/institution.yaml:1: the file is missing"),
        ("seoul/seoul-sem.yaml", MICROSCOPE, "“hanguk-imaging” belongs to “hanguk”"),
        ("hanguk/hanguk-empty.yaml", "", "empty.yaml:1: the file must be fields with values"),
        ("hanguk/hanguk-list.yaml", "- a\n", "list.yaml:1: the file must be fields with values"),
        ("hanguk/hanguk-cp949.yaml", "이름: 현미경".encode("cp949"), "this is not UTF-8 text"),
        ("hanguk/hanguk-big.yaml", "# " + "x" * 300_000, "the file is larger than 256 KiB"),
        (
            "hanguk/hanguk-sem.yaml",
            MICROSCOPE + "former_slugs: [hanguk-confocal]\n",
            "sem.yaml:12: the former slug “hanguk-confocal” is taken",
        ),
    ],
)
def test_a_file_that_cannot_be_taken_is_named(folder, path, text, problem):
    write(folder, path, text)
    assert any(problem in found for found in problems(folder)), problems(folder)


def test_a_link_out_of_the_folder_is_refused(folder, tmp_path_factory):
    secret = tmp_path_factory.mktemp("elsewhere") / "secret.yaml"
    secret.write_text(MICROSCOPE, encoding="utf-8")
    (folder / "hanguk/hanguk-link.yaml").symlink_to(secret)
    (folder / "hanguk/hanguk-loop.yaml").symlink_to(folder / "hanguk/hanguk-loop.yaml")

    link, loop = problems(folder)
    assert link.startswith("hanguk/hanguk-link.yaml:1: this link leads out of the folder")
    assert loop.startswith("hanguk/hanguk-loop.yaml:1: ")


def test_a_folder_that_is_not_there_is_a_problem(tmp_path):
    found = loader.problems(tmp_path / "nowhere")
    assert [problem.text for problem in found] == ["there is no such folder"]


def test_a_bomb_of_aliases_stays_small():
    bomb = b"a: &a [x, x, x, x]\n" + b"".join(
        b"%c: &%c [*%c, *%c, *%c]\n" % (n, n, n - 1, n - 1, n - 1) for n in range(98, 123)
    )
    found = marked_yaml.read(bomb)
    assert len(found.lines) < 500
    assert "anchors and aliases" in found.faults[0].text


GOOD = (FACILITY + MICROSCOPE).encode()
mutations = st.lists(
    st.tuples(st.integers(0, len(GOOD)), st.integers(0, 12), st.binary(max_size=12)), max_size=5
)


@given(mutations)
@settings(max_examples=300, deadline=None)
def test_no_bytes_whatever_break_the_reader(changes):
    raw = GOOD
    for at, removed, inserted in changes:
        raw = raw[:at] + inserted + raw[at + removed :]

    found = marked_yaml.read(raw)

    last = raw.count(b"\n") + raw.count(b"\r") + 2
    assert all(1 <= fault.line <= last + 5 for fault in found.faults)


@given(
    st.one_of(
        st.binary(max_size=200),
        st.text("{}[]:-&*!|>'\"#%@`,? \n\tab0", max_size=80).map(str.encode),
    )
)
@settings(max_examples=300, deadline=None)
def test_no_file_whatever_breaks_the_check(tmp_path_factory, raw):
    folder = tmp_path_factory.mktemp("noise")
    write(folder, "techniques.yaml", TECHNIQUES)
    write(folder, "hanguk/institution.yaml", INSTITUTION)
    write(folder, "hanguk/facilities/hanguk-imaging.yaml", FACILITY)
    write(folder, "hanguk/hanguk-confocal.yaml", raw)

    assert loader.problems(folder), "noise is no instrument"


def test_the_catalogue_of_this_repository_is_in_order():
    assert loader.problems(REPOSITORY / "instruments") == []


def test_a_newcomer_can_reserve_a_good_part_of_it_tomorrow():
    """A third asks nobody, and no training, needs an hour's notice and takes short reservations."""
    catalogue = loader.read(REPOSITORY / "instruments")
    ready = [
        slug
        for slug, instrument in catalogue.instruments.items()
        if instrument.use_scope != "private_use"
        and (booking := catalogue.booking_of(slug)).approval == "open"
        and booking.latest.total_seconds() <= 3600
        and booking.shortest.total_seconds() <= 1800
        and booking.certificate == "none"
        and booking.safety_training == ["none"]
    ]
    assert "kaist-biocore-confocal" in ready
    assert 3 * len(ready) >= len(catalogue.instruments)
    assert len(catalogue.instruments) + len(catalogue.facilities) >= 60


def with_stage(folder: Path, **said: str) -> None:
    text = MICROSCOPE.replace("공초점 현미경", "가열 스테이지").replace(
        "Confocal microscope", "Stage"
    )
    for name, value in said.items():
        text += f"{name}: {value}\n"
    write(folder, "hanguk/hanguk-stage.yaml", text)


def test_what_is_reserved_along_exists_beside_it(folder):
    with_stage(folder, needs="[hanguk-confocal]")
    assert problems(folder) == []
    assert loader.read(folder).instruments["hanguk-stage"].needs == ["hanguk-confocal"]

    with_stage(folder, needs="[hanguk-gone, hanguk-stage]", accessories="[hanguk-far]")
    write(folder, "hanguk/facilities/hanguk-other.yaml", FACILITY)
    far = MICROSCOPE.replace("hanguk-imaging", "hanguk-other")
    write(folder, "hanguk/hanguk-far.yaml", far)
    place = "hanguk/hanguk-stage.yaml"
    itself, gone, elsewhere = problems(folder)
    assert itself == f"{place}:12: an instrument is not reserved along with itself"
    assert gone == f"{place}:12: there is no instrument “hanguk-gone”"
    assert elsewhere.startswith(f"{place}:13: “hanguk-far” is of another facility")


def test_nothing_comes_to_need_itself(folder):
    with_stage(folder, needs="[hanguk-confocal]")
    write(folder, "hanguk/hanguk-confocal.yaml", MICROSCOPE + "needs: [hanguk-stage]\n")

    said = "it would come to need itself:"
    one, other = "hanguk-confocal", "hanguk-stage"
    assert problems(folder) == [
        f"hanguk/{one}.yaml:12: {said} {one} → {other} → {one}",
        f"hanguk/{other}.yaml:12: {said} {other} → {one} → {other}",
    ]
