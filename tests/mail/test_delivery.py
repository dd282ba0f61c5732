"""Mail goes out at least once, by a real server; one bad address holds up nobody."""

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import pytest
from flask import Flask

from app.db import db, transaction
from app.mail import jobs, queries, senders
from app.mail.jobs import LEASE, WAITS, deliver
from app.mail.models import OutgoingMail
from tests.conftest import NOW
from tests.mail.conftest import MailServer, Post, row, send_to, write

MINUTE = timedelta(minutes=1)


def test_a_mail_reaches_its_recipient_once(mail_server: MailServer, post: Post) -> None:
    write(key="it")

    assert deliver(NOW) == 1
    assert deliver(NOW + timedelta(days=9)) == 0
    ((to, message),) = post.taken
    assert to == "mina@example.org"
    assert "공초점 현미경" in message["Subject"]
    assert row("it").sent_at is not None


def test_nothing_goes_out_before_it_is_due(mail_server: MailServer, post: Post) -> None:
    write(now=NOW + MINUTE)

    assert deliver(NOW) == 0
    assert post.taken == []


def test_a_refused_address_is_given_up_and_the_others_get_theirs(
    mail_server: MailServer, post: Post
) -> None:
    post.answers["gone@example.org"] = "550 no such mailbox"
    for name in ("gone", "jun", "mina"):
        write(f"{name}@example.org", key=name)

    assert deliver(NOW) == 2
    assert sorted(to for to, _ in post.taken) == ["jun@example.org", "mina@example.org"]
    assert row("gone").given_up_at is not None
    assert "550 no such mailbox" in (row("gone").last_error or "")


def test_a_full_mailbox_is_tried_again_later_and_later(mail_server: MailServer, post: Post) -> None:
    post.answers["mina@example.org"] = "452 mailbox full"
    write(key="it")
    now = NOW

    for wait in WAITS[:4]:
        deliver(now)
        # The row waits from the moment of the failure, a little after the start of the run.
        assert timedelta(0) <= row("it").due_at - (now + wait) < MINUTE
        assert deliver(now + wait - MINUTE / 2) == 0
        now = row("it").due_at
    post.answers.clear()

    assert deliver(now) == 1
    assert row("it").last_error is None


def test_after_three_days_of_failures_a_mail_is_given_up(
    mail_server: MailServer, post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    post.answers["mina@example.org"] = "452 mailbox full"
    write(key="it")
    now = NOW
    caplog.set_level(logging.CRITICAL, "dure.mail")

    while row("it").given_up_at is None:
        now = row("it").due_at
        deliver(now)

    assert timedelta(days=2.5) < now - NOW < timedelta(days=3.5)
    assert (queries.waiting(), queries.given_up()) == (0, 1)


def test_while_the_server_is_down_nothing_is_lost(mail_server: MailServer, post: Post) -> None:
    for name in ("ada", "jun", "mina"):
        write(f"{name}@example.org", key=name)
    mail_server.stop()

    assert deliver(NOW) == 0
    assert queries.waiting() == 3
    # Only the one that was tried waits; the rest go as soon as the server is back.
    assert sorted(row(name).attempts for name in ("ada", "jun", "mina")) == [0, 0, 1]

    mail_server.start()
    assert deliver(NOW + MINUTE / 2) == 2
    assert deliver(NOW + 3 * MINUTE) == 1


def test_a_server_that_dies_after_the_mail_gets_the_same_mail_again(
    mail_server: MailServer, post: Post
) -> None:
    post.deaths = 1
    write(key="it")

    assert deliver(NOW) == 0
    assert deliver(NOW + 2 * MINUTE) == 1
    (_, first), (_, second) = post.taken
    assert first["Message-ID"] == second["Message-ID"]
    assert first.as_bytes() == second.as_bytes()


def test_a_death_in_the_middle_of_many_holds_up_none_of_the_others(
    mail_server: MailServer, post: Post
) -> None:
    post.deaths = 1
    for name in ("ada", "jun", "mina"):
        write(f"{name}@example.org", key=name)

    assert deliver(NOW) == 2


def test_a_template_that_fails_holds_up_nobody(
    mail_server: MailServer, post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "dure.mail")
    write("ada@example.org", key="bad", starts_at="nonsense")
    write("mina@example.org", key="good")

    assert deliver(NOW) == 1
    assert row("bad").due_at > NOW
    assert row("bad").sent_at is None


def test_rows_claimed_by_a_worker_that_was_killed_come_back(
    mail_server: MailServer, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    write(key="it")
    with monkeypatch.context() as patch:
        patch.setattr(senders.SmtpSender, "send", killed)
        with pytest.raises(KeyboardInterrupt):
            deliver(NOW)

    assert deliver(NOW + LEASE / 2) == 0
    assert deliver(NOW + LEASE + MINUTE) == 1


def test_what_another_worker_has_claimed_is_left_alone(mail_server: MailServer, post: Post) -> None:
    write(key="it")
    jobs.claim(NOW)

    assert deliver(NOW) == 0
    assert post.taken == []


def test_a_worker_that_is_asked_to_stop_gives_back_what_it_claimed(
    mail_server: MailServer, post: Post
) -> None:
    for name in ("ada", "jun", "mina"):
        write(f"{name}@example.org", key=name)

    assert deliver(NOW, stopping=lambda: len(post.taken) == 1) == 1
    assert deliver(NOW + MINUTE) == 2


def test_more_than_one_batch_goes_out_in_one_run(mail_server: MailServer, post: Post) -> None:
    for number in range(jobs.BATCH + 3):
        write(f"p{number}@example.org")

    assert deliver(NOW) == jobs.BATCH + 3


@pytest.mark.race
def test_two_workers_at_once_send_no_mail_twice(
    app: Flask, mail_server: MailServer, post: Post
) -> None:
    together = Barrier(4)

    def work(_: int) -> int:
        with app.app_context():
            assert queries.waiting() == 200  # connected before the start
            together.wait()
            return deliver(NOW + MINUTE)

    for number in range(200):
        write(f"p{number}@example.org")
    with ThreadPoolExecutor(4) as workers:
        assert sum(workers.map(work, range(4))) == 200
    assert len({to for to, _ in post.taken}) == len(post.taken) == 200


def test_a_folder_keeps_each_mail_whole_and_once(app: Flask, tmp_path: Path) -> None:
    send_to(app, f"file://{tmp_path}/out%20box")
    write(key="it", now=NOW)
    write("jun@example.org", key="later", now=NOW + timedelta(seconds=1))
    assert deliver(NOW + MINUTE) == 2

    first, second = sorted((tmp_path / "out box").iterdir())
    assert first.name.startswith("20260302T090000Z-mina@example.org-")
    assert second.name.startswith("20260302T090001Z-jun@example.org-")

    with transaction():  # as if the worker had been killed before it could note it
        db.session.query(OutgoingMail).update({"sent_at": None, "due_at": NOW})
    deliver(NOW + MINUTE)
    assert sorted((tmp_path / "out box").iterdir()) == [first, second]


def test_a_folder_that_cannot_be_written_loses_nothing(app: Flask, tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("a file, not a folder")
    send_to(app, f"file://{tmp_path}/outbox")
    write(key="it")

    assert deliver(NOW) == 0
    assert "outbox" in (row("it").last_error or "")


@pytest.mark.parametrize(
    ("url", "port", "tls"),
    [
        ("smtp://mail.example.org", 25, False),
        ("smtp://me:secret@mail.example.org", 587, False),
        ("smtps://mail.example.org", 465, True),
        ("smtp://mail.example.org:2525", 2525, False),
    ],
)
def test_the_address_of_the_server_says_how_to_reach_it(url: str, port: int, tls: bool) -> None:
    sender = senders.SmtpSender(url)
    assert (sender.port, sender.tls) == (port, tls)


def test_a_password_in_the_address_may_hold_any_character() -> None:
    sender = senders.SmtpSender("smtp://me%40example.org:p%2Fa%3Ass@mail.example.org:587")
    assert (sender.user, sender.password) == ("me@example.org", "p/a:ss")
