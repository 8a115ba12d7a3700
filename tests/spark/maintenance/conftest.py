"""What the tests of commands share: running one, and its sessions' settings."""

from collections.abc import Callable, Iterator

import pytest

from jobs import session
from jobs.main import main


@pytest.fixture(scope="module", autouse=True)
def interpreted() -> Iterator[None]:
    """The sessions that commands open interpret queries of a few rows, as that of the tests itself does."""
    configured = session._configured

    def interpreting(opened):
        opened.conf.set("spark.sql.codegen.wholeStage", "false")
        opened.conf.set("spark.sql.codegen.factoryMode", "NO_CODEGEN")
        return configured(opened)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "_configured", interpreting)
        yield


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
