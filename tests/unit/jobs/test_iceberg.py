"""Copies of gold in Iceberg: one snapshot for what has changed, none for nothing, and no half one for anybody."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyiceberg.catalog import Catalog
from pyiceberg.table import Table
from pyiceberg.utils.config import Config

from jobs.delta.digests import Digest
from jobs.errors import JobError, UsageError
from jobs.iceberg import catalogs, copies, upkeep
from jobs.main import main
from tests.support.http_server import serving
from tests.support.iceberg_readers import READERS
from tests.support.iceberg_rest import TOKEN, RestCatalog

NAME = "lab_gold.climate"
FIFTH, SIXTH, SEVENTH = (date(2024, 3, day) for day in (5, 6, 7))
HOUR = datetime(2024, 3, 5, 23, 59, 59, 999999, tzinfo=UTC)
COLUMNS = pa.schema(
    {
        "hour": pa.timestamp("us", tz="UTC"),
        "event_date": pa.date32(),
        "log_count": pa.int64(),
        "rank": pa.int32(),
        "is_open": pa.bool_(),
        "amount": pa.decimal128(28, 2),
        "average": pa.float64(),
        "room": pa.string(),
        "codes": pa.list_(pa.string()),
    }
)


def row(day: date, room: str | None = "Room_A", **values: object) -> dict[str, object]:
    return dict.fromkeys(COLUMNS.names) | {"event_date": day, "room": room} | values


def original(*rows: dict[str, object], columns: pa.Schema = COLUMNS) -> copies.Original:
    """A published table of some rows, whose digests are their text."""
    table = pa.Table.from_pylist(list(rows), schema=columns)
    of_slice: dict[date, list[object]] = {}
    for each in rows:
        of_slice.setdefault(each["event_date"], []).append(each)
    digests = {
        day: Digest("gold.climate", day, len(found), str(hash(f"{found}{columns}")))
        for day, found in of_slice.items()
    }

    def read(days: Collection[date]) -> pa.Table:
        return table.filter(pc.is_in(table["event_date"], pa.array(list(days), pa.date32())))

    return copies.Original("event_date", digests, read, "One row per room.", {"run_id": "night-5"})


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return catalogs.load(catalogs.SQLITE, tmp_path / "a lake #1")


@pytest.fixture
def copy(catalog: Catalog) -> Callable[..., Table]:
    return lambda *rows, **more: copies.bring_up_to_date(catalog, NAME, original(*rows, **more)).table


def rooms(table: Table) -> list[str]:
    return sorted(table.scan().to_arrow()["room"].to_pylist())


def data_files(table: Table) -> dict[date, str]:
    return {
        copies.EPOCH + timedelta(f.file.partition[0]): f.file.file_path for f in table.scan().plan_files()
    }


def on_disk(table: Table, kind: str = "*.parquet") -> set[str]:
    return {str(file) for file in Path(table.location()).rglob(kind)}


@pytest.mark.parametrize("reader", READERS)
def test_every_type_reads_as_it_was_in_pyiceberg_and_duckdb(copy, reader):
    values = {
        "hour": HOUR,
        "log_count": 2**62,
        "rank": -1,
        "is_open": False,
        "amount": Decimal("-12345678901234567890123456.78"),
        "average": math.inf,
        "codes": ["é", None],
    }
    rows = [row(FIFTH, "full", **values), row(FIFTH, None), row(date(1970, 1, 1), "", average=-0.0)]
    copied = copy(*rows, row(SIXTH, "nan", average=math.nan))
    found = READERS[reader](copied.metadata_location)
    by_room = {each["room"]: each for each in found.to_pylist()}
    assert math.isnan(by_room.pop("nan")["average"])
    assert list(by_room.values()) != [] and by_room == {each["room"]: each for each in rows}
    assert found.schema.field("hour").type == pa.timestamp("us", tz="UTC")
    assert found.schema.field("amount").type == pa.decimal128(28, 2)


def test_a_table_appears_with_its_rows_and_an_empty_one_with_its_columns(copy, catalog):
    first = copy(row(FIFTH), row(SIXTH))
    assert first.metadata_location.rpartition("/")[2].startswith("00000-")
    assert [snapshot.summary["run_id"] for snapshot in first.snapshots()] == ["night-5"]
    assert first.properties["comment"] == "One row per room."
    empty = copies.bring_up_to_date(catalog, "lab_gold.empty", original()).table
    assert ([field.name for field in empty.schema().fields], empty.snapshots()) == (COLUMNS.names, [])


def test_what_differs_is_replaced_in_one_snapshot_and_nothing_in_none(copy):
    before = copy(row(FIFTH, "old"), row(SIXTH, "gone"), row(SEVENTH, "same"))
    after = copy(row(FIFTH, "new"), row(FIFTH, "more"), row(SEVENTH, "same"), row(date(2024, 3, 8), "added"))
    assert rooms(after) == ["added", "more", "new", "same"]
    assert len(after.snapshots()) == len(before.snapshots()) + 1 == 2
    assert data_files(after)[SEVENTH] == data_files(before)[SEVENTH]
    # A reader who holds on to the snapshot of before, still has all of it.
    held = after.scan(snapshot_id=before.current_snapshot().snapshot_id).to_arrow()
    assert sorted(held["room"].to_pylist()) == ["gone", "old", "same"]
    again = copy(row(FIFTH, "new"), row(FIFTH, "more"), row(SEVENTH, "same"), row(date(2024, 3, 8), "added"))
    assert again.metadata_location == after.metadata_location
    none = copy()
    assert (rooms(none), len(none.snapshots())) == ([], 3)


def test_a_column_that_the_table_gained_is_there_for_all_its_rows(copy):
    copy(row(FIFTH), row(SIXTH))
    wider = COLUMNS.insert(1, pa.field("floor", pa.int32()))
    rows = [{"floor": None, **row(FIFTH)}, {"floor": 2, **row(SIXTH)}]
    copied = copy(*rows, columns=wider)
    for reader in READERS.values():
        found = reader(copied.metadata_location)
        assert dict(zip(*(found[name].to_pylist() for name in ("event_date", "floor")), strict=True)) == {
            FIFTH: None,
            SIXTH: 2,
        }
    assert len(copied.snapshots()) == 2


def test_rows_of_a_copy_are_those_that_were_written_for_it(catalog):
    fifth, sixth = (row(FIFTH), row(FIFTH, "Room_B")), row(SIXTH)
    written = [
        copies.bring_up_to_date(catalog, NAME, original(*rows)).rows
        for rows in (fifth, (*fifth, sixth), (*fifth, sixth), (sixth,))
    ]
    assert written == [2, 1, 0, 0]


def test_readers_have_what_was_there_until_all_of_it_is_replaced(copy, catalog, monkeypatch):
    monkeypatch.setattr(copies, "ROWS_AT_ONCE", 1)
    copy(row(FIFTH, "old"), row(SIXTH, "old"))
    fresh = original(row(FIFTH, "new"), row(SIXTH, "new"))
    seen = []

    def read(days: Collection[date]) -> pa.Table:
        seen.append(rooms(catalog.load_table(NAME)))
        return fresh.read(days)

    after = copies.bring_up_to_date(catalog, NAME, replace(fresh, read=read)).table
    # For the columns, and for each slice.
    assert seen == [["old", "old"]] * 3 and rooms(after) == ["new", "new"]


def test_a_slice_with_other_rows_than_its_digest_counts_is_refused_and_nothing_is_left(
    copy, catalog, monkeypatch
):
    monkeypatch.setattr(copies, "ROWS_AT_ONCE", 1)
    before = copy(row(FIFTH, "old"))
    files = on_disk(before)
    fresh = original(row(FIFTH, "new"), row(SIXTH, "new"))
    more = {**fresh.digests, SIXTH: replace(fresh.digests[SIXTH], rows=2)}
    with pytest.raises(
        JobError, match=r"gold\.climate of 2024-03-06 has 1 rows, and ops\.digests counts 2"
    ) as refused:
        copies.bring_up_to_date(catalog, NAME, replace(fresh, digests=more))
    assert "\n" not in str(refused.value)
    assert rooms(catalog.load_table(NAME)) == ["old"] and on_disk(before) == files


@pytest.mark.parametrize("there", [True, False], ids=["a table that is there", "a new one"])
def test_of_two_who_copy_the_same_at_once_one_does(copy, catalog, there):
    if there:
        copy(row(FIFTH, "old"))
    fresh = original(row(FIFTH, "new"), row(SIXTH, "new"))
    others: list[Table] = []

    def read(days: Collection[date]) -> pa.Table:
        # Between the reading of what is there and the commit.
        if days and not others:
            others.append(copies.bring_up_to_date(catalog, NAME, fresh).table)
        return fresh.read(days)

    after = copies.bring_up_to_date(catalog, NAME, replace(fresh, read=read)).table
    assert rooms(after) == ["new", "new"]
    assert after.metadata_location == others[0].metadata_location
    assert len(after.snapshots()) == 1 + there
    # What the other one had written in vain is gone.
    assert len(on_disk(after)) == 2 + there


def test_maintenance_removes_what_only_expired_snapshots_had(copy, catalog):
    for number in range(4):
        last = copy(row(FIFTH, f"version {number}"), row(SIXTH, "same"))
    week, files = datetime.now(UTC) - timedelta(7), data_files(last)
    assert upkeep.maintain(catalog, NAME, week) == 0
    kept = catalog.load_table(NAME)
    old = kept.scan(snapshot_id=last.snapshots()[0].snapshot_id).to_arrow()
    assert sorted(old["room"].to_pylist()) == ["same", "version 0"]
    assert len(kept.current_snapshot().manifests(kept.io)) == 1 and data_files(kept) == files
    assert upkeep.maintain(catalog, NAME, datetime.now(UTC) + timedelta(1)) > 3
    after = catalog.load_table(NAME)
    assert on_disk(after) == set(data_files(after).values()) == set(files.values())
    assert len(on_disk(after, "*.avro")) == 2  # one list, one manifest
    for reader in READERS.values():
        assert sorted(reader(after.metadata_location)["room"].to_pylist()) == ["same", "version 3"]
    assert copy(row(FIFTH, "version 3"), row(SIXTH, "same")).metadata_location == after.metadata_location
    assert upkeep.maintain(catalog, "lab_gold.never", week) == 0


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Set variables of pyiceberg, which it reads once a process."""

    def set_(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(f"PYICEBERG_CATALOG__LAB__{name}", value)
        monkeypatch.setattr("pyiceberg.catalog._ENV_CONFIG", Config())

    return set_


def test_a_rest_catalog_is_configured_by_the_variables_of_pyiceberg(tmp_path, configure):
    with serving(RestCatalog(tmp_path / "remote")) as server:
        configure(URI=server.address, TOKEN=TOKEN)
        remote = catalogs.load("lab", tmp_path)
        for room in ("old", "new"):
            both = original(row(FIFTH, room), row(SIXTH, "same"))
            table = copies.bring_up_to_date(remote, NAME, both).table
        behind = server.tables().load_table(NAME)
        assert behind.metadata_location == table.metadata_location and len(behind.snapshots()) == 2
        for reader in READERS.values():
            assert sorted(reader(table.metadata_location)["room"].to_pylist()) == ["new", "same"]
        assert not catalogs.in_use(tmp_path)
        configure(TOKEN="wrong")
        with (
            pytest.raises(JobError, match="'lab' does not answer: Not") as refused,
            catalogs.answering("lab"),
        ):
            catalogs.load("lab", tmp_path)
        assert "wrong" not in str(refused.value)


def test_a_catalog_that_is_not_configured_or_does_not_answer_is_one_line(tmp_path, configure):
    with pytest.raises(UsageError, match="the Iceberg catalog 'lab' is not configured: ") as refused:
        catalogs.load("lab", tmp_path)
    assert "PYICEBERG_CATALOG__LAB__URI" in str(refused.value) and "\n" not in str(refused.value)
    configure(URI="http://127.0.0.1:9")
    with pytest.raises(JobError, match="'lab' does not answer: ") as failed, catalogs.answering("lab"):
        catalogs.load("lab", tmp_path)
    assert "\n" not in str(failed.value)


def test_a_job_hides_from_great_expectations_what_iceberg_alone_needs(monkeypatch, capsys):
    hidden: dict[str, ModuleType | None] = {}
    monkeypatch.setattr("jobs.hidden_modules.sys", SimpleNamespace(modules=hidden))
    with pytest.raises(SystemExit):
        main(["no-such-stage"])
    assert hidden["sqlalchemy"] is None
    with catalogs.answering("lab"):
        assert "sqlalchemy" not in hidden


def test_a_lake_without_copies_has_no_catalog_to_maintain(tmp_path, monkeypatch):
    monkeypatch.delenv(catalogs.VARIABLE, raising=False)
    assert (catalogs.named(), catalogs.in_use(tmp_path)) == ("", "")
    catalogs.load(catalogs.SQLITE, tmp_path).list_namespaces()
    assert catalogs.in_use(tmp_path) == "sqlite"
    monkeypatch.setenv(catalogs.VARIABLE, "lab")
    assert catalogs.named() == catalogs.in_use(tmp_path) == "lab"
