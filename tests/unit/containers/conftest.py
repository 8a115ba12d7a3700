"""The stack as `docker compose` understands it; no container is started."""

import json
import os
import shutil
import subprocess
from typing import Any

import pytest

from tests.support.project import PROJECT


@pytest.fixture(scope="session")
def compose() -> dict[str, Any]:
    """The resolved compose file, as on a machine where nothing is configured."""
    if not shutil.which("docker"):
        refuse = pytest.fail if os.environ.get("CI") else pytest.skip
        refuse("docker is not installed")
    return resolved()


def resolved(**variables: str) -> dict[str, Any]:
    """The compose file, resolved in an environment with these variables alone."""
    environment = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ} | variables
    command = ["docker", "compose", "config", "--format", "json"]
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    config: dict[str, Any] = json.loads(done.stdout)
    return config
