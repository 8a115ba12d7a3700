"""What lies in the landing zone before the stream looks at it: moved in, or set aside with a reason."""

import bz2
import gzip
import os
from datetime import date
from pathlib import Path

import pytest

from catalog.tables import SOURCES
from jobs.bronze import inspection
from jobs.bronze.landing_zone import prepare
from jobs.errors import JobError

FIFTH, SIXTH = date(2024, 3, 5), date(2024, 3, 6)
LOGS, SITES = SOURCES["sensor_logs"], SOURCES["locations"]
HEADER = "sensor_id,timestamp,temperature,humidity,location\n"
RECORD = "1001,2025-05-01 01:00:00,72.4,41.2,Room_A\n"
SWAPPED = "sensor_id,timestamp,humidity,temperature,location\n1001,2025-05-01 01:00:00,41.2,72.4,Room_A\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The landing folder of a source."""
    made = tmp_path / "landing/sensor_logs"
    made.mkdir(parents=True)
    return made


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder outside of the lake, with one file."""
    made = tmp_path / "elsewhere"
    made.mkdir()
    (made / "secret.csv").write_text(HEADER + RECORD)
    return made


def reasons(folder: Path, source=LOGS, seen=()) -> dict[str, str]:
    """Name -> reason, of the files that are set aside."""
    return {each.file.name: each.reason for each in prepare(folder, FIFTH, source, lambda: seen)}


def put(folder: Path, name: str, content: str | bytes) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


@pytest.mark.parametrize(
    "name",
    [
        "link",
        "mine/deep/link.csv",
        "arrived=2024-03-05",
        "arrived=2024-03-05/link.csv",
        "arrived=2024-03-05/mine/link",
    ],
)
@pytest.mark.parametrize("target", ["secret.csv", "", "nothing"])
def test_a_link_is_set_aside_and_what_it_leads_to_stays_where_it_is(folder, elsewhere, name, target):
    link = folder / name
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(elsewhere / target)
    assert reasons(folder) == {link.name: "it is a link, which is not followed; bring the file itself"}
    assert not link.is_symlink() and (folder / "_rejected" / link.name).is_symlink()
    assert (elsewhere / "secret.csv").read_text() == HEADER + RECORD
    assert reasons(folder) == {}


@pytest.mark.parametrize("name", ["", "_rejected", "arrived=2024-03-05"])
def test_a_folder_of_the_source_that_is_a_link_gets_nothing_moved_into_it(folder, elsewhere, name):
    put(folder, "good.csv", HEADER + RECORD)
    put(folder, "swapped.csv", SWAPPED)
    if not name:
        folder.rename(folder.with_name("other"))
    (folder / name).symlink_to(elsewhere)
    if name.startswith("arrived"):
        assert len(reasons(folder)) == 2
    else:
        with pytest.raises(JobError, match="is a link, and bronze follows none"):
            reasons(folder)
    assert [file.name for file in elsewhere.iterdir()] == ["secret.csv"]


def test_a_pipe_is_set_aside_and_not_waited_for(folder):
    os.mkfifo(folder / "pipe.csv")
    assert reasons(folder) == {"pipe.csv": "it is no regular file; bring the file itself"}


@pytest.mark.parametrize(
    "header",
    [
        "sensor_id,timestamp,humidity,temperature,location",
        "\ufefflocation,sensor_id,timestamp,temperature,humidity\r",
        '\n\n"Timestamp", "Sensor_ID", "Temperature", "Humidity", "Location"',
        "sep=,\nsensor_id,timestamp,humidity,temperature,location",
        "# gateway GW-7, export of 2025-05-01\nsensor_id,timestamp,humidity,temperature,location",
    ],
)
@pytest.mark.parametrize("is_packed", [False, True])
def test_a_csv_file_with_its_columns_in_another_order_is_set_aside(folder, header, is_packed):
    content = f"{header}\n{RECORD}".encode()
    put(folder, "f.csv.gz" if is_packed else "f.csv", gzip.compress(content) if is_packed else content)
    (reason,) = reasons(folder).values()
    assert reason.startswith("its columns are in another order than sensor_id,timestamp,temp")


@pytest.mark.parametrize(
    "content",
    [
        HEADER + RECORD,
        "\ufeff" + HEADER,
        RECORD,
        "",
        "\n",
        "sep=,\n" + HEADER + RECORD,
        "# gateway GW-7, export of 2025-05-01\n" + HEADER + RECORD,
        '"Sensor_ID","Timestamp","Temperature","Humidity","Location"\n' + RECORD,
        "1001,2025-05-01 01:00:00,72.4\n",
        b"\xff\xfe\x00,\x00\n",
    ],
)
def test_any_other_first_line_is_left_to_the_parser(folder, content):
    file = put(folder, "f.csv", content)
    assert reasons(folder) == {}
    assert (folder / "arrived=2024-03-05" / file.name).exists() and not file.exists()


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("sensor_id,timestamp,humidity,temp,location", "has temp and lacks temperature"),
        (
            "device,time,rh,temp_f,room",
            "has device, time, rh, temp_f, room and lacks sensor_id, timestamp, temp",
        ),
        ("sensor_id,timestamp,humidity,location", "lacks temperature"),
        ("sensor_id,timestamp,temperature,humidity,location,battery", "has battery"),
        (
            "# from the export\nsensor_id,timestamp,Temp (F),humidity,location",
            "has Temp (F) and lacks temperature",
        ),
    ],
)
def test_a_csv_file_whose_header_has_other_names_is_set_aside_with_them(folder, header, said):
    put(folder, "f.csv", f"{header}\n7005,2025-05-01 05:00:00,41.2,72.4,Room_A\n")
    (reason,) = reasons(folder).values()
    assert reason.startswith(f"its header {said}")
    assert reason.endswith("; bring sensor_id,timestamp,temperature,humidity,location")


def test_json_lines_that_look_like_a_header_in_another_order_are_no_matter(folder):
    put(folder, "f.json", "name,location_id,region,latitude,longitude\n")
    assert reasons(folder, SITES) == {}


@pytest.mark.parametrize("suffix", [".bz2", ".zst", ".lz4", ".snappy", ".deflate", ".xz", ".ZST", ".GZ"])
def test_compression_other_than_gzip_is_set_aside_with_what_to_bring_instead(folder, suffix):
    put(folder, f"arrived=2024-03-04/mine/sites.json{suffix}", bz2.compress(b"{}"))
    assert reasons(folder, SITES) == {
        f"sites.json{suffix}": f"{suffix} is not read; bring the file as .gz or plain"
    }


def test_a_gzip_file_that_unpacks_to_more_than_the_cap_is_set_aside_unread_to_its_end(folder, monkeypatch):
    monkeypatch.setattr(inspection, "MOST_UNPACKED", 3 << 20)
    bomb = gzip.compress(b"\n" * (64 << 20))
    put(folder, "large.json.gz", bomb[: len(bomb) // 2])  # read to its end, it would be said to be cut
    put(folder, "fits.json.gz", gzip.compress(b"\n" * (3 << 20)))
    assert reasons(folder, SITES) == {
        "large.json.gz": "it unpacks to more than 3,145,728 bytes; bring it in smaller files"
    }


def test_a_file_that_an_earlier_run_read_stays_where_it_is(folder):
    put(folder, "arrived=2024-03-04/f.csv", SWAPPED)
    put(folder, "arrived=2024-03-04/f.csv.bz2", b"")
    put(folder, "arrived=2024-03-05/f.csv", SWAPPED)
    seen = {"arrived=2024-03-04/f.csv", "arrived=2024-03-04/f.csv.bz2"}
    (rejected,) = prepare(folder, FIFTH, LOGS, lambda: seen)
    assert rejected.file == folder / "_rejected/f.csv" and rejected.size == len(SWAPPED)
    assert not (folder / "arrived=2024-03-05/f.csv").exists()


def test_files_of_one_name_are_set_aside_side_by_side(folder, elsewhere):
    (folder / "f.csv").symlink_to(elsewhere / "nothing")
    put(folder, "mine/f.csv", SWAPPED)
    assert reasons(folder).keys() == {"f.csv", "f-1.csv"}


def test_what_streams_pass_over_is_left_alone(folder, elsewhere):
    names = ["_rejected/f.bz2", ".part.bz2", "arrived=2024-03-05/_generated.json", "_mine/f.csv"]
    kept = [put(folder, name, SWAPPED) for name in names]
    (folder / ".link").symlink_to(elsewhere)
    assert reasons(folder) == {}
    assert all(file.exists() for file in kept)


def test_a_folder_like_that_of_a_night_within_a_senders_own_is_the_senders_own(folder):
    put(folder, "mine/arrived=2024-03-04/f.csv", HEADER + RECORD)
    assert reasons(folder) == {}
    assert (folder / "arrived=2024-03-05/f.csv").exists()
