"""Maintenance of the Iceberg copies: what `OPTIMIZE` and `VACUUM` are to Delta tables."""

from datetime import datetime

from pyiceberg.catalog import Catalog
from pyiceberg.table import Table


def maintain(catalog: Catalog, name: str, before: datetime) -> int:
    """Merge a copy's manifests, expire its snapshots of before a moment, and delete the files that only these had.

    Returns how many files went; 0 for a copy that does not exist. No row changes.
    """
    if not catalog.table_exists(name):
        return 0
    table = catalog.load_table(name)
    _merge_manifests(table)
    if all(snapshot.timestamp_ms >= before.timestamp() * 1000 for snapshot in table.snapshots()):
        return 0
    files = _files(table)
    table.maintenance.expire_snapshots().older_than(before).commit()
    # pyiceberg expires snapshots in the metadata alone. What others commit meanwhile is in neither list, or in both.
    gone = files - _files(catalog.load_table(name))
    for path in gone:
        table.io.delete(path)
    return len(gone)


def _merge_manifests(table: Table) -> None:
    """Each copy adds a manifest of what came and one of what went, all of which the next one would read."""
    snapshot = table.current_snapshot()
    if snapshot is None or len(snapshot.manifests(table.io)) < 2:
        return
    with table.transaction() as transaction, transaction.update_snapshot().merge_append():
        pass


def _files(table: Table) -> set[str]:
    """Paths of all that the snapshots of a table refer to: manifest lists, manifests and data files."""
    lists = {snapshot.manifest_list for snapshot in table.snapshots()}
    manifests = {
        manifest.manifest_path: manifest
        for snapshot in table.snapshots()
        for manifest in snapshot.manifests(table.io)
    }
    data = {
        entry.data_file.file_path
        for manifest in manifests.values()
        for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True)
    }
    return lists | manifests.keys() | data
