"""A lake that was moved: its tables and checkpoints would be looked for, or its files read once more."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from catalog import location
from jobs.main import main
from tests.support.embedded_stack import Embedded

READ = '{{"path":"file://{}/landing/readings/arrived=2024-03-05/a%20b.json","timestamp":1,"batchId":0}}'


@pytest.fixture(params=["written down", "from before that was written down"])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A lake that bronze has read into, in a folder whose name is another in URLs."""
    home = tmp_path / "my lake"
    batches = home / "checkpoints/bronze/readings/sources/0"
    batches.mkdir(parents=True)
    (batches / "0").write_text("v1\n" + READ.format(str(home).replace(" ", "%20")))
    if request.param == "written down":
        location.keep(home)
    return home


def test_a_lake_is_used_where_it_was_made_and_a_new_one_anywhere(lake: Path, tmp_path: Path) -> None:
    assert location.objection(lake) == location.objection(tmp_path / "new") == ""
    location.keep(lake)
    assert location.objection(lake) == ""


def test_a_moved_lake_is_refused_in_one_line_with_what_to_do(lake: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    shutil.move(lake, moved)
    refused = Embedded(tmp_path, 18080, 18081)("preflight", LAKEHOUSE_HOME=str(moved))
    assert refused.returncode == 2
    (line,) = refused.stderr.splitlines()
    assert line.startswith(f"error: the lake {moved} was made as {lake}, ")
    assert f"make {lake} a link to where it is, and use it as LAKEHOUSE_HOME={lake}" in line
    # As it says.
    lake.symlink_to(moved)
    assert location.objection(lake) == ""


def test_no_stage_works_on_a_moved_lake(
    lake: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    moved = tmp_path / "moved"
    shutil.move(lake, moved)
    assert main(["bronze", "--night=2024-03-05", "--run-id=r", f"--home={moved}"]) == 2
    assert f"bronze: the lake {moved} was made as {lake}, " in capsys.readouterr().err
    assert not (moved / "landing").exists()
