"""Figures of the running service, as text for Prometheus."""

import ipaddress
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from flask import Flask, Response, current_app, g, request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
    multiprocess,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from app import clock

ANSWERS = Counter(
    "dure_requests",
    "Requests answered, by page or call and status.",
    ["endpoint", "method", "status"],
)
SECONDS = Histogram(
    "dure_request_seconds",
    "How long an answer took.",
    ["endpoint"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure that is counted when it is asked for, such as the mails that wait."""

    name: str
    meaning: str
    count: Callable[[], float]


#: Slices add theirs when they are put into the application.
MEASURES: dict[str, Measure] = {}


def measure(name: str, meaning: str, count: Callable[[], float]) -> None:
    """Show `count()` under `name`."""
    MEASURES[name] = Measure(name, meaning, count)


def register(app: Flask) -> None:
    """Count and time every answer."""

    @app.after_request
    def count(response: Response) -> Response:
        endpoint = request.endpoint or "none"  # never the path: it has no end of values
        method = request.method if request.method in _METHODS else "OTHER"
        ANSWERS.labels(endpoint, method, str(response.status_code)).inc()
        if "began" in g:
            SECONDS.labels(endpoint).observe(clock.monotonic() - g.began)
        return response


def may_be_read() -> bool:
    """Only from this machine, and not through a proxy on it."""
    if current_app.config["SETTINGS"].proxies:
        return False
    if {"X-Forwarded-For", "Forwarded", "X-Real-Ip"} & set(request.headers.keys()):
        return False
    try:
        return ipaddress.ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False


def text() -> Response:
    """All figures: of every process that serves, and those counted now."""
    registry: CollectorRegistry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    counted = CollectorRegistry()
    counted.register(_Counted())
    return Response(
        generate_latest(registry) + generate_latest(counted), content_type=CONTENT_TYPE_LATEST
    )


class _Counted(Collector):
    """The figures that are counted when they are asked for."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for each in MEASURES.values():
            yield GaugeMetricFamily(each.name, each.meaning, value=each.count())
