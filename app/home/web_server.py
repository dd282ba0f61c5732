"""The web server: gunicorn, with processes that each answer several requests at once."""

import gc
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger as GunicornLogger
from prometheus_client import multiprocess, values

from app import config
from app.web import logs


class WebServerLogger(GunicornLogger):  # type: ignore[misc]
    """Gunicorn's own lines in the same form as ours."""

    def setup(self, cfg: Any) -> None:
        logs.configure(config.load())
        for logger in (self.error_log, self.access_log):
            logger.handlers[:] = []
            logger.propagate = True
            logger.setLevel(logging.NOTSET)
        self.access_log.disabled = True  # each request has its line already


def _is_put_together(_server: object) -> None:
    """What is there before the first request stays to the end: looking through it for garbage
    again and again would cost a large answer as much as all else, and unshare its memory."""
    gc.collect()
    gc.freeze()


def _has_gone(_server: object, worker: Any) -> None:
    """The counts of a process that has gone are kept, its gauges are not."""
    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


SETTINGS: dict[str, Any] = {
    "worker_class": "gthread",
    "threads": 4,
    # Put together once, before the fork: the workers start at once and share memory.
    "preload_app": True,
    "timeout": 60,
    "graceful_timeout": 20,
    "keepalive": 5,
    # A slow leak never grows for long, and not all processes renew themselves at once.
    "max_requests": 20_000,
    "max_requests_jitter": 4_000,
    # The heartbeat of the processes must not wait for a disk.
    "worker_tmp_dir": "/dev/shm" if Path("/dev/shm").is_dir() else None,  # noqa: S108
    "control_socket_disable": True,
    "logger_class": WebServerLogger,
    "when_ready": _is_put_together,
    "child_exit": _has_gone,
}


class WebServer(BaseApplication):  # type: ignore[misc]
    """Gunicorn without a command line of its own."""

    def __init__(self, create_app: Callable[[], Flask], bind: str, workers: int) -> None:
        self._create_app = create_app
        self._given = {**SETTINGS, "bind": bind, "workers": workers}
        # Figures add up over the processes, in PROMETHEUS_MULTIPROC_DIR. The library looks
        # at the variable when it is imported, which was before it was set.
        assert "PROMETHEUS_MULTIPROC_DIR" in os.environ
        values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call]
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._given.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return self._create_app()
