"""What lies in the landing zone before the stream looks at it: moved in, or set aside with a reason."""

import bz2
import gzip
import os
import re
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path

import pytest

from catalog.tables import SOURCES
from jobs.bronze import findings, flaws, json_documents, text_files
from jobs.bronze.findings import Rejected
from jobs.bronze.landing_zone import look, prepare
from jobs.errors import JobError

TODAY = f"arrived={datetime.now(UTC):%Y-%m-%d}"
LOGS, SITES = SOURCES["sensor_logs"], SOURCES["locations"]
HEADER = "sensor_id,timestamp,temperature,humidity,location\n"
RECORD = "1001,2025-05-01 01:00:00,72.4,41.2,Room_A\n"
SWAPPED = "sensor_id,timestamp,humidity,temp,location\n1001,2025-05-01 01:00:00,41.2,72.4,Room_A\n"


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
    found = prepare(look(folder), source, lambda: seen)
    return {each.file.name: each.reason for each in found if isinstance(each, Rejected)}


def arrived(folder: Path, name: str) -> list[Path]:
    """The files of this name that have been moved into the folder of a day."""
    return [*folder.glob(f"arrived=*/at-??.??.??.??????-{name}")]


def test_a_csv_file_whose_last_line_has_no_end_is_named(folder):
    """Of the others that is no sign: packed ones are whole, and in JSON a record shows by itself where it ends."""
    cut = (HEADER + RECORD)[:-4]
    for name, content in {
        "cut.csv": cut,
        "bare.csv": HEADER.strip(),
        "whole.csv": HEADER + RECORD,
        "old.csv": (HEADER + RECORD).replace("\n", "\r"),
        "empty.csv": "",
        "packed.csv.gz": gzip.compress(cut.encode()),
    }.items():
        put(folder, name, content)
    found = findings.unended(LOGS, prepare(look(folder), LOGS, lambda: ()))["unended"]
    assert [path.rpartition("-")[2] for path in found] == ["bare.csv", "cut.csv"]
    put(folder, "one.json", '{"location_id": 1}')
    assert findings.unended(SITES, prepare(look(folder), SITES, lambda: ())) == {}


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


@pytest.mark.parametrize("name", ["", "_rejected", TODAY])
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


CSV, JSON = (
    "bring CSV as text in UTF-8",
    "bring JSON as text in UTF-8, an object a line or an array of objects",
)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"Obj\x01\x04\x16avro.schema", "Avro"),
        (b"PAR1\x15\x04\x15", "Parquet"),
        (b"ORC\x08\x03", "ORC"),
        (b"PK\x03\x04\x14\x00[Content_Types].xml", "Excel (.xlsx) or another Office file"),
        (b"PK\x03\x04\x14\x00xl/workbook.xml", "Excel (.xlsx)"),
        (b"PK\x03\x04\x14\x00readings.csv", "a zip archive"),
        (b"readings.csv".ljust(257, b"\x00") + b"ustar\x0000", "a tar archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Excel (.xls)"),
        (gzip.compress(b"{}"), "gzip without the suffix .gz"),
        (bz2.compress(b"{}"), "bzip2"),
        (f"\ufeff{HEADER}".encode("utf-16-le"), "UTF-16"),
        (HEADER.encode("utf-16-be"), "UTF-16"),
        ((HEADER + RECORD).encode() + bytes(512), f"no text (byte {len(HEADER + RECORD) + 1} is zero)"),
    ],
)
@pytest.mark.parametrize("is_packed", [False, True])
def test_a_file_that_is_no_text_is_set_aside_with_what_it_is_and_what_to_bring(
    folder, content, kind, is_packed
):
    for source, wanted in ((LOGS, CSV), (SITES, JSON)):
        name = f"f.{source.format}" + ".gz" * is_packed
        put(folder, name, gzip.compress(content) if is_packed else content)
        assert reasons(folder, source) == {name: f"it is {kind}; {wanted}"}


@pytest.mark.parametrize("text", ["ORCHARD", "PARK", "BZh is a name", "Objects", "%PDF"])
def test_text_that_begins_like_a_binary_file_is_text(folder, text):
    put(folder, "f.csv", f"{text}\n{HEADER}{RECORD}")
    assert reasons(folder) == {}


WHOLE = gzip.compress((HEADER + RECORD).encode(), mtime=0)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (WHOLE[:-9], "it ends too early"),
        (WHOLE + WHOLE[:20], "it ends too early"),
        (b"", "it ends too early"),
        (WHOLE + bytes(1), f"something else from byte {len(WHOLE) + 1} on"),
        (WHOLE + bytes(512), f"something else from byte {len(WHOLE) + 1} on"),
        (WHOLE + WHOLE + b"rubbish", f"something else from byte {2 * len(WHOLE) + 1} on"),
        (HEADER.encode(), "something else at its beginning"),
        (WHOLE[:-8] + bytes(8), "incorrect data check"),
    ],
)
def test_a_gzip_file_that_hadoop_would_stumble_over_is_set_aside(folder, content, said):
    """Python's own reader, and gzip itself, pass over zeros at the end."""
    put(folder, "f.csv.gz", content)
    assert reasons(folder) == {
        "f.csv.gz": f"it is no whole gzip file ({said}); pack it anew and bring it again"
    }


def test_a_gzip_file_of_several_members_is_whole(folder, monkeypatch):
    monkeypatch.setattr(flaws, "PIECE", 7)
    put(folder, "f.csv.gz", WHOLE + gzip.compress(RECORD.encode()) + gzip.compress(b""))
    put(folder, "g.csv.gz", WHOLE + bytes(512))
    assert reasons(folder).keys() == {"g.csv.gz"}


def test_a_file_that_cannot_be_read_is_set_aside(folder, monkeypatch):
    put(folder, "f.json", "{}")

    def refused(*_: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(flaws, "_kind", refused)  # the superuser may read everything
    assert reasons(folder, SITES) == {
        "f.json": "it cannot be read (Permission denied); make it readable and bring it again"
    }


def test_a_json_document_is_unpacked_where_it_lies_once_and_the_original_is_kept_beside(folder):
    array = '[\n{"location_id": 1},\n{"location_id": 2}\n]\n'
    by_hand = [f"arrived={day}/by_hand.json" for day in ("2024-03-05", "2022-01-01")]
    for name in ("f.json", *by_hand):
        put(folder, name, array)
    put(folder, "g.json", array[:-3])
    put(folder, "csv.json", HEADER)
    for _ in range(2):
        rejected = reasons(folder, SITES)
        assert set(rejected) <= {"g.json", "csv.json"}
    for file in (*arrived(folder, "f.json"), *(folder / name for name in by_hand)):
        assert file.read_text() == '{"location_id": 1}\n{"location_id": 2}\n'
        assert (folder / "_documents" / file.relative_to(folder)).read_text() == array
    assert len([*folder.glob("arrived=*/*")]) == 3 and not (folder / "f.json").exists()
    assert (folder / "_rejected/g.json").read_text() == array[:-3]


def test_how_many_records_came_of_a_document_is_known_also_of_one_in_the_folder_of_a_day(folder):
    two = '{"location_id": 1},\n{"location_id": 2}'
    put(folder, "array.json", f"[{two}]")
    put(folder, "arrived=2024-03-05/packed.json.gz", gzip.compress(f"[{two},{two[:19]}]".encode()))
    put(folder, "none.json", "[]")
    put(folder, "one.json", '{\n"location_id": 1\n}')
    put(folder, "lines.json", two.replace(",", ""))
    for records in ({"array.json": 2, "packed.json.gz": 3, "none.json": 0}, {}):
        seen = (
            {file.relative_to(folder).as_posix() for file in folder.glob("arrived=*/*")}
            if not records
            else ()
        )
        found = findings.unpacked([*prepare(look(folder), SITES, lambda seen=seen: seen)])
        said = {
            re.sub(r".*/(at-[\d.]+-)?", "", path): count for path, count in found.get("records", {}).items()
        }
        assert said == records


LATIN = '{"location_id": 1, "name": "Büro"}\n'.encode("latin-1")
UTF8 = '{"location_id": 2, "name": "Büro 😀"}\n'.encode()


@pytest.mark.parametrize("piece", [1, 7, 1 << 20])
@pytest.mark.parametrize("is_packed", [False, True])
@pytest.mark.parametrize("place", ["", "arrived=2024-03-05/"])
def test_json_that_is_no_utf8_is_set_aside_with_line_and_byte(folder, monkeypatch, piece, is_packed, place):
    monkeypatch.setattr(text_files, "PIECE", piece)
    contents = {
        "lines": UTF8 + LATIN,
        "document": b"[\n" + LATIN + b"]",
        "cut": UTF8 + UTF8[:-5],
        "good": UTF8 * 3,
    }
    for name, content in contents.items():
        put(
            folder,
            f"{place}{name}.json" + ".gz" * is_packed,
            gzip.compress(content) if is_packed else content,
        )
    what_to_do = "save it as UTF-8, or mend the line"
    assert {name.partition(".")[0]: reason for name, reason in reasons(folder, SITES).items()} == {
        "lines": f"line 2 is not UTF-8 (byte 0xFC); {what_to_do}",
        "document": f"line 2 is not UTF-8 (byte 0xFC); {what_to_do}",
        "cut": f"line 2 is not UTF-8 (byte 0xF0); {what_to_do}",
    }


@pytest.mark.parametrize("name", ["f.jsonl", "f.ndjson", "f.jsonl.gz"])
def test_a_file_of_lines_by_its_name_is_taken_in_though_a_line_is_no_utf8(folder, name):
    content = UTF8 + LATIN
    put(folder, name, gzip.compress(content) if name.endswith("gz") else content)
    assert reasons(folder, SITES) == {}
    assert len(arrived(folder, name)) == 1


@pytest.mark.parametrize("name", ["f.json", "f.jsonl", "f.jsonl.gz", "arrived=2024-03-05/f.json"])
def test_a_line_of_json_has_a_bounded_length(folder, monkeypatch, name):
    """A bad row is kept as a VARIANT, which holds no more."""
    monkeypatch.setattr(json_documents, "MOST_OF_A_LINE", 1 << 20)
    first, short, long = (b'{"name": "%s"}\r\n' % (b"x" * size) for size in (1, 1_000_000, 2_000_000))
    said = {
        first + short * 3: None,
        first + short + long: "line 3 is longer than 1,048,576 bytes; bring one record a line",
    }
    said[b"[" + short + b"," + long + b"]"] = (
        "it is no whole JSON (line 1, column 1: a record may not have more than 1,048,576 characters, found "
        f"'{long.decode()[:40]}'); bring an object a line, or an array of objects"
    )
    for content, reason in said.items():
        put(folder, name, gzip.compress(content, 1) if name.endswith("gz") else content)
        assert [*reasons(folder, SITES).values()] == [reason] * bool(reason)


def test_a_file_that_somebody_put_into_the_folder_of_a_day_is_looked_through_once(folder):
    put(folder, "arrived=2024-03-05/f.json", LATIN)
    assert reasons(folder, SITES, seen={"arrived=2024-03-05/f.json"}) == {}
    assert reasons(folder, SITES).keys() == {"f.json"}


@pytest.mark.parametrize("suffix", [".bz2", ".zst", ".lz4", ".snappy", ".deflate", ".xz", ".ZST", ".GZ"])
def test_compression_other_than_gzip_is_set_aside_with_what_to_bring_instead(folder, suffix):
    put(folder, f"arrived=2024-03-04/mine/sites.json{suffix}", bz2.compress(b"{}"))
    assert reasons(folder, SITES) == {
        f"sites.json{suffix}": f"{suffix} is not read; bring the file as .gz or plain"
    }


def test_a_gzip_file_that_unpacks_to_more_than_the_cap_is_set_aside_unread_to_its_end(folder, monkeypatch):
    monkeypatch.setattr(flaws, "MOST_UNPACKED", 3 << 20)
    bomb = gzip.compress(b"\n" * (64 << 20))
    put(folder, "large.json.gz", bomb[: len(bomb) // 2])  # read to its end, it would be said to be cut
    put(folder, "fits.json.gz", gzip.compress(b"\n" * (3 << 20)))
    assert reasons(folder, SITES) == {
        "large.json.gz": "it unpacks to more than 3,145,728 bytes; bring it in smaller files"
    }


@pytest.mark.parametrize(("source", "start"), [(LOGS, HEADER), (SITES, "")], ids=["csv", "json"])
def test_a_gzip_file_hundreds_of_times_as_large_inside_is_looked_at_piece_by_piece(folder, source, start):
    size = 32 << 20
    archive = put(folder, f"f.{source.format}.gz", gzip.compress(start.encode().ljust(size), 1))
    assert archive.stat().st_size < size / 200
    tracemalloc.start()
    try:
        assert len(reasons(folder, source)) == 1, "a line may not be so long"
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < size / 2


DEEP = 10_000


@pytest.mark.parametrize("is_packed", [False, True])
@pytest.mark.parametrize(
    "deep",
    [
        "[" * DEEP + "]" * DEEP,
        '{"a":' * DEEP + "1" + "}" * DEEP,
        '[{"location_id": 1},\n{"a": ' + "[" * DEEP + "]" * DEEP + "}]",
    ],
    ids=["arrays", "objects", "in the second record"],
)
def test_json_ten_thousand_brackets_deep_is_set_aside_and_the_others_are_taken_in(folder, deep, is_packed):
    name = "deep.json" + ".gz" * is_packed
    put(folder, name, gzip.compress(deep.encode()) if is_packed else deep)
    put(folder, "f.json", '[{"location_id": 1},\n{"location_id": 2}]')
    lines = ['{"location_id": 1}', deep.replace("\n", " "), '{"location_id": 2}']
    put(folder, "lines.json", "\n".join(lines))
    ((rejected, reason),) = reasons(folder, SITES).items()
    assert rejected == name and "too many brackets within each other" in reason
    (document,), (taken_in,) = arrived(folder, "f.json"), arrived(folder, "lines.json")
    assert document.read_text() == '{"location_id": 1}\n{"location_id": 2}\n'
    assert taken_in.read_text().splitlines() == lines, "of these, a bad one becomes a malformed record"


def test_a_file_that_an_earlier_run_read_stays_where_it_is(folder):
    put(folder, "arrived=2024-03-04/f.csv", SWAPPED)
    put(folder, "arrived=2024-03-04/f.csv.bz2", b"")
    put(folder, "arrived=2024-03-05/f.csv", SWAPPED)
    seen = {"arrived=2024-03-04/f.csv", "arrived=2024-03-04/f.csv.bz2"}
    (rejected,) = prepare(look(folder), LOGS, lambda: seen)
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
    assert len(arrived(folder, "f.csv")) == 1


def test_a_file_under_a_name_that_spark_cannot_read_is_read_under_another(folder):
    """Hadoop fails for a colon, as in the times of loggers, and Java does not see names that are no UTF-8."""
    put(folder, "2025-05-01T01:00:00.csv", HEADER + RECORD)
    put(folder, os.fsdecode(b"gr\xfcn.csv"), HEADER + RECORD)
    put(folder, "a:b.csv.zst", "")
    assert reasons(folder).keys() == {"a.b.csv.zst"}
    assert len([*folder.glob("arrived=*/*")]) == 2
    assert arrived(folder, "2025-05-01T01.00.00.csv") and arrived(folder, "gr[?]n.csv")


@pytest.mark.parametrize("name", ["a:b.json", "10:00/f.json", os.fsdecode(b"gr\xfcn.json")])
def test_a_file_that_lies_in_the_folder_of_a_day_under_such_a_name_is_set_aside(folder, name):
    put(folder, f"arrived=2024-03-05/{name}", "{}\n")
    (reason,) = reasons(folder, SITES).values()
    assert reason.startswith("its path has a colon or is no UTF-8; put it into sensor_logs itself")
