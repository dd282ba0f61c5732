"""Photos of faults: handed in with the report, seen by whoever reads it, and by nobody else."""

import io
import re

import pytest
from sqlalchemy import select
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.test import encode_multipart

from app.catalog.models import Fault
from app.db import db
from app.domain.errors import Invalid, NotAllowed, NotFound, WrongState
from app.domain.file_kinds import LARGEST
from app.domain.maintenance import Condition, Result, Severity
from app.files.models import StoredFile
from app.files.photos import MOST
from app.files.services import Upload
from app.reservations import fault_photos, faults
from app.reservations.fault_photos import Pictures
from app.reservations.maintenance import Work
from tests import factories
from tests.factories import NOW
from tests.files.test_photos import picture

pytestmark = pytest.mark.usefixtures("fixed_now")

PAGE = "/instruments/microscope/fault"
JPEG, PNG = picture(), picture("PNG")


def held(page) -> list[str]:
    return re.findall(r'type="hidden" name="photos" value="([0-9a-f]{32})"', page.text)


def send(browser, *photos, text="레이저가 꺼짐", named=()):
    """The report as a browser sends it: without a photo, a file without a name."""
    data = MultiDict(
        {"csrf_token": browser.form_token(PAGE), "severity": "usable", "description": text}
    )
    for content in photos or (b"",):
        data.add("photos", FileStorage(io.BytesIO(content), "사진.heic" if content else ""))
    for uid in named:
        data.add("photos", uid)
    boundary, body = encode_multipart(data)
    return browser.post(PAGE, data=body, content_type=f"multipart/form-data; boundary={boundary}")


def reported() -> Fault:
    db.session.rollback()
    return db.session.scalars(select(Fault)).one()


@pytest.fixture
def fault(mina, microscope, tmp_path) -> Fault:
    """With one photo, by Mina."""
    pictures = Pictures([Upload("a.jpg", JPEG)], tmp_path)
    return faults.report_fault(
        mina, "microscope", severity=Severity.USABLE, description="꺼짐", now=NOW, pictures=pictures
    )


def close(sora, fault) -> None:
    work = Work(
        person_in_charge="박소라",
        happened_at=NOW,
        condition=Condition.NORMAL,
        content="x",
        result=Result.RUNNING,
    )
    faults.close_fault(sora, "microscope", fault.id, work, now=NOW)


def test_photos_are_sent_with_the_report_and_shown_to_who_is_signed_in(
    app, client, mina, theo, sora, microscope
):
    assert send(client.sign_in(mina), JPEG, PNG).status_code == 303
    fault = reported()
    first, second = (
        f"/instruments/microscope/faults/{fault.id}/photos/{each.file.uid}" for each in fault.photos
    )
    for person, page in (
        (theo, "/instruments/microscope"),
        (theo, "/instruments/microscope/reserve"),
        (sora, f"/instruments/microscope/faults/{fault.id}"),
    ):
        text = client.sign_in(person).get(page).text
        assert f'src="{first}"' in text
        assert f'src="{second}"' in text
    answer = client.get(second)
    assert (answer.mimetype, answer.headers["X-Content-Type-Options"]) == ("image/png", "nosniff")
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    visitor = app.test_client()
    assert "/photos/" not in visitor.get("/instruments/microscope").text
    assert "/sign-in" in visitor.get(first).location


def test_a_report_needs_no_photo(client, mina, microscope):
    assert send(client.sign_in(mina)).status_code == 303
    assert reported().photos == []


@pytest.mark.parametrize(
    ("photos", "said", "drafts"),
    [
        ([b"\0\0\0\x18ftypheic" + b"\0" * 20], "HEIC 사진은 받지 않습니다", 0),
        ([b"%PDF-1.7"], "올릴 수 없는 형식입니다", 0),
        ([JPEG, JPEG[: len(JPEG) // 2]], "사진을 읽을 수 없습니다(사진.jpg)", 1),
        ([JPEG.ljust(LARGEST + 1)], "10MB 이하로 줄여서", 0),
        ([JPEG] * (MOST + 1), "3장까지 올릴 수", MOST + 1),
    ],
)
def test_a_bad_photo_is_refused_in_words_and_all_else_stays(
    client, mina, microscope, photos, said, drafts
):
    answer = send(client.sign_in(mina), *photos, text="연기가 남")
    assert answer.status_code == 422
    assert said in answer.text
    assert "연기가 남" in answer.text
    assert answer.text.count(said) == 2  # at the field, and above the form with a link to it
    db.session.rollback()
    assert db.session.scalars(select(Fault)).all() == []
    assert [each.kept_at for each in db.session.scalars(select(StoredFile))] == [None] * drafts
    assert len(held(answer)) == drafts


def test_who_forgot_the_text_need_not_choose_the_photos_again(client, mina, jun, microscope):
    answer = send(client.sign_in(mina), JPEG, PNG, text="")
    assert answer.status_code == 422
    first, second = held(answer)
    his = held(send(client.sign_in(jun), JPEG, text=""))
    strange = send(client.sign_in(mina), named=[first, *his])
    assert (strange.status_code, held(strange)) == (422, [first])
    assert "사진을 찾을 수 없습니다" in strange.text
    # One is taken out, another one chosen besides.
    assert send(client, PNG, named=[first, second, f"-{second}"]).status_code == 303
    assert [each.file.kind for each in reported().photos] == ["jpg", "png"]


def test_nothing_is_kept_of_a_report_that_is_refused(mina, microscope, tmp_path):
    pictures = Pictures([Upload("a.jpg", JPEG)], tmp_path)
    with pytest.raises(Invalid):
        faults.report_fault(
            mina, "microscope", severity=Severity.USABLE, description=" ", now=NOW,
            pictures=pictures,
        )  # fmt: skip
    assert db.session.scalars(select(StoredFile)).all() == []


def test_once_it_is_closed_others_see_no_photo(mina, theo, sora, fault):
    (photo,) = fault.photos
    uid, asked = photo.file.uid, ("microscope", fault.id)
    assert fault_photos.photo_of(theo, *asked, uid).uid == uid
    with pytest.raises(NotFound):
        fault_photos.photo_of(theo, *asked, "0" * 32)
    close(sora, fault)
    with pytest.raises(NotAllowed):
        fault_photos.photo_of(theo, *asked, uid)
    for person in (mina, sora):
        assert fault_photos.photo_of(person, *asked, uid).uid == uid
    with pytest.raises(NotFound):
        fault_photos.photo_of(sora, factories.instrument(slug="other").slug, fault.id, uid)


def test_more_are_added_by_who_reported_it_or_deals_with_it_up_to_three(
    mina, theo, sora, fault, tmp_path
):
    def add(person):
        photo = Upload("b.png", PNG)
        return fault_photos.add_photo(person, "microscope", fault.id, photo, tmp_path, now=NOW)

    with pytest.raises(NotAllowed):
        add(theo)
    add(mina)
    assert len(add(sora).photos) == MOST
    with pytest.raises(Invalid):
        add(mina)
    close(sora, fault)
    with pytest.raises(WrongState):
        add(mina)
