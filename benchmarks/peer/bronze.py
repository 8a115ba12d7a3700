"""Bronze: every landed line as it came, once."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from peer.lake import ContractBroken, Lake
from peer.sources import Source, json_struct

FEW = 20  # lines, too few to decide whether a feed is broken
NEARLY_NONE, USUAL = 0.1, 0.99  # shares of lines


def landed(landing: Path, source: Source, night: date) -> list[str]:
    """Return the files of a source that arrived in a night, in order."""
    folder = landing / source.name / f"arrived={night}"
    return sorted(
        str(file) for file in folder.rglob("*") if file.is_file() and not file.name.startswith(("_", "."))
    )


def lines(files: list[str]) -> str:
    """The lines of files as SQL: `value`, `filename`. A CSV of one column without quotes keeps each as it is."""
    layout = (
        "columns = {'value': 'VARCHAR'}, delim = '\\x01', quote = '', escape = '', header = false, "
        "auto_detect = false, filename = true, max_line_size = 16777216, null_padding = true, new_line = '\\n'"
    )
    return f"read_csv({files}, {layout})"


def ingest(lake: Lake, landing: Path, source: Source, night: date) -> None:
    """Replace a night's bronze rows by the lines that landed. One row per line that is not blank.

    `_malformed` keeps a line that is no JSON object, `_rescued` one with fields that no column takes as they are.
    """
    fields = source.fields
    taken = " + ".join(f'(r."{name}" IS NOT NULL)::INT' for name in fields)
    sql = f"""
        WITH lines AS (
            SELECT ltrim(value, chr(65279)) AS value, filename
            FROM {lines(landed(landing, source, night))} WHERE trim(value) <> ''),
        parsed AS (
            SELECT value, filename, json_valid(value) AND ltrim(value)[1] = '{{' AS is_record,
                   CASE WHEN json_valid(value) THEN from_json(value::JSON, {json_struct(fields)}) END AS r
            FROM lines)
        SELECT {", ".join(f'r."{name}" AS "{name}"' for name in fields)},
               CASE WHEN is_record AND len(json_keys(value::JSON)) <> {taken} THEN value END AS _rescued,
               CASE WHEN NOT is_record THEN value END AS _malformed,
               filename AS _file, DATE '{night}' AS _night, now()::TIMESTAMP AS _ingested_at
        FROM parsed"""
    metadata = {"night": str(night), "stage": "bronze"}
    lake.replace(source.bronze_table, sql, f"_night = '{night}'", ["_night"], metadata)


def check(lake: Lake, source: Source, night: date) -> list[str]:
    """Return what is unusual about a night's lines. Raises ContractBroken for a feed that is broken as a whole."""
    rows = lake.rows(source.bronze_table, "_night", [night])
    present = ", ".join(
        f'count(*) FILTER (_malformed IS NULL AND "{name}" IS NOT NULL)' for name in source.required
    )
    total, malformed, rescued, *having = lake.fetch_one(
        f"SELECT count(*), count(_malformed), count(_rescued), {present} FROM {rows}"
    )
    records = total - malformed
    broken = [
        f"required field {name} is missing in nearly every line"
        for name, count in zip(source.required, having, strict=True)
        if records >= FEW and count < NEARLY_NONE * records
    ]
    if total >= FEW and records < NEARLY_NONE * total:
        broken.append("nearly every line is malformed")
    if broken:
        raise ContractBroken(f"{source.bronze_table} of {night}: {'; '.join(broken)}")
    unusual = {"malformed lines": malformed, "fields that no column takes as they are": rescued}
    return [reason for reason, count in unusual.items() if total - count < USUAL * total]
