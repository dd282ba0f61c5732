"""A process is told to end in the instant in which it has been forked."""

import subprocess
import sys

import pytest

_TELL_AT_ONCE = """
import os, signal, sys, time
from app.home import serving

signal.signal(signal.SIGTERM, lambda *_: None)  # as the one that serves has a handler
if sys.argv[1] == "hears":
    serving._let_forks_hear()
deaf = 0
for _ in range(20):
    child = os.fork()
    if not child:
        time.sleep(0.3)  # begins its work; what it forgot to hear, it has not heard
        os._exit(0)
    os.kill(child, signal.SIGTERM)
    deaf += os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
print(deaf)
"""


@pytest.mark.parametrize(("so", "deaf"), [("hears", {0}), ("does not", set(range(1, 21)))])
def test_a_fork_ends_when_it_is_told_even_in_its_first_instant(so: str, deaf: set[int]) -> None:
    said = subprocess.run(
        [sys.executable, "-c", _TELL_AT_ONCE, so], capture_output=True, text=True, check=True
    )
    assert int(said.stdout) in deaf
