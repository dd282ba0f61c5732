"""What a process costs: its start and its memory."""

import os
import subprocess
import sys
import tempfile
import time

from tests.bench.clients import Server
from tests.bench.measure import Goal, Line, Timing
from tests.bench.stage import Stage

_START = "from app import create_app; create_app()"


def start(times: int = 5) -> Line:
    """From nothing to an application that can answer."""
    wall, cpu = [], []
    command = [sys.executable, "-c", f"{_START}; import time; print(time.process_time())"]
    for _ in range(times):
        with tempfile.TemporaryDirectory() as folder:
            environment = os.environ | {"DURE_INSTANCE_DIR": folder}
            began = time.perf_counter()
            done = subprocess.run(
                command, env=environment, stdout=subprocess.PIPE, text=True, check=True
            )
        wall.append((time.perf_counter() - began) * 1000)
        cpu.append(float(done.stdout.split()[-1]) * 1000)
    timing = Timing(wall, cpu)
    return Line("start of a process", "–", timing, goals=[Goal("≤ 2 s CPU", timing.cpu50 <= 2000)])


def memory(stage: Stage, server: Server) -> Line:
    """The web workers after all that the clients asked of them."""
    held = server.megabytes_each()
    return Line(
        "memory of a web worker under load",
        stage.database,
        said=", ".join(f"{rss:.0f} MB, its own part {pss:.0f} MB" for rss, pss in held),
        goals=[Goal("≤ 110 MB", max(rss for rss, _ in held) <= 110)],
    )
