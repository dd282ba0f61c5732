"""The timetable: which job runs when, in a process of its own, on one machine at a time."""

import logging
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Condition, Event

import click
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from flask import Flask, current_app

from app import clock
from app.accounts import jobs as accounts
from app.audit import jobs as audit
from app.billing import jobs as billing
from app.files import jobs as files
from app.home import leadership
from app.home.leadership import Lead
from app.mail import jobs as mail
from app.reservations import jobs as reservations
from app.training import jobs as training
from app.web import logs, readiness

log = logging.getLogger("dure.worker")

#: Whether a job should come to an end.
Stopping = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be done every so often; safe to run twice, late, or on two machines."""

    name: str
    every: timedelta
    run: Callable[[datetime, Stopping], object]


TIMETABLE: tuple[Job, ...] = (
    Job(
        "deliver mail",
        timedelta(seconds=5),
        lambda now, stopping: mail.deliver(now, stopping=stopping),
    ),
    Job("seal audit trail", timedelta(seconds=10), lambda now, _: audit.seal(now)),
    Job("forget visits", timedelta(hours=1), lambda now, _: accounts.forget_visits(now)),
    Job(
        "forget idempotency keys",
        timedelta(hours=1),
        lambda now, _: reservations.forget_idempotency_keys(now),
    ),
    Job(
        "forget drafts of files",
        timedelta(hours=1),
        lambda now, stopping: files.forget_drafts(
            current_app.config["SETTINGS"].instance_dir, now, stopping=stopping
        ),
    ),
    Job(
        "warn of certificates that end",
        timedelta(hours=1),
        lambda now, stopping: training.warn_of_ends(now, stopping=stopping),
    ),
    Job(
        "follow payments",
        timedelta(hours=1),
        lambda now, stopping: billing.follow_payments(now, stopping=stopping),
    ),
    Job(
        "follow use",
        timedelta(seconds=30),
        lambda now, stopping: reservations.follow_use(now, stopping=stopping),
    ),
    Job(
        "end undecided requests",
        timedelta(seconds=30),
        lambda now, stopping: reservations.end_undecided(now, stopping=stopping),
    ),
    Job(
        "tell once a day what waits",
        timedelta(minutes=5),
        lambda now, stopping: reservations.send_digests(now, stopping=stopping),
    ),
    Job(
        "tend the waitlist",
        timedelta(seconds=30),
        lambda now, stopping: reservations.tend_waitlist(now, stopping=stopping),
    ),
    Job(
        "tell of freed time",
        timedelta(seconds=30),
        lambda now, stopping: reservations.tell_of_freed_time(now, stopping=stopping),
    ),
)

#: How often a waiting worker asks for the lead, and a leading one whether it still leads.
GLANCE_SECONDS = 0.5
#: What running jobs have to come to an end; after that they are cut off, as by a power cut.
GRACE_SECONDS = 1.5


class Term:
    """The time during which this worker leads: starts the jobs, ends them."""

    def __init__(self, app: Flask, timetable: tuple[Job, ...] = TIMETABLE) -> None:
        self.app = app
        self.ending = Event()
        self._running = 0
        self._changed = Condition()
        self._scheduler = BackgroundScheduler(
            # In memory: a shared store would be a second opinion on what is due.
            jobstores={"default": MemoryJobStore()},
            executors={"default": ThreadPoolExecutor(max_workers=len(timetable))},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            timezone=UTC,
        )
        for job in timetable:
            self._scheduler.add_job(
                self._run,
                "interval",
                seconds=job.every.total_seconds(),
                args=[job],
                next_run_time=clock.now(),
                name=job.name,
            )

    def begin(self) -> None:
        self._scheduler.start()

    def end(self) -> bool:
        """Stop; whether every job came to its end in time."""
        self.ending.set()
        self._scheduler.shutdown(wait=False)
        with self._changed:
            return self._changed.wait_for(lambda: self._running == 0, GRACE_SECONDS)

    def _run(self, job: Job) -> None:
        if self.ending.is_set():
            return
        self._count(+1)
        try:
            with self.app.app_context(), logs.job(job.name):
                try:
                    job.run(clock.now(), self.ending.is_set)
                except Exception:  # The next run may succeed; the other jobs go on.
                    log.exception("the job failed")
        finally:
            self._count(-1)

    def _count(self, step: int) -> None:
        with self._changed:
            self._running += step
            self._changed.notify_all()


def work(app: Flask, lead: Lead, stop: Stopping) -> bool:
    """Wait for the lead, then run the jobs until `stop()`; whether they ended in time."""
    in_time, waiting = True, False
    while not stop():
        if not _is_ready(app) or not lead.take():
            if not waiting:
                log.info("another worker leads, or the database is away: waiting")
            waiting = True
            _pause(stop)
            continue
        log.info("this worker leads")
        waiting = False
        term = Term(app)
        term.begin()
        try:
            while not stop():
                _pause(stop)
                if not lead.holds():
                    log.warning("the lead is lost")
                    break
        finally:
            in_time = term.end()
            lead.give_up()
    return in_time


def _pause(stop: Stopping) -> None:
    """Until the next glance, or until one is asked to stop."""
    until = clock.monotonic() + GLANCE_SECONDS
    while not stop() and clock.monotonic() < until:
        time.sleep(0.05)


def _is_ready(app: Flask) -> bool:
    with app.app_context():
        return readiness.database_problem() is None


@click.command("worker")
def worker() -> None:
    """Send mail, seal the audit trail and clean up, until stopped.

    Safe to start more than once, on one machine or several: one worker leads, the others
    wait and take over within seconds.
    """
    # The proxy is unwrapped: threads have no context of their own.
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    settings = app.config["SETTINGS"]
    logs.configure(settings)
    # A list, not an Event: its lock may be held by the very thread that the signal interrupts.
    asked: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _frame: asked.append(number))
    in_time = work(app, leadership.of(settings), lambda: bool(asked))
    log.info("stopped" if in_time else "stopped; a job that hangs is cut off")
    logging.shutdown()
    # At once: a job may hang in a call of the network (what it had claimed comes back by
    # itself), and Python takes up to a second to take itself apart.
    os._exit(0)


COMMANDS: tuple[click.Command, ...] = (worker,)
