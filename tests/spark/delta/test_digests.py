"""Digests: what must change them, and what must not."""

from datetime import date

import pytest
from pyspark.sql import DataFrame

from catalog.columns import columns_of
from catalog.tables import SILVER
from jobs.delta.digests import digests_of, hash_of
from jobs.delta.frames import union
from jobs.delta.lake import Lake
from jobs.silver.ranking import content

NIGHT = date(2024, 3, 5)
TABLE = SILVER["locations"]


def site(name: str | None, region: str | None) -> tuple:
    return (1, name, region, 1.0, 2.0, [], NIGHT)


@pytest.fixture
def hashes(spark):
    def of(*rows: tuple) -> list[int]:
        frame = spark.createDataFrame(rows, TABLE.columns)
        return [row[0] for row in frame.select(hash_of(TABLE, TABLE.column_names)).collect()]

    return of


def test_where_a_null_stands_counts(hashes):
    rows = [site(None, "a"), site("a", None), site(None, None), site("a", "a"), site("", "a"), site("a", "")]
    assert len(set(hashes(*rows))) == len(rows)


def test_the_same_row_has_the_same_hash(hashes):
    one, other = hashes(site(None, "a"), site(None, "a"))
    assert one == other


def test_a_null_in_a_variant_counts_and_the_order_of_its_keys_does_not(spark):
    table = SILVER["iot_events"]
    own = [name for name in table.column_names if name[0] != "_"]
    kinds = columns_of(table.columns)
    nulls = ", ".join(f"CAST(NULL AS {kinds[name]}) AS `{name}`" for name in own if name != "payload")
    texts = ('{"a": 1, "b": null}', '{"b": null, "a": 1}', '{"a": 1}', None)
    frame = union(
        spark.sql(f"SELECT {nulls}, parse_json({'NULL' if text is None else repr(text)}) AS payload")
        for text in texts
    )
    one, turned, without, none = [row[0] for row in frame.select(content("iot_events")).collect()]
    assert one == turned and len({one, without, none}) == 3


def test_a_digest_does_not_depend_on_the_order_of_rows_but_on_where_nulls_stand(spark, lake):
    settings = lake("verify")
    Lake(spark, settings).ensure(["silver.locations"])

    def rows(*sites: tuple) -> DataFrame:
        return spark.createDataFrame(sites, TABLE.columns)

    Lake(spark, settings).append("silver.locations", rows(site(None, "a"), site("b", "c")))
    stored = Lake(spark, settings).digests({"silver.locations": [NIGHT]})
    assert [(digest.night, digest.rows) for digest in stored] == [(NIGHT, 2)]
    assert digests_of({TABLE: rows(site("b", "c"), site(None, "a"))}) == stored
    assert digests_of({TABLE: rows(site("b", "c"), site("a", None))}) != stored
