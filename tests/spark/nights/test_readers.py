"""What people open the lake's tables with besides Spark: as Delta tables, and gold as Iceberg tables, too."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import duckdb
import polars
import pyarrow as pa
import pytest
from deltalake import DeltaTable
from pyiceberg.table import Table

from catalog.tables import GOLD, TABLES
from jobs.delta.digests import digests_of
from jobs.delta.lake import Lake
from jobs.delta.schema import VARIANTS
from jobs.iceberg import catalogs, gold
from tests.support.copied import folder_of
from tests.support.iceberg_readers import READERS as ICEBERG_READERS
from tests.support.nights import D5, MOST, Digests, Nights

# The Parquet reader of Polars stops at a type that it does not know, even when other columns are asked for.
NOT_FOR_POLARS = {name for name, table in TABLES.items() if " VARIANT" in table.columns}


def _duckdb(folder: str) -> int:
    files = DeltaTable(folder).file_uris()
    if not files:
        return 0
    # To count the values of a column is to read them.
    counted = duckdb.sql(f"SELECT count(*), count(COLUMNS(*)) FROM read_parquet({files!r})")
    return int(counted.fetchall()[0][0])


READERS: Mapping[str, Callable[[str], int]] = {
    "delta-rs": lambda folder: DeltaTable(folder).to_pyarrow_table().num_rows,
    "DuckDB": _duckdb,
    "Polars": lambda folder: polars.read_delta(folder).height,
}


@pytest.fixture(scope="module")
def folders(nights: Nights) -> dict[str, str]:
    """Full name of each table of the lake -> its folder."""
    found = {name: folder_of(nights.lake, name) for name in TABLES}
    return {name: str(folder) for name, folder in found.items() if folder.is_dir()}


@pytest.mark.parametrize("reader", READERS)
def test_every_table_opens_in_each_reader_but_variants_in_polars(spark, nights, folders, reader):
    opened, refused = {}, set()
    for name, folder in folders.items():
        try:
            opened[name] = READERS[reader](folder)
        except polars.exceptions.ComputeError:
            refused.add(name)
    assert refused == (NOT_FOR_POLARS & folders.keys() if reader == "Polars" else set())
    said = {name for name, folder in folders.items() if VARIANTS in DeltaTable(folder).metadata().description}
    assert said == NOT_FOR_POLARS & folders.keys()
    assert opened == Lake(spark, nights.lake("verify")).counts(opened)


def test_what_is_in_quarantine_is_read_as_it_came(folders):
    rows = polars.read_delta(folders["ops.quarantine"])
    came = [json.loads(raw) for raw in rows["raw"]]
    assert came and all(isinstance(record, dict) for record in came)
    assert any(record["_malformed"] for record in came)
    assert "ops.quarantine" not in NOT_FOR_POLARS and "silver.iot_events" in NOT_FOR_POLARS


@pytest.fixture(scope="module")
def copies(spark, nights: Nights) -> dict[str, Table]:
    """Full name of each gold table of the lake -> its copy in Iceberg, as the nights' publishing left it."""
    settings = nights.lake("publish")
    catalog = catalogs.load(catalogs.SQLITE, settings.home)
    return {
        table.full_name: catalog.load_table(gold.name_of(Lake(spark, settings), table))
        for name, table in GOLD.items()
        if name in MOST
    }


def digests_in(spark, rows: Mapping[str, pa.Table]) -> Digests:
    """The digests of rows that a reader of Iceberg found, by table and slice."""
    frames = {TABLES[name]: spark.createDataFrame(found) for name, found in rows.items() if found.num_rows}
    return {(each.table, each.night): (each.rows, each.digest) for each in digests_of(frames)}


def of_gold(digests: Digests) -> Digests:
    return {slice_: found for slice_, found in digests.items() if slice_[0].startswith("gold.")}


@pytest.mark.parametrize("reader", ICEBERG_READERS)
def test_gold_has_the_same_digests_as_iceberg(spark, nights, copies, reader):
    found = {name: ICEBERG_READERS[reader](table.metadata_location) for name, table in copies.items()}
    assert digests_in(spark, found) == of_gold(nights.digests) != {}


def test_each_publish_is_one_snapshot_of_a_table_and_one_without_news_is_none(spark, nights, copies):
    runs = {name: [each.summary["run_id"] for each in table.snapshots()] for name, table in copies.items()}
    with_rows = {name for name, _ in of_gold(nights.digests)}
    # The third one, "again", has published nothing that was not there. What never had a row is there without any.
    both = ["night-2024-03-05", "night-2024-03-06"]
    assert runs == {name: both if name in with_rows else [] for name in copies} and len(with_rows) > 4
    said = {result.table: result.detail["iceberg"] for result in nights.again["publish"]}
    assert said and said == {name: {"location": copies[name].location(), "rows": 0} for name in said}
    first = {
        name: copies[name].scan(snapshot_id=copies[name].snapshots()[0].snapshot_id).to_arrow()
        for name in with_rows
    }
    then = of_gold(nights.first)
    assert digests_in(spark, first) == then and {night for _, night in then} >= {D5}


def test_a_copy_is_brought_up_to_date_by_hand(nights, copies, command):
    name = "gold.climate_hourly"
    done = command(nights.lake, "export", name, "--format=iceberg")
    assert done == (0, f"{copies[name].metadata_location}\n", "")


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["silver.readings"], "only gold tables are"),
        (["gold.alerts", "--night=2024-03-05"], "leave out --night"),
        (["gold.transactions_daily"], "there is no table"),
    ],
    ids=str,
)
def test_what_is_no_copy_is_refused_in_one_line(nights, command, argv, says):
    code, out, error = command(nights.lake, "export", *argv, "--format=iceberg")
    assert (code, out, error.count("\n")) == (2, "", 1) and says in error
