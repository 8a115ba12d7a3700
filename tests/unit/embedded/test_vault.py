"""Secrets are made once and are for this user only."""

from __future__ import annotations

import base64
import json
import stat
from pathlib import Path

from embedded.vault import Vault


def test_a_secret_stays_the_same_and_no_two_are_alike(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "secrets")
    assert vault.get("a") == Vault(tmp_path / "secrets").get("a") != vault.get("b")
    assert vault.get("a") != Vault(tmp_path / "other").get("a"), "no two installations share one"


def test_a_secret_is_long_enough_to_sign_logins_with(tmp_path: Path) -> None:
    # RFC 7518, 3.2: a key of HS512 has 64 bytes at least.
    assert len(Vault(tmp_path).get("jwt-secret")) >= 64


def test_files_are_readable_by_this_user_only(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "secrets")
    vault.users_file()
    vault.fernet_key()
    assert stat.S_IMODE(vault.folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in vault.folder.iterdir()} == {0o600}


def test_the_users_file_holds_the_password_that_is_printed(tmp_path: Path) -> None:
    vault = Vault(tmp_path)
    assert json.loads(vault.users_file().read_text()) == {"admin": vault.ui_password()}


def test_the_fernet_key_has_the_form_that_airflow_needs(tmp_path: Path) -> None:
    assert len(base64.urlsafe_b64decode(Vault(tmp_path).fernet_key())) == 32
