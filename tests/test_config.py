"""Settings: from where they come, what they refuse, the key that is made once."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from app.config import SETTINGS, BadSettings, load


def problems(environment: dict[str, str], instance: Path) -> list[str]:
    with pytest.raises(BadSettings) as bad:
        load({"DURE_INSTANCE_DIR": str(instance), **environment})
    return bad.value.problems


def filed(instance: Path, text: str) -> dict[str, str]:
    """An instance folder with a dure.toml of this text."""
    (instance / "dure.toml").write_text(text, encoding="utf-8")
    return {"DURE_INSTANCE_DIR": str(instance)}


def test_without_any_setting_dure_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    settings = load({})
    assert settings.database_url == f"sqlite:///{tmp_path}/instance/dure.sqlite3"
    assert settings.mail_url == f"file://{tmp_path}/instance/outbox"


def test_an_unknown_name_stops_the_start(tmp_path: Path) -> None:
    (problem,) = problems({"DURE_PUBLC_URL": "x"}, tmp_path)
    assert problem.startswith("DURE_PUBLC_URL is no setting of Dure")


def test_every_bad_value_is_told_at_once(tmp_path: Path) -> None:
    told = problems(
        {
            "DURE_TIMEZONE": "Mars/Base",
            "DURE_MAIL_URL": "ftp://x",
            "DURE_PROXIES": "many",
            "DURE_LANGUAGE": "fr",
            "DURE_MAIL_FROM": "nobody",
            "DURE_PUBLIC_URL": "dure.example",
            "DURE_DEMO": "perhaps",
            "DURE_NONSENSE": "1",
        },
        tmp_path,
    )
    assert len(told) == 8


def test_a_bad_secret_is_not_repeated(tmp_path: Path) -> None:
    (problem,) = problems({"DURE_SECRET_KEY": "hunter2"}, tmp_path)
    assert "hunter2" not in problem


def test_the_file_gives_what_the_environment_does_not(tmp_path: Path) -> None:
    environment = filed(tmp_path, 'language = "en"\nproxies = 2\ndemo = true\n')

    assert (load(environment).language, load(environment).proxies) == ("en", 2)
    assert load(environment).demo is True
    assert load({**environment, "DURE_LANGUAGE": "ko"}).language == "ko"


@pytest.mark.parametrize("text", ['colour = "red"', "not toml at all", 'instance_dir = "/x"'])
def test_a_faulty_file_stops_the_start(tmp_path: Path, text: str) -> None:
    filed(tmp_path, text)
    (problem,) = problems({}, tmp_path)
    assert "dure.toml" in problem


def test_an_empty_variable_counts_as_not_set(tmp_path: Path) -> None:
    assert load({"DURE_INSTANCE_DIR": str(tmp_path), "DURE_LANGUAGE": ""}).language == "ko"


def test_postgresql_gets_its_driver_and_keeps_several_hosts(tmp_path: Path) -> None:
    url = "postgresql://me:x@/dure?host=one,two&port=5432,5433"
    settings = load({"DURE_INSTANCE_DIR": str(tmp_path), "DURE_DATABASE_URL": url})
    assert settings.database_url == url.replace("postgresql:", "postgresql+psycopg:")


def test_the_secret_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    environment = {"DURE_INSTANCE_DIR": str(tmp_path / "new")}

    key = load(environment).secret_key
    assert load(environment).secret_key == key
    assert len(key) >= 32
    assert stat.S_IMODE((tmp_path / "new" / "secret_key").stat().st_mode) == 0o600


def test_of_many_that_start_at_once_all_have_the_same_key(tmp_path: Path) -> None:
    starts = 8
    for number in range(20):
        together, instance = Barrier(starts), tmp_path / str(number)

        def start(_: int, together: Barrier = together, instance: Path = instance) -> str:
            together.wait()
            return load({"DURE_INSTANCE_DIR": str(instance)}).secret_key

        with ThreadPoolExecutor(starts) as pool:
            assert len(set(pool.map(start, range(starts)))) == 1
        assert [path.name for path in instance.iterdir()] == ["secret_key"]


def test_an_empty_key_file_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "secret_key").touch()
    (problem,) = problems({}, tmp_path)
    assert "too short" in problem


def test_every_default_passes_its_own_check(tmp_path: Path) -> None:
    for setting in SETTINGS:
        setting.read(setting.default.replace("{instance_dir}", str(tmp_path)))
