"""Files that answer a facility's question: never lost with a refused form, read by who may."""

import io
import re

import pytest
from sqlalchemy import select
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.test import encode_multipart

from app.audit.models import AuditRow
from app.db import db, transaction
from app.domain.booking import BookingRequest
from app.domain.errors import BookingRefused, NotAllowed, NotFound
from app.domain.file_kinds import DOCUMENTS, LARGEST
from app.domain.recurrence import Recurrence
from app.domain.series import OnConflict
from app.files.jobs import DRAFTS_KEPT, forget_drafts
from app.files.models import StoredFile
from app.files.services import Upload, put_draft
from app.reservations import (
    answer_files,
    commissions,
    deciding,
    hand_overs,
    participants,
    placing,
    series,
    services,
    waitlist,
)
from app.reservations.commissions import Order
from app.reservations.models import Reservation
from app.reservations.new_holder import Terms
from app.reservations.placing import Placement
from app.reservations.series import Repeat, Which
from app.reservations.services import Change
from app.reservations.waitlist import Wish
from tests import factories
from tests.domain.test_file_kinds import DOCX, PNG
from tests.factories import NOW, hours
from tests.reservations.conftest import booked, statements, typed

pytestmark = pytest.mark.usefixtures("fixed_now")

SHEET = {
    "key": "sheet",
    "label": {"ko": "시료 정보서", "en": "Sample sheet"},
    "kind": "file",
    "required": True,
}
PDF = b"%PDF-1.7\n"


@pytest.fixture
def asking(microscope):
    return factories.instrument(
        slug="asking",
        facility=microscope.facility,
        booking={"approval": "each", "questions": [SHEET]},
    )


@pytest.fixture
def folder(app):
    return app.config["SETTINGS"].instance_dir


@pytest.fixture
def draft(folder):
    def made(owner, name="시료.pdf", content=PDF) -> str:
        upload = Upload(name, content)
        return put_draft(folder, upload, DOCUMENTS, field="sheet", owner=owner, now=NOW).uid

    return made


def send(browser, address, *, file=None, **fields):
    """The form as a browser sends it: with no file chosen, one without a name."""
    data = MultiDict(fields | {"csrf_token": browser.form_token(address)})
    name, content = file or ("", b"")
    data.add("answer_sheet", FileStorage(io.BytesIO(content), name))
    boundary, body = encode_multipart(data)
    kind = f"multipart/form-data; boundary={boundary}"
    return browser.post(address, data=body, content_type=kind)


def held(page) -> list[str]:
    return re.findall(r'type="hidden" name="answer_sheet" value="([0-9a-f]{32})"', page.text)


def kept() -> set[str]:
    db.session.rollback()
    return set(db.session.scalars(select(StoredFile.uid).where(StoredFile.kept_at.is_not(None))))


def refused(call) -> str:
    with pytest.raises(BookingRefused) as refusal:
        call()
    (only,) = refusal.value.refusals
    assert (only.code, only.field) == ("answer-missing", "answers.sheet")
    return only.reason.en


def test_a_file_outlives_the_refused_form_and_belongs_to_what_is_reserved(
    client, mina, jun, sora, asking
):
    address = "/instruments/asking/reserve"
    client.sign_in(mina)
    assert 'enctype="multipart/form-data"' in client.get(address).text
    again = send(client, address, file=("시료 1.docx", DOCX), **typed(1, 2, purpose=""))
    (uid,) = held(again)
    assert (again.status_code, "시료 1.docx" in again.text) == (422, True)
    assert kept() == set()

    done = send(client, address, **typed(1, 2, answer_sheet=uid))
    assert done.status_code == 303
    assert kept() == {uid}
    link = f"{done.location}/files/{uid}"
    for person, page in ((mina, done.location), (sora, done.location), (sora, "/approvals")):
        shown = client.sign_in(person).get(page).text
        assert f'href="{link}">시료 1.docx</a>' in shown
        answer = client.get(link)
        assert (answer.data, answer.headers["Content-Disposition"][:10]) == (DOCX, "attachment")
        assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert client.sign_in(jun).get(link).status_code == 404
    assert client.get(f"{done.location}/files/{'0' * 32}").status_code == 404


def test_it_is_replaced_by_another_and_taken_out_again(client, mina, asking):
    with transaction():
        asking.booking = {**asking.booking, "questions": [{**SHEET, "required": False}]}
    address, wrong = "/instruments/asking/reserve", typed(1, 2, purpose="")
    client.sign_in(mina)
    (first,) = held(send(client, address, file=("a.pdf", PDF), **wrong))
    other = send(client, address, file=("b.png", PNG), answer_sheet=first, **wrong)
    (second,) = held(other)
    assert second != first
    assert "b.png" in other.text
    data = MultiDict(wrong | {"csrf_token": client.form_token(address)})
    data.setlist("answer_sheet", [second, f"-{second}"])
    assert held(client.post(address, data=data)) == []


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (("a.pdf", b"MZ\x90"), "이름만 바꾼 파일은 받지 않습니다"),
        (("a.pdf", PDF.ljust(LARGEST + 1)), "10MB 이하로"),
        (("a.pdf", b""), "빈 파일입니다"),
        (None, "‘시료 정보서’에 파일을 올려 주세요"),
    ],
)
def test_a_bad_file_is_refused_in_words_at_its_field(client, mina, asking, file, said):
    answer = send(client.sign_in(mina), "/instruments/asking/reserve", file=file, **typed(1, 2))
    assert answer.status_code == 422
    assert said in answer.text
    assert "세포막 관찰" in answer.text
    db.session.rollback()
    assert db.session.scalars(select(StoredFile)).all() == []
    assert db.session.scalars(select(Reservation)).all() == []


def test_somebody_elses_file_and_one_that_is_gone_are_refused(mina, jun, asking, draft, folder):
    def ask(uid):
        return lambda: booked(mina, asking, hours(1, 2), answers={"sheet": uid})

    his, old = draft(jun), draft(mina)
    assert "one that you handed in yourself" in refused(ask(his))
    assert "Hand in a file" in refused(ask("sheet.pdf"))
    assert forget_drafts(folder, NOW + 2 * DRAFTS_KEPT) == 2
    assert "less than a day ago" in refused(ask(old))
    trial = services.try_reservation(
        mina, BookingRequest("asking", hours(1, 2), answers={"sheet": his}), now=NOW
    )
    assert [each.code for each in trial.refusals] == ["answer-missing"]
    assert kept() == set()


def test_what_is_refused_leaves_its_file_a_draft(mina, asking, draft):
    uid = draft(mina)
    with pytest.raises(BookingRefused):
        booked(mina, asking, hours(-2, -1), answers={"sheet": uid})
    assert kept() == set()


def test_a_change_keeps_it_or_brings_another_and_tells_both_names(mina, sora, asking, draft):
    first, second, hers = draft(mina), draft(mina, "b.png", PNG), draft(sora, "c.pdf")
    made = booked(mina, asking, hours(1, 2), answers={"sheet": first})
    moved = services.change_reservation(mina, made.uid, Change(hours(3, 4)), now=NOW)
    assert moved.answers == {"sheet": first}

    def change(person, uid):
        to = Change(answers={"sheet": uid})
        return services.change_reservation(person, made.uid, to, now=NOW)

    assert "handed in yourself" in refused(lambda: change(mina, hers))
    change(mina, second)
    assert change(sora, second).answers == {"sheet": second}  # As it was: she says nothing new.
    assert kept() == {first, second}
    rows = db.session.scalars(select(AuditRow).where(AuditRow.action == "change-reservation"))
    (told,) = [row.detail["answers"] for row in rows if "answers" in row.detail]
    assert answer_files.names_for([each["sheet"] for each in told]) == ["시료.pdf", "b.png"]


def test_who_decides_anew_opens_the_file_that_was_approved_beside_the_new_one(
    client, mina, jun, sora, asking, draft
):
    first, second = draft(mina), draft(mina, "b.png", PNG)
    made = booked(mina, asking, hours(1, 2), answers={"sheet": first})
    link = f"/reservations/{made.uid}/files/"
    deciding.approve_reservation(sora, made.uid, now=NOW)
    services.change_reservation(mina, made.uid, Change(answers={"sheet": second}), now=NOW)
    client.sign_in(sora)
    for page in ("/approvals", f"/reservations/{made.uid}"):
        told = client.get(page).text.partition("data-changed")[2].partition("</table>")[0]
        assert re.findall(rf'{link}(\w+)">([^<]+)', told) == [
            (first, "시료.pdf"),
            (second, "b.png"),
        ]
    assert client.get(link + first).data == PDF

    # Whoever takes it over sees nothing of what was handed in before.
    hand_overs.offer(mina, made.uid, jun.email, now=NOW)
    hand_overs.take(jun, made.uid, Terms({"sheet": draft(jun)}), now=NOW)
    assert client.sign_in(jun).get(link + first).status_code == 404


def test_the_desk_reads_the_files_of_all_requests_at_once(client, mina, sora, asking, draft):
    client.sign_in(sora)

    def wait_at(hour):
        uid = draft(mina, f"{hour}.pdf")
        booked(mina, asking, hours(hour, hour + 1), answers={"sheet": uid})
        found = []
        cost = statements(lambda: found.append(client.get("/approvals").text))
        assert f">{hour}.pdf</a>" in found[0]
        return cost

    wait_at(1)  # What is read once only is read by now.
    assert wait_at(2) == wait_at(3)


def test_the_dates_of_a_series_share_it_and_so_do_their_changes(mina, asking, draft):
    with transaction():
        asking.booking = {**asking.booking, "approval": "open"}
    weekly = Repeat(Recurrence.parse("FREQ=WEEKLY;COUNT=2"), OnConflict.FAIL)
    wanted = BookingRequest("asking", hours(1, 2), "x", answers={"sheet": draft(mina)})
    made = series.request_series(mina, wanted, weekly, now=NOW)
    other = draft(mina, "b.png", PNG)
    series.change_series(mina, made.uid, Which.ALL, Change(answers={"sheet": other}), now=NOW)
    assert kept() == {wanted.answers["sheet"], other}
    db.session.expire_all()
    assert [each.answers for each in series.members_of(made)] == [{"sheet": other}] * 2


def test_who_waits_hands_it_in_at_once(mina, jun, asking, draft):
    booked(jun, asking, hours(1, 2), answers={"sheet": draft(jun)})
    uid = draft(mina)
    wish = Wish(within=hours(1, 2), instruments=["asking"], purpose="x", answers={"sheet": uid})
    waitlist.ask(mina, wish, now=NOW)
    assert uid in kept()


def test_a_commission_hands_it_out_and_passes_it_on(client, mina, jun, sora, asking, draft):
    with transaction():
        modes = {"modes": ["self_operated", "commissioned"]}
        asking.booking = {**asking.booking, **modes}
    uid = draft(mina)
    order = Order(instrument="asking", purpose="x", samples=1, answers={"sheet": uid})
    made = commissions.ask(mina, order, now=NOW)
    assert kept() == {uid}
    link = f"/commissions/{made.uid}/files/{uid}"
    assert f'href="{link}"' in client.sign_in(sora).get(f"/commissions/{made.uid}").text
    assert client.get(link).data == PDF
    assert client.sign_in(jun).get(link).status_code == 404
    placed = placing.place(sora, made.uid, Placement(hours(1, 2)), now=NOW)
    assert answer_files.of_reservation(placed.reservation.uid, uid, viewer=sora).uid == uid


def test_what_is_reserved_along_has_its_own_and_who_takes_part_reads_none(mina, jun, asking, draft):
    scope = factories.instrument(
        slug="scope", facility=asking.facility, needs=["asking"], booking={"questions": [SHEET]}
    )
    own, of_room = draft(mina, "own.pdf"), draft(mina, "room.pdf")
    made = booked(mina, scope, hours(1, 2), answers={"sheet": own, "asking.sheet": of_room})
    for uid, name in ((own, "own.pdf"), (of_room, "room.pdf")):
        assert answer_files.of_reservation(made.uid, uid, viewer=mina).name == name
    participants.add(mina, made.uid, jun.email, now=NOW)
    with pytest.raises(NotAllowed):
        answer_files.of_reservation(made.uid, own, viewer=jun)
    with pytest.raises(NotFound):
        answer_files.of_reservation(made.uid, draft(mina), viewer=mina)


def test_the_look_at_the_form_takes_a_chosen_file_for_an_answer(client, mina, asking):
    """It is sent with the form alone, not with each look at it."""
    address = "/instruments/asking/check"
    token = client.sign_in(mina).form_token("/instruments/asking/reserve")

    def look(**fields):
        return client.post(address, data=typed(1, 2, csrf_token=token, **fields)).text

    assert "파일을 올려 주세요" in look()
    assert "data-free" in look(answer_sheet="[object File]")


def test_who_takes_a_reservation_over_hands_in_their_own(mina, jun, asking, draft):
    made = booked(mina, asking, hours(1, 2), answers={"sheet": (hers := draft(mina))})
    hand_overs.offer(mina, made.uid, jun.email, reason="", now=NOW)

    def take(uid):
        return hand_overs.take(jun, made.uid, Terms({"sheet": uid}), now=NOW)

    assert "handed in yourself" in refused(lambda: take(hers))
    take(his := draft(jun))
    assert his in kept()
    assert answer_files.of_reservation(made.uid, his, viewer=jun).uid == his
    with pytest.raises(NotFound):
        answer_files.of_reservation(made.uid, hers, viewer=jun)
