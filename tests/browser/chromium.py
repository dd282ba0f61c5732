"""A Chromium to test with: one that is installed, else Playwright's own, else Debian's.

`python -m tests.browser.chromium` gets one before the tests run and says which, or why none.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def installed() -> str | None:
    """The path of a Chromium that is there already."""
    named = os.environ.get("DURE_TEST_CHROMIUM")
    for name in (named, *NAMES):
        if name and (path := shutil.which(name)):
            return path
    caches = (Path.home() / ".cache" / "ms-playwright").glob("chromium-*/chrome-linux*/chrome")
    return next((str(path) for path in sorted(caches)), None)


def fetch() -> str | None:
    """Get one; None if the machine offers no way."""
    playwright = [sys.executable, "-m", "playwright", "install", "chromium"]
    if _run(playwright, seconds=300) and (path := installed()):
        return path
    if os.geteuid() == 0 and shutil.which("apt-get"):
        _run(["apt-get", "update", "-qq"], seconds=300)
        _run(["apt-get", "install", "-y", "-qq", "chromium"], seconds=900)
    return installed()


def _run(command: list[str], *, seconds: int) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, timeout=seconds, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def main() -> None:
    path = installed() or fetch()
    if path is None:
        print("No Chromium: browser tests will be skipped (install Debian's package chromium).")


if __name__ == "__main__":
    main()
