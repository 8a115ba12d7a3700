"""The secrets of a first start, and what a second start leaves alone."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.project import PROJECT

MAKE_SECRETS = PROJECT / "docker/make-secrets"
FOLDERS = ("database", "api", "spark", "login")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for folder in FOLDERS:
        (tmp_path / folder).mkdir()
    return tmp_path


def start(home: Path) -> dict[str, str]:
    """Every file after one start, by its path below `home`."""
    subprocess.run([sys.executable, MAKE_SECRETS, home], check=True)
    return {
        str(path.relative_to(home)): path.read_text() for path in sorted(home.rglob("*")) if path.is_file()
    }


def test_a_first_start_makes_every_secret_and_no_two_alike(home: Path) -> None:
    made = start(home)
    assert list(made) == [
        "api/jwt-secret",
        "api/session-key",
        "database/fernet-key",
        "database/password",
        "database/url",
        "login/passwords.json",
        "spark/connections.json",
        "spark/token",
    ]
    assert len(set(made.values())) == len(made)
    assert len(made["api/jwt-secret"]) >= 64


def test_only_the_owner_reads_them_but_for_the_database_password(home: Path) -> None:
    start(home)
    modes = {path.name: path.stat().st_mode & 0o777 for path in home.rglob("*") if path.is_file()}
    assert modes.pop("password") == 0o640
    assert set(modes.values()) == {0o600}


def test_a_second_start_changes_nothing(home: Path) -> None:
    assert start(home) == start(home)


def test_a_lost_secret_is_made_again_and_the_others_stay(home: Path) -> None:
    before = start(home)
    (home / "spark/token").unlink()
    after = start(home)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"spark/token", "spark/connections.json"}
    assert json.loads(after["spark/connections.json"])["spark_default"]["password"] == after["spark/token"]


def test_a_start_cut_short_is_made_good(home: Path) -> None:
    (home / "database/password.draft").write_text("half")
    assert "half" not in start(home)["database/password"]
    assert not list(home.rglob("*.draft"))


def test_two_installations_share_nothing(home: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    for folder in FOLDERS:
        (other / folder).mkdir()
    assert not set(start(home).values()) & set(start(other).values())
