"""The stack's secrets: made once, readable by this user only, never in an argument list."""

from __future__ import annotations

import base64
import json
import os
import secrets
from pathlib import Path

USER = "admin"


class Vault:
    """A folder (0700) with one file (0600) per secret."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, name: str) -> str:
        """Return the secret of that name; create it if it does not exist."""
        # 64 bytes at least is what Airflow's signature of logins, HS512, needs.
        self._write_once(name, secrets.token_urlsafe(64))
        return (self.folder / name).read_text()

    def fernet_key(self) -> str:
        """Return a key in the form that Airflow's encryption of connections needs."""
        self._write_once("fernet-key", base64.urlsafe_b64encode(os.urandom(32)).decode())
        return self.get("fernet-key")

    def ui_password(self) -> str:
        """Return the password of the UI's one user."""
        self._write_once("ui-password", secrets.token_urlsafe(12))
        return self.get("ui-password")

    def users_file(self) -> Path:
        """Return the file from which Airflow's simple auth manager reads the password."""
        self._write_once("users.json", json.dumps({USER: self.ui_password()}))
        return self.folder / "users.json"

    def _write_once(self, name: str, value: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder.chmod(0o700)
        target = self.folder / name
        if target.exists():
            return
        draft = self.folder / f".{name}.{os.getpid()}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(value)
        draft.rename(target)
