"""Running a command in a test's own lake, in this process."""

from collections.abc import Callable

import pytest

from jobs.main import main


@pytest.fixture
def command(capsys) -> Callable[..., tuple[int, str, str]]:
    """Run a command in a lake: exit status, output, complaint."""

    def run(lake, *argv: str) -> tuple[int, str, str]:
        settings = lake("verify")
        capsys.readouterr()
        try:
            code = main([*argv, f"--home={settings.home}", f"--prefix={settings.prefix}"])
        except SystemExit as exit_:
            code = exit_.code
        said = capsys.readouterr()
        return code, said.out, said.err

    return run
