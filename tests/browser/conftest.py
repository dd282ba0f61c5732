"""A real Dure in its own processes, and a real Chromium that clicks it."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser import chromium

DURE = Path(sys.executable).parent / "dure"


@pytest.hookimpl(tryfirst=True)  # before the tests are dealt out: one demonstration serves all
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = chromium.installed()
    if path is None:
        reason = "no Chromium on this machine; install Debian's package chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=path,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield launched
        launched.close()


class Demo:
    """The demonstration as `make run` starts it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        environment = {k: v for k, v in os.environ.items() if not k.startswith("DURE_")}
        self.log = folder / "dure.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [str(DURE), "demo", "--port", str(self.port)],
                env={
                    **environment,
                    "DURE_INSTANCE_DIR": str(folder / "instance"),
                    "DURE_PUBLIC_URL": self.url,
                },
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def wait(self, seconds: float = 120) -> None:
        """Until it answers that it is ready; raises with its log if it ends before."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert self.process.poll() is None, self.log.read_text()
            try:
                with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                time.sleep(0.2)
        raise AssertionError(f"not ready in {seconds} s:\n{self.log.read_text()}")

    @property
    def outbox(self) -> list[Path]:
        return sorted((self.folder / "instance" / "outbox").glob("*.eml"))

    def stop(self) -> int:
        """As Ctrl-C does; the exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Demo]:
    running = Demo(tmp_path_factory.mktemp("demo"))
    try:
        running.wait()
        yield running
    finally:
        running.stop()


@pytest.fixture
def visit(browser: Browser, demo: Demo) -> Iterator[object]:
    """Open windows that know nothing of each other; errors in a page's scripts fail the test."""
    contexts, errors = [], []

    def open_window(**options: object) -> Page:
        options.setdefault("locale", "ko-KR")
        options.setdefault("timezone_id", "Asia/Seoul")
        context = browser.new_context(base_url=demo.url, **options)
        context.set_default_timeout(15_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on(
            "console",
            lambda message: (
                errors.append(message.text) if "Content Security" in message.text else None
            ),
        )
        return page

    yield open_window
    for context in contexts:
        context.close()
    assert errors == []
