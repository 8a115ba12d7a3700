"""Files that are written to after bronze has read them."""

import os
from datetime import date
from pathlib import Path

import pytest

from jobs.bronze import kept_sizes

DAY, OTHER = date(2024, 3, 5), date(2024, 3, 6)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The landing folder of a source, whose files bronze has taken in."""
    for name in ("a.csv", "deep/b.csv", "_layouts.json", ".c.csv", "d.csv.part"):
        file = tmp_path / f"arrived={DAY}" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("1\n")
    kept_sizes.keep(tmp_path, [DAY, OTHER])
    return tmp_path


def append(folder: Path, name: str) -> None:
    with (folder / f"arrived={DAY}" / name).open("a") as file:
        file.write("2\n")


def test_what_stays_as_it_was_is_not_said(folder):
    assert kept_sizes.changed(folder, [DAY, OTHER]) == {}


@pytest.mark.parametrize("name", ["a.csv", "deep/b.csv"])
def test_a_file_that_was_written_to_is_said_in_each_run(folder, name, caplog):
    append(folder, name)
    for _ in range(2):
        kept_sizes.keep(folder, [DAY])
        assert kept_sizes.changed(folder, [DAY]) == {"changed": [f"arrived={DAY}/{name}"]}
    assert f"{name} had 2 bytes when it was read, and has 4" in caplog.text
    assert kept_sizes.changed(folder, [OTHER]) == {}


def test_a_file_that_was_written_to_and_is_as_long_as_before_is_said_for_what_is_known(folder, caplog):
    for name in ("a.csv", "deep/b.csv"):
        os.utime(folder / f"arrived={DAY}/{name}", (1, 1))
    assert kept_sizes.changed(folder, [DAY]) == {
        "touched": [f"arrived={DAY}/a.csv", f"arrived={DAY}/deep/b.csv"]
    }
    (said,) = [record.getMessage() for record in caplog.records]
    assert "deep/b.csv" in said and "`verify` says" in said


def test_a_file_of_which_an_earlier_version_kept_the_size_alone_was_not_touched(folder):
    kept = folder / f"arrived={DAY}" / kept_sizes.FILE
    kept.write_text('{"a.csv": 2, "deep/b.csv": 3}')
    assert kept_sizes.changed(folder, [DAY]) == {"changed": [f"arrived={DAY}/deep/b.csv"]}


@pytest.mark.parametrize("name", ["_layouts.json", ".c.csv", "d.csv.part"])
def test_a_file_that_streams_pass_over_may_change(folder, name):
    append(folder, name)
    assert kept_sizes.changed(folder, [DAY]) == {}


def test_a_file_that_came_since_is_kept_as_it_came(folder):
    (folder / f"arrived={DAY}/e.csv").write_text("1\n2\n3\n")
    assert kept_sizes.changed(folder, [DAY]) == {}, "nobody knows what it was"
    kept_sizes.keep(folder, [DAY])
    append(folder, "e.csv")
    assert kept_sizes.changed(folder, [DAY]) == {"changed": [f"arrived={DAY}/e.csv"]}


def test_a_file_that_is_gone_is_not_said(folder):
    (folder / f"arrived={DAY}/a.csv").unlink()
    assert kept_sizes.changed(folder, [DAY]) == {}
