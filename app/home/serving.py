"""Serving: one web server and one worker as children, ended together.

The children are forks: what was imported once serves them all, so that Dure is up in half
the time and its processes share most of their memory. To serve another version, start anew.
"""

import ctypes
import logging
import os
import shutil
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from app import clock

log = logging.getLogger("dure.serve")

#: Gunicorn lets requests that run come to their end for 20 s.
END_SECONDS = 25
#: A worker that dies at once again is started at ever longer intervals.
RESTART_SECONDS = (0.2, 1, 5, 15, 30)
#: One that lived this long has not died at once.
SETTLED_SECONDS = 60
_GLANCE_SECONDS = 0.1
_C = ctypes.CDLL(None)
_SET_DEATH_SIGNAL = 1
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class PortTaken(OSError):
    """Nobody can listen on the address: another program does, or it is not ours."""


def check_port(host: str, port: int) -> None:
    """Raises `PortTaken` if nobody could listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((host, port))
        except OSError as failed:
            raise PortTaken(f"{address(host, port)}: {failed.strerror or failed}") from failed


def address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def figures(instance: Path) -> Path:
    """An empty folder in which the web processes add up their figures."""
    folder = instance / "figures"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


@dataclass
class Household:
    """Two children of this process: the web server, and the worker."""

    web: Callable[[], object]
    worker: Callable[[], object]
    environment: Mapping[str, str]
    _stopping: bool = False
    _deaths: int = 0
    _children: dict[str, int] = field(default_factory=dict)

    def live(self) -> int:
        """Serve until a signal or the end of the web server; the exit status to end with.

        A worker that ends is started again. This process must have one thread only.
        """
        for number in _SIGNALS:
            signal.signal(number, self._stop)
        _let_forks_hear()
        self._start("web", self.web)
        self._start("worker", self.worker)
        began, start_at = clock.monotonic(), 0.0
        while not self._stopping:
            now = clock.monotonic()
            if (status := self._ended("web")) is not None:
                log.error("the web server has ended with status %s", status)
                self._end()
                return status or 1
            if "worker" not in self._children:
                if now >= start_at:
                    self._start("worker", self.worker)
                    began = now
            elif (status := self._ended("worker")) is not None:
                start_at = now + self._pause(status, lived=now - began)
            time.sleep(_GLANCE_SECONDS)
        self._end()
        return 0

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True

    def _start(self, name: str, work: Callable[[], object]) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        parent, child = os.getpid(), os.fork()
        if child:
            self._children[name] = child
            return
        status = 1
        try:
            _begin_as_child(parent)
            os.environ.update(self.environment)
            work()
            status = 0
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 1
        except BaseException:  # noqa: BLE001, the end of the process: nobody else can tell
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)  # what the parent left open is not the child's to close

    def _ended(self, name: str) -> int | None:
        """The exit status of a child that has ended."""
        child, status = os.waitpid(self._children[name], os.WNOHANG)
        if child == 0:
            return None
        del self._children[name]
        return abs(os.waitstatus_to_exitcode(status))

    def _pause(self, status: int, *, lived: float) -> float:
        """How long to wait before the worker, which has died, is started again."""
        self._deaths = 0 if lived > SETTLED_SECONDS else self._deaths + 1
        pause = RESTART_SECONDS[min(self._deaths, len(RESTART_SECONDS) - 1)]
        log.error("the worker has ended with status %s; again in %s s", status, pause)
        return pause

    def _end(self) -> None:
        for child in self._children.values():
            os.kill(child, signal.SIGTERM)
        last = clock.monotonic() + END_SECONDS
        while self._children and clock.monotonic() < last:
            for name in tuple(self._children):
                self._ended(name)
            time.sleep(_GLANCE_SECONDS / 5)
        for name, child in self._children.items():
            log.error("the %s does not end and is killed", name)
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def _let_forks_hear() -> None:
    """From now on what this process forks, and what that forks, can be told to end from its
    first instant on. It would begin with its parent's handlers, which do not end it, and be
    waited for until it is killed."""

    def hear() -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)

    def begin() -> None:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        hear()

    os.register_at_fork(
        before=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS),
        after_in_parent=hear,
        after_in_child=begin,
    )


def _begin_as_child(parent: int) -> None:
    """A session of its own, so that Ctrl-C reaches the parent alone, and its end with the
    parent's, even if that one is killed (Linux)."""
    os.setsid()
    if sys.platform == "linux":
        _C.prctl(_SET_DEATH_SIGNAL, signal.SIGTERM)
    if os.getppid() != parent:  # It died before it could be heard.
        raise SystemExit(1)
