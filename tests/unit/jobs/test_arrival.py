"""When a delivered file arrived, whether it is complete, and how it comes from another file system."""

import errno
import os
import re
import shutil
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp

import pytest

from catalog.tables import SOURCES, Source
from jobs.bronze import arrival, moves, uploads
from jobs.bronze.findings import Rejected, rejected_of
from jobs.bronze.landing_zone import look, prepare, refuse_growing
from jobs.bronze.withdrawn import rename_brought_again
from jobs.errors import JobError
from tests.support.full_disk import LEFT, full_disk

LOGS, SITES = SOURCES["sensor_logs"], SOURCES["locations"]
TEXT = "sensor_id,timestamp,temperature,humidity,location\n7001,2025-05-01 00:00:00,70.3,40.2,Room_A\n"
MUCH = TEXT * (LEFT // len(TEXT) + 1)
LONG_AGO, AHEAD = -30 * 86400, 60 * 86400


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The landing folder of a source."""
    made = tmp_path / "landing/sensor_logs"
    made.mkdir(parents=True)
    return made


def put(folder: Path, name: str, age: float = 60, text: str = TEXT) -> Path:
    """Deliver a file whose content says that it was written so many seconds ago."""
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    os.utime(file, (time.time() - age,) * 2)
    return file


def take_in(folder: Path, source: Source = LOGS) -> tuple[list[Path], list[Rejected]]:
    """Prepare what lies there; the files that are in the folder of a day then, and those that were left or set aside."""
    landing = look(folder)
    found = prepare(landing, source, lambda: (), uploads.growing(landing.deliveries))
    rejected = rejected_of(found)
    return sorted(folder.glob("arrived=*/*")), rejected


@pytest.mark.parametrize("age", [LONG_AGO, 60, AHEAD], ids=["unpacked", "new", "of a clock that is ahead"])
def test_a_file_arrived_when_it_was_put_there_whatever_time_its_content_has(folder, age, monkeypatch):
    monkeypatch.setattr(uploads, "QUIET", 0.05)
    before = datetime.now(UTC) - timedelta(seconds=1)
    put(folder, "a.csv", age)
    (file,), rejected = take_in(folder)
    found = datetime.strptime(
        f"{file.parent.name} {file.name} +0000", "arrived=%Y-%m-%d at-%H.%M.%S.%f-a.csv %z"
    )
    assert before <= found <= datetime.now(UTC) and not rejected


def test_nothing_arrives_later_than_now():
    assert arrival.instant_of(time.time() + AHEAD) <= datetime.now(UTC)


def test_an_instant_is_kept_to_the_microsecond_in_the_path():
    path = arrival.filed_as(datetime(2024, 3, 5, 7, 8, 9, 50, UTC), "my file.csv.gz")
    assert str(path) == "arrived=2024-03-05/at-07.08.09.000050-my file.csv.gz"


@pytest.mark.parametrize(
    "name",
    [
        *(
            "a.csv.part",
            "a.csv.1f3a.partial",
            "a.csv.tmp",
            "a.CSV.TMP",
            "a.csv.filepart",
            "a.csv.crdownload",
            "a.csv.upload",
        ),
        *(
            ".a.csv",
            "_a.csv",
            "a.csv._COPYING_",
            "incoming.part/a.csv",
            ".snapshot/a.csv",
            "lost+found/a.csv",
        ),
    ],
)
def test_a_file_whose_name_says_that_it_is_not_complete_is_left_alone(folder, name):
    file = put(folder, name)
    assert take_in(folder) == ([], []) and file.exists()


@pytest.fixture
def upload(folder: Path) -> Iterator[Path]:
    """A file that somebody is writing while the test runs, line by line."""
    file, is_over = put(folder, "upload.csv"), threading.Event()

    def write() -> None:
        with file.open("a") as lines:
            while not is_over.wait(0.01):
                lines.write("7002,2025-05-01 00:00:00,70.3,40.2,Room_A\n")
                lines.flush()

    writer = threading.Thread(target=write)
    writer.start()
    time.sleep(0.03)
    yield file
    is_over.set()
    writer.join()


def test_a_file_that_grows_waits_for_the_next_run_and_others_do_not(folder, upload, monkeypatch, caplog):
    monkeypatch.setattr(uploads, "QUIET", 0.2)
    put(folder, "complete.csv")
    (file,), rejected = take_in(folder)
    assert file.name.endswith("-complete.csv") and upload.exists() and not rejected
    assert f"{upload} is still being written; it is left for the next run" in caplog.text


def test_a_file_that_has_just_been_written_is_waited_for_until_it_has_stood_still(folder, monkeypatch):
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    ages = {"now.csv": 0, "just.csv": 3, "ahead.csv": -7200, "done.csv": 6}
    files = {name: put(folder, name, age) for name, age in ages.items()}
    for name, least, most in (("now.csv", 4, 5), ("just.csv", 1, 2), ("ahead.csv", 5, 5)):
        assert uploads.growing([files[name], files["done.csv"]]) == frozenset()
        assert least <= waited.pop() <= most, name
    assert uploads.growing([files["done.csv"]]) == frozenset() and waited == []


@pytest.fixture
def other_file_system(tmp_path: Path) -> Iterator[Path]:
    """A folder on another file system than the lake's."""
    made = Path(mkdtemp(dir="/dev/shm"))
    assert made.stat().st_dev != tmp_path.stat().st_dev
    yield made
    shutil.rmtree(made)


def test_a_file_of_another_file_system_is_moved_whole(folder, other_file_system):
    file = put(other_file_system, "a.csv")
    target = moves.move(file, folder / "arrived=2024-03-05", "at-1-a.csv")
    assert target.read_text() == TEXT and not file.exists()
    assert [each.name for each in target.parent.iterdir()] == ["at-1-a.csv"], "no draft is left"
    # A run that was killed before it had removed the first: the next one does, and a file like it is another.
    again = put(other_file_system, "a.csv")
    assert moves.move(again, target.parent, "at-1-a.csv") == target and not again.exists()
    other = put(other_file_system, "a.csv", text=TEXT * 2)
    assert moves.move(other, target.parent, "at-1-a.csv").name == "at-1-a-1.csv"


@pytest.fixture
def mounted(folder: Path, monkeypatch) -> Path:
    """A folder of the landing zone that is mounted from another file system, so far as renaming shows it."""
    drop, rename = folder / "drop", Path.rename

    def across(file: Path, target: Path) -> Path:
        if file.is_relative_to(drop) != Path(target).is_relative_to(drop):
            raise OSError(errno.EXDEV, "Invalid cross-device link", str(file))
        return rename(file, target)

    monkeypatch.setattr(Path, "rename", across)
    return drop


def test_files_of_a_mounted_folder_are_taken_in_or_set_aside(folder, mounted):
    put(mounted, "a.csv")
    put(mounted, "other.csv", text=TEXT.replace("humidity", "rh"))
    (file,), (rejected,) = take_in(folder)
    assert file.read_text() == TEXT and rejected.file == folder / "_rejected/other.csv"
    assert list(mounted.iterdir()) == []


@pytest.fixture
def read_only(mounted: Path, monkeypatch) -> Path:
    """The mounted folder, from which nothing can be removed."""
    unlink = Path.unlink

    def refuse(file: Path, missing_ok: bool = False) -> None:
        if file.is_relative_to(mounted):
            raise OSError(errno.EROFS, "Read-only file system", str(file))
        unlink(file, missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse)
    return mounted


def test_a_document_of_a_mounted_folder_is_there_once_or_not_at_all(folder, read_only, monkeypatch):
    put(read_only, "f.json", text='[{"location_id": 1},\n{"location_id": 2}]')
    for _ in range(2):
        files, (left,) = take_in(folder, SITES)
        assert files == [] and left.file == read_only / "f.json"
    monkeypatch.undo()
    (file,), rejected = take_in(folder, SITES)
    assert file.read_text().count("\n") == 2 and not rejected and not left.file.exists()
    # A run that was killed before it had removed the document: the next one does.
    original = folder / "_documents" / file.relative_to(folder)
    again = put(folder, "f.json", text=original.read_text())
    monkeypatch.setattr(arrival, "filed_as", lambda *_: file.relative_to(folder))
    assert take_in(folder, SITES) == ([file], []) and not again.exists()


def test_a_file_that_cannot_be_taken_from_where_it_is_is_said_each_time_and_the_others_go_on(
    folder, mounted, read_only
):
    put(mounted, "a.csv")
    put(mounted, "other.csv", text=TEXT.replace("humidity", "rh"))
    (mounted / "link.csv").symlink_to("/etc/passwd")
    put(folder, "z.csv")
    for _ in range(2):
        (file,), rejected = take_in(folder)
        assert file.name.endswith("-z.csv")
        assert {each.file.name for each in rejected} == {"a.csv", "other.csv", "link.csv"}
        for each in rejected:
            assert each.file.parent == mounted and os.path.lexists(each.file)
            assert each.reason.endswith(f"; allow it to be moved, or put it into {folder} itself")
            assert "it cannot be taken from there (" in each.reason


def files_below(folder: Path) -> list[Path]:
    """All of them, drafts included."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_a_file_of_another_file_system_stays_there_while_the_disk_is_full(folder, mounted):
    file = put(mounted, "a.csv", text=MUCH)
    with full_disk():
        for _ in range(2):
            files, (left,) = take_in(folder)
            assert files == [] and "it cannot be taken from there (File too large)" in left.reason
            assert files_below(folder) == [left.file] == [file], "nothing is left of the attempt"
    (taken,), rejected = take_in(folder)
    assert taken.read_text() == MUCH and not rejected and not file.exists()


def test_a_document_is_unpacked_once_there_is_space_for_its_lines_and_for_the_original(folder):
    records = ['{"location_id": 1}'] * (LEFT // 16)
    file = put(folder, "f.json", text="[" + ",\n".join(records) + "]")
    with full_disk():
        for _ in range(2):
            files, (left,) = take_in(folder, SITES)
            assert files == [] and "it cannot be taken from there (File too large)" in left.reason
            assert files_below(folder) == [left.file] == [file], "nothing is left of the attempt"
    (taken,), rejected = take_in(folder, SITES)
    assert taken.read_text().splitlines() == records and not rejected
    assert files_below(folder / "_documents") == [folder / "_documents" / taken.relative_to(folder)]


def test_a_document_whose_original_does_not_fit_beside_its_lines_stays_as_it_was(folder):
    """Its lines do: most of it is what lies between them."""
    file = put(folder, "f.json", text='[{"location_id": 1}' + " " * 2 * LEFT + "]")
    with full_disk():
        files, (left,) = take_in(folder, SITES)
        assert files == [] and files_below(folder) == [left.file] == [file], "nothing is left of the attempt"
    (taken,), rejected = take_in(folder, SITES)
    assert taken.read_text() == '{"location_id": 1}\n' and not rejected


def test_a_file_that_comes_again_is_another_and_the_first_stays_as_it_was_read(folder):
    texts = [TEXT, TEXT, TEXT.replace("70.3", "71.3")]
    for number, text in enumerate(texts, 1):
        put(folder, "a.csv", text=text)
        before = {file: file.read_bytes() for file in files_below(folder) if file.parent != folder}
        files, rejected = take_in(folder)
        assert len(files) == number and not rejected
        assert {file: file.read_bytes() for file in before} == before
    assert sorted(file.read_text() for file in files) == sorted(texts)


@pytest.mark.parametrize(("stem", "end"), [("a" * 240, ".csv.gz"), ("温度" * 60, ".jsonl"), ("a" * 250, "")])
def test_a_name_that_is_too_long_with_its_instant_loses_its_middle(stem, end):
    taken = arrival.filed_as(datetime(2024, 3, 5, tzinfo=UTC), stem + end)
    assert len(taken.name.encode()) <= 220 and taken.name.endswith(end)
    assert taken.name.startswith(f"at-00.00.00.000000-{stem[:40]}")


def test_a_file_that_grows_in_the_folder_of_a_day_stops_bronze_before_it_is_read_in_part(folder):
    by_hand, filed = "arrived=2024-03-05/a.csv", "arrived=2024-03-05/at-07.08.09.000050-b.csv"
    growing = {put(folder, name) for name in (by_hand, filed)}
    with pytest.raises(
        JobError, match=r"a\.csv is still being written, .*; try again when it is complete, or put"
    ):
        refuse_growing(look(folder), growing, lambda: ())
    refuse_growing(look(folder), growing, lambda: {by_hand})
    refuse_growing(look(folder), (), pytest.fail)


@pytest.mark.parametrize(
    ("path", "below"),
    [
        ("/lake/landing/sensor_logs/arrived=2024-03-05/a.csv", "arrived=2024-03-05/a.csv"),
        (
            "/lake/landing/sensor_logs/arrived=2024-03-05/backup/landing/sensor_logs/a.csv",
            "arrived=2024-03-05/backup/landing/sensor_logs/a.csv",
        ),
        (
            "/a/landing/sensor_logs/lake/landing/sensor_logs/arrived=2024-03-05/a.csv",
            "arrived=2024-03-05/a.csv",
        ),
        ("a.csv", "a.csv"),
    ],
)
def test_a_file_is_called_by_its_path_from_the_folder_of_its_source_whatever_else_is_called_so(path, below):
    assert arrival.below(path, "sensor_logs") == below


def test_a_lake_may_be_called_like_an_upload():
    path = "file:/data/plant.upload/landing/sensor_logs/arrived=2024-03-05/a.csv"
    assert not re.search(uploads.UNFINISHED_PATH, path)


@pytest.mark.parametrize("name", [f"a.csv{suffix}" for suffix in uploads.UNFINISHED] + ["mine.part/a.csv"])
def test_a_file_whose_name_says_that_it_is_not_complete_is_not_looked_at_in_the_folder_of_a_day(folder, name):
    put(folder, f"arrived=2024-03-05/{name}", text="no header, no values\n")
    assert look(folder).filed == []
    assert re.search(
        uploads.UNFINISHED_PATH, f"file:/lake/landing/sensor_logs/arrived=2024-03-05/{name}".lower()
    )
    assert not re.search(
        uploads.UNFINISHED_PATH, "file:/lake/landing/sensor_logs/arrived=2024-03-05/parts.csv"
    )


def test_a_withdrawn_file_that_is_put_back_where_it_was_is_read_as_another(folder):
    again, filed, other = "arrived=2024-03-05/a.csv", "arrived=2024-03-05/at-07.08.09.000050-b.csv", "c.csv"
    for name in (again, filed, other):
        put(folder, f"_withdrawn/{name}")
    put(folder, again)
    rename_brought_again(folder, lambda: {again})
    assert (folder / again).exists(), "of a file that was never withdrawn whole, bronze has rows"
    put(folder, filed)
    rename_brought_again(folder, lambda: ())
    assert sorted(file.name for file in folder.glob("arrived=*/*")) == ["a-1.csv", "b.csv"]
    assert len([*folder.glob("_withdrawn/**/*.csv")]) == 3
    rename_brought_again(folder, pytest.fail)
