"""Silver: typed, validated and deduplicated rows, quarantine for the others, and an account of every line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa

from peer.bronze import landed, lines
from peer.lake import ContractBroken, Lake, Row
from peer.sources import DEVICE, DEVICE_COLUMNS, Rule, Source, fields_of, json_struct, quoted

ACCOUNT = ("landed", "bronze", "silver", "quarantined", "duplicates")
PROVENANCE = ("_flags", "_night")
MALFORMED = "malformed record"
MISTYPED = "a field does not have the type of its column"


@dataclass(frozen=True)
class Reconciled:
    """What became of a source's night: rows by outcome, its digest in silver, and the event dates it touched."""

    account: tuple[int, ...]  # as ACCOUNT
    digest: Row  # rows, and the sum of their hashes
    dates: list[date]


def process(lake: Lake, landing: Path, source: Source, night: date) -> Reconciled:
    """Take a night's bronze rows into silver or quarantine; count each outcome where it is kept.

    Raises ContractBroken when the counts do not add up.
    """
    _validate(lake, source, night)
    dates = _event_dates(lake) if source.is_dated else []
    _rank(lake, source, night, dates)
    _write(lake, source, night)
    _quarantine(lake, source, night)
    return _reconcile(lake, landing, source, night, dates)


def of_dates(lake: Lake, source: Source, dates: Iterable[date]) -> str | None:
    """A source's silver rows of some event dates as SQL; all of them, if it is not by date."""
    return lake.rows(source.silver_table, "event_date" if source.is_dated else "", dates)


def check(lake: Lake, source: Source, night: date, dates: Iterable[date]) -> list[str]:
    """Return what is unusual about a night's silver rows. Raises ContractBroken if any meets a rule of quarantine."""
    counts = ", ".join(f"count(*) FILTER ({rule.condition})" for rule in (*source.rules, *source.flags))
    total, keys, *met = lake.fetch_one(
        f"SELECT count(*), count(DISTINCT ({quoted(source.key)})), {counts} "
        f"FROM {of_dates(lake, source, dates)} WHERE _night = DATE '{night}'"
    )
    found = dict(zip((*source.rules, *source.flags), met, strict=True))
    broken = [rule.reason for rule in source.rules if found[rule]]
    if keys != total:
        broken.append("a key stands there twice")
    if broken:
        raise ContractBroken(f"{source.silver_table} of {night}: {'; '.join(broken)}")
    unusual = [rule.reason for rule in source.flags if found[rule] > 0.25 * total]
    return unusual if total else ["no rows"]


def _validate(lake: Lake, source: Source, night: date) -> None:
    """Make `validated`: one row per bronze row, with what keeps it out of silver and what it met."""
    fields = source.fields
    # A value that did not fit its column is null there, and the line has it.
    mistyped = " OR ".join(
        f"(\"{name}\" IS NULL AND coalesce(json_type(_rescued::JSON, '$.{name}'), 'NULL') <> 'NULL')"
        for name in fields
    )
    row = ", ".join(f'"{name}" := "{name}"' for name in fields)
    all_rules = (Rule(MISTYPED, f"_rescued IS NOT NULL AND ({mistyped})"), *source.rules)
    lake.execute(f"""
        CREATE OR REPLACE TEMP TABLE validated AS
        WITH cleaned AS ({_cleaned(lake, source, night)}),
        ruled AS (
            SELECT *, CASE WHEN _malformed IS NOT NULL THEN ['{MALFORMED}'] ELSE {_met(all_rules)} END AS _reasons,
                   {_met(source.flags)} AS _flags
            FROM cleaned)
        SELECT {quoted(source.silver_columns)}, _flags, _night, _reasons, _file,
               concat_ws(',', {quoted(source.key)}) AS _key,
               CASE WHEN len(_reasons) > 0
                    THEN coalesce(_malformed, to_json(struct_pack({row}))::VARCHAR) END AS _raw
        FROM ruled""")


def _cleaned(lake: Lake, source: Source, night: date) -> str:
    rows = lake.rows(source.bronze_table, "_night", [night])
    if source.name == "device_changes":
        image = ", ".join(f"image.{name}" for name in DEVICE_COLUMNS if name != "device_id")
        struct = json_struct(fields_of(DEVICE))
        read = f'SELECT *, from_json(coalesce("after", "before")::JSON, {struct}) AS image FROM {rows}'
        return f"SELECT * EXCLUDE (image), {image}, operation_date AS changed_at FROM ({read})"
    if source.is_dated:
        return (
            f'SELECT rows.*, known.device_type, rows."timestamp"::DATE AS event_date '
            f"FROM {rows} rows LEFT JOIN known_devices known USING (device_id)"
        )
    return f"SELECT * FROM {rows}"


def _met(rules: Iterable[Rule]) -> str:
    """The reasons of the rules that a row meets: VARCHAR[]."""
    cases = ", ".join(f"CASE WHEN {rule.condition} THEN '{rule.reason}' END" for rule in rules)
    return f"list_filter([{cases}], lambda reason: reason IS NOT NULL)" if cases else "[]::VARCHAR[]"


def _event_dates(lake: Lake) -> list[date]:
    accepted = "event_date IS NOT NULL AND len(_reasons) = 0"
    return [day for (day,) in lake.fetch(f"SELECT DISTINCT event_date FROM validated WHERE {accepted}")]


def _rank(lake: Lake, source: Source, night: date, dates: list[date]) -> None:
    """Make `accepted`: the rows without reasons, the rank of each in its key, and the night that silver has it from.

    Only keys that come more than once are put in order: a million rows need not be, for the copies among them.
    """
    key, content = quoted(source.key), f"hash({quoted(source.silver_columns)})"
    existing = of_dates(lake, source, dates)
    others = f"FROM {existing} WHERE _night <> DATE '{night}'" if existing else "FROM validated WHERE false"
    lake.execute(f"""
        CREATE OR REPLACE TEMP TABLE accepted AS
        WITH good AS (SELECT * FROM validated WHERE len(_reasons) = 0),
        several AS (SELECT {key} FROM good GROUP BY {key} HAVING count(*) > 1),
        ranked AS (
            SELECT *, 1 AS _rank FROM good ANTI JOIN several USING ({key})
            UNION ALL
            SELECT *, row_number() OVER (PARTITION BY {key} ORDER BY _night, {content})
            FROM good SEMI JOIN several USING ({key})),
        existing AS (SELECT {key}, _night AS _existing_night {others})
        SELECT ranked.*, existing._existing_night FROM ranked LEFT JOIN existing USING ({key})""")


def _write(lake: Lake, source: Source, night: date) -> None:
    """Append the first row of each key; merge where the night, or a later one, is in silver already."""
    name, columns = source.silver_table, quoted((*source.silver_columns, *PROVENANCE))
    first = f"SELECT {columns} FROM accepted WHERE _rank = 1"
    table, newest = lake.table(name), _newest_night(lake, name)
    if table is None or newest is None or newest < night:
        parts = ["event_date"] if source.is_dated else None
        new = f"{first} AND _existing_night IS NULL"
        lake.append(name, new, parts, {"night": str(night), "stage": "silver"})
        return
    same_key = " AND ".join(f'new."{column}" = old."{column}"' for column in source.key)
    merge = table.merge(
        lake.connection.sql(first).to_arrow_table(), same_key, source_alias="new", target_alias="old"
    )
    merge.when_matched_update_all("new._night <= old._night").when_not_matched_insert_all().execute()


def _newest_night(lake: Lake, name: str) -> date | None:
    """The newest night of a table, by the statistics of its files."""
    if (table := lake.table(name)) is None:
        return None
    files = pa.table(table.get_add_actions(flatten=True))
    nights = files["max._night"].to_pylist() if "max._night" in files.column_names else []
    return max((night for night in nights if night is not None), default=None)


def _quarantine(lake: Lake, source: Source, night: date) -> None:
    rows = (
        f"SELECT '{source.name}' AS source, _night AS night, _key AS key, _raw AS raw, _reasons AS reasons, "
        "_file AS file FROM validated WHERE len(_reasons) > 0"
    )
    replaced = f"source = '{source.name}' AND night = '{night}'"
    metadata = {"night": str(night), "stage": "silver"}
    lake.replace("ops.quarantine", rows, replaced, ["source", "night"], metadata)


def _reconcile(lake: Lake, landing: Path, source: Source, night: date, dates: list[date]) -> Reconciled:
    def count(rows: str | None, where: str) -> int:
        return int(lake.fetch_one(f"SELECT count(*) FROM {rows} WHERE {where}")[0]) if rows else 0

    hashed = quoted((*source.silver_columns, *PROVENANCE))
    in_silver, digest = lake.fetch_one(
        f"SELECT count(*), sum(hash({hashed})::HUGEINT) FROM {of_dates(lake, source, dates)} "
        f"WHERE _night = DATE '{night}'"
    )
    of_night = f"source = '{source.name}' AND night = DATE '{night}'"
    account = (
        count(lines(landed(landing, source, night)), "trim(value) <> ''"),
        count(lake.rows(source.bronze_table, "_night", [night]), "true"),
        int(in_silver),
        count(lake.rows("ops.quarantine"), of_night),
        count("accepted", "_rank > 1 OR _existing_night IS NOT NULL"),
    )
    if not account[0] == account[1] == sum(account[2:]):
        raise ContractBroken(f"rows of {source.name} of {night} do not add up: {account}")
    return Reconciled(account, (int(in_silver), str(digest)), dates)
