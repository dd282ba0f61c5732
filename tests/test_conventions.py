"""The rules of the house that no linter knows."""

import ast
import re
import subprocess
from pathlib import Path

import click
import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from app.config import SETTINGS
from app.domain.booking import CODES
from app.factory import cli, create_app
from tests.conftest import settings

ROOT = Path(__file__).parent.parent
APP = ROOT / "app"
CODE = sorted(APP.rglob("*.py"))
SLICES = {
    "domain", "web", "mail", "audit", "accounts", "files", "catalog", "projects", "training",
    "contracts", "programmes", "rates", "reservations", "billing", "calendars", "reports", "home",
}  # fmt: skip
TOP = {
    "app", "instruments", "migrations", "tests", "instance", "docs", "pyproject.toml", "uv.lock",
    "Makefile", "README.md", "CONTRIBUTING.md", "LICENSE", ".ci", ".gitignore",
    ".pre-commit-config.yaml",
}  # fmt: skip


def tracked():
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    )
    return [Path(name) for name in listed.stdout.split("\0") if name and (ROOT / name).exists()]


def test_the_folders_are_those_of_the_design():
    assert {path.parts[0] for path in tracked()} <= TOP
    assert {path.name for path in APP.iterdir() if path.is_dir()} - {"__pycache__"} <= SLICES


def test_no_module_is_named_for_being_useful():
    vague = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers", "base"}
    assert [path for path in CODE if path.stem in vague] == []


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_opens_with_what_it_is(path):
    said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert said
    assert said.splitlines()[0].rstrip().endswith((".", ":", "?"))


def test_only_transaction_commits():
    committing = [
        path for path in CODE if re.search(r"\.commit\(\)", path.read_text(encoding="utf-8"))
    ]
    assert committing == [APP / "db.py"]


def test_no_text_says_that_something_is_not_there_yet():
    unfinished = re.compile(r"TODO|FIXME|XXX|NotImplementedError|[Cc]oming soon|[Ll]orem ipsum")
    texts = [p for p in tracked() if p.suffix in {".py", ".html", ".js", ".css", ".md", ".yaml"}]
    found = [
        str(path)
        for path in texts
        if path.name != Path(__file__).name
        and unfinished.search((ROOT / path).read_text(encoding="utf-8"))
    ]
    assert found == []


def test_no_file_of_others_is_in_the_repository():
    foreign = [
        path
        for path in tracked()
        if path.suffix in {".woff", ".woff2", ".otf", ".ttf", ".mo", ".sqlite3", ".whl"}
        or path.name.endswith((".min.js", ".min.css"))
        or "node_modules" in path.parts
    ]
    assert foreign == []


def test_nothing_names_the_machine_it_was_written_on():
    here = re.compile(rf"{re.escape(str(ROOT))}(/|$)", re.M)
    named = [
        path
        for path in tracked()
        if path.suffix not in {".png", ".svg"}
        and here.search((ROOT / path).read_text(encoding="utf-8"))
    ]
    assert named == []


@pytest.fixture(scope="module")
def dure(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dure")
    return create_app(settings(f"sqlite:///{folder}/x.sqlite3", folder))


def test_every_template_string_has_its_korean(tmp_path):
    with (APP / "web/translations/ko/LC_MESSAGES/messages.po").open("rb") as file:
        korean = {
            message.id if isinstance(message.id, str) else message.id[0]: message.string
            for message in read_po(file)
            if message.id and not message.fuzzy
        }
    used = {
        message if isinstance(message, str) else message[0]
        for _, _, message, _, _ in extract_from_dir(
            APP,
            method_map=[("**.py", "python"), ("**/templates/**.html", "jinja2")],
            keywords={
                "_": None,
                "gettext": None,
                "_l": None,
                "lazy_gettext": None,
                "ngettext": (1, 2),
            },
        )
    }
    missing = sorted(text for text in used if not korean.get(text))
    assert missing == []


def test_korean_texts_keep_the_places_for_values():
    with (APP / "web/translations/ko/LC_MESSAGES/messages.po").open("rb") as file:
        messages = list(read_po(file))
    places = re.compile(r"%\(\w+\)[sd]")
    wrong = [
        message.id
        for message in messages
        if isinstance(message.id, str)
        and message.string
        and set(places.findall(message.id)) != set(places.findall(message.string))
    ]
    assert wrong == []


def documents():
    return "\n".join(
        path.read_text(encoding="utf-8")
        for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    )


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.variable)
def test_a_setting_is_documented(setting):
    assert f"`{setting.variable}`" in documents()


@pytest.mark.parametrize("code", sorted(CODES))
def test_a_refusal_code_is_documented(code):
    said = (ROOT / "docs" / "refusals.md").read_text(encoding="utf-8")
    assert f"`{code}`" in said
    assert CODES[code].en in said
    assert CODES[code].ko in said


def commands(group, context, prefix="dure"):
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, context, f"{prefix} {name}")
        else:
            yield f"{prefix} {name}", command


def test_every_command_is_documented_and_helps(dure):
    context = click.Context(cli, info_name="dure")
    ours = [
        (name, command)
        for group in (cli, dure.cli)
        for name, command in commands(group, context)
        if not name.startswith(("dure db ", "dure routes", "dure shell", "dure run", "dure spec"))
    ]
    said = documents()
    assert len(ours) > 8
    assert [name for name, _ in ours if f"`{name}" not in said] == []
    assert [name for name, command in ours if not (command.help or "").strip()] == []


def test_every_import_stands_at_the_top():
    inside = []
    for path in CODE:
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                inside += [
                    f"{path.relative_to(ROOT)}:{node.lineno}"
                    for node in ast.walk(function)
                    if isinstance(node, ast.Import | ast.ImportFrom)
                ]
    assert inside == []


def test_no_page_has_scripts_or_styles_inside():
    forbidden = re.compile(r"<script(?![^>]*\bsrc=)|\sstyle=|\son[a-z]+=|javascript:", re.I)
    found = [
        str(path.relative_to(ROOT))
        for path in APP.rglob("templates/**/*.html")
        if "mail" not in path.parts and forbidden.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_the_readme_names_the_two_commands():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "make run" in readme
    assert "make test" in readme
