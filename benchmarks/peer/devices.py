"""Devices: every version of each, replayed from its changes, and those that are registered now."""

from __future__ import annotations

from datetime import date

from peer.lake import Lake
from peer.sources import DEVICE_COLUMNS, SOURCES

IMAGE = ", ".join(DEVICE_COLUMNS)


def derive(lake: Lake) -> None:
    """Rewrite `silver.devices_history` (SCD2) and `silver.devices`; leave `known_devices` for lookups.

    Grains: one row per device and version, one per registered device, one per device that was ever registered.
    """
    lake.execute(f"""
        CREATE OR REPLACE TEMP TABLE history AS
        WITH states AS (
            SELECT {IMAGE}, _night::TIMESTAMP AS valid_from, NULL::BIGINT AS sequence, false AS is_deleted, _night
            FROM {lake.rows(SOURCES["devices"].silver_table)}
            UNION ALL BY NAME
            SELECT {IMAGE}, changed_at AS valid_from, sequence, operation = 'DELETE' AS is_deleted, _night
            FROM {lake.rows(SOURCES["device_changes"].silver_table)}),
        at_instants AS (
            SELECT * FROM states
            QUALIFY row_number() OVER (PARTITION BY device_id, valid_from ORDER BY sequence DESC NULLS LAST) = 1),
        compared AS (
            SELECT *, hash({IMAGE}, is_deleted) AS image,
                   lag(hash({IMAGE}, is_deleted)) OVER (PARTITION BY device_id ORDER BY valid_from) AS former_image
            FROM at_instants)
        SELECT {IMAGE}, valid_from, lead(valid_from) OVER (PARTITION BY device_id ORDER BY valid_from) AS valid_to,
               is_deleted, _night
        FROM compared WHERE image IS DISTINCT FROM former_image""")
    now = "valid_to IS NULL"
    versions = f"SELECT {IMAGE}, valid_from, valid_to, {now} AS is_current, is_deleted, _night FROM history"
    lake.replace("silver.devices_history", versions)
    registered = (
        f"SELECT {IMAGE}, valid_from AS changed_at, _night FROM history WHERE {now} AND NOT is_deleted"
    )
    lake.replace("silver.devices", registered)
    lake.execute(
        "CREATE OR REPLACE TEMP TABLE known_devices AS "
        "SELECT device_id, device_type FROM history WHERE valid_to IS NULL"
    )


def fleet(lake: Lake, night: date) -> str:
    """The registered devices as they stood when a night ended, as SQL. One row per device."""
    return f"""
        WITH known AS (
            SELECT {IMAGE}, _night, _night::TIMESTAMP AS changed_at, NULL::BIGINT AS sequence, 'INSERT' AS operation
            FROM {lake.rows(SOURCES["devices"].silver_table)}
            UNION ALL BY NAME
            SELECT {IMAGE}, _night, changed_at, sequence, operation
            FROM {lake.rows(SOURCES["device_changes"].silver_table)}),
        latest AS (
            SELECT * FROM known WHERE _night <= DATE '{night}' AND changed_at::DATE <= DATE '{night}'
            QUALIFY row_number() OVER (
                PARTITION BY device_id ORDER BY changed_at DESC, sequence DESC NULLS LAST) = 1)
        SELECT {IMAGE} FROM latest WHERE operation <> 'DELETE'"""
