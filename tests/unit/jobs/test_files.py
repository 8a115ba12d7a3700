"""A file is there as it was or as it is to be, also when the disk is full."""

from pathlib import Path

import pytest

from jobs.files import write_atomically, write_lines
from tests.support.full_disk import LEFT, full_disk


def as_lines(path: Path, text: str) -> None:
    write_lines(path, text.splitlines())


@pytest.mark.parametrize("write", [write_atomically, as_lines])
@pytest.mark.parametrize("is_new", [False, True])
def test_on_a_full_disk_a_file_stays_what_it_was_and_nothing_is_left_of_the_attempt(
    tmp_path: Path, write, is_new
) -> None:
    file, text = tmp_path / "runs/bronze.json", "a line\n" * (LEFT // 4)
    if not is_new:
        write(file, "as before\n")
    with full_disk(), pytest.raises(OSError, match="File too large"):
        write(file, text)
    assert {each.name: each.read_text() for each in file.parent.iterdir()} == (
        {} if is_new else {"bronze.json": "as before\n"}
    )
    write(file, text)
    assert file.read_text() == text
