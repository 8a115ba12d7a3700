"""Copies of gold tables in Iceberg, each brought up to what is published by one snapshot.

A slice of the table is one partition, with one data file whose name begins with the slice's digest in `ops.digests`. So
a table's current snapshot says itself which slices it has as they are published, and only the others are copied. What
`restore`, a new column or a run that was killed left different is found by the same comparison.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import PurePosixPath
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import CommitFailedException, TableAlreadyExistsError, ValidationException
from pyiceberg.expressions import In
from pyiceberg.io import FileIO
from pyiceberg.io.pyarrow import pyarrow_to_schema, write_file
from pyiceberg.manifest import DataFile
from pyiceberg.partitioning import PartitionFieldValue, PartitionKey
from pyiceberg.table import Table, Transaction, WriteTask
from pyiceberg.table.metadata import TableMetadata

from jobs.delta.digests import Digest
from jobs.errors import JobError

Slices = Mapping[date, Digest]
Read = Callable[[Collection[date]], pa.Table]

ROWS_AT_ONCE = 500_000  # in memory, unless one slice has more
ATTEMPTS = 3
EPOCH = date(1970, 1, 1)
# Each commit leaves a file of metadata, all of which would stay; manifests are merged whenever `maintain` comes.
PROPERTIES = {
    "write.metadata.delete-after-commit.enabled": "true",
    "commit.manifest-merge.enabled": "true",
    "commit.manifest.min-count-to-merge": "2",
}
OVERTAKEN = (CommitFailedException, TableAlreadyExistsError, ValidationException)


@dataclass(frozen=True)
class Original:
    """A published table: what a copy is to be like."""

    slice: str  # the column whose dates are its slices
    digests: Slices
    read: Read  # the rows of some slices; of none, the columns alone
    comment: str
    commit: Mapping[str, str]  # who copies it: properties of the snapshot


@dataclass(frozen=True)
class Copied:
    """A copy that is up to date."""

    table: Table
    rows: int  # written to bring it there: those of the slices that differed


def bring_up_to_date(catalog: Catalog, name: str, original: Original) -> Copied:
    """Copy the slices that differ, and drop those that are gone, in one snapshot; in none if nothing differs.

    Creates the table with its first rows in one commit. `name` is `namespace.table`.

    Raises JobError when a slice has other rows than its digest counts, or when other writers are always first.
    """
    for _ in range(ATTEMPTS):
        try:
            return _bring_up_to_date(catalog, name, original)
        except OVERTAKEN:
            continue
    raise JobError(f"the Iceberg table {name} is written by others at the same time; run again")


def different(digests: Slices, copied: Mapping[date, list[DataFile]]) -> tuple[list[date], list[DataFile]]:
    """The slices that are to be copied, and the data files that go, since they hold no slice as it is published."""
    kept = {
        day
        for day, files in copied.items()
        if day in digests and [_digest_of(file) for file in files] == [digests[day].digest]
    }
    return sorted(digests.keys() - kept), [file for day in copied.keys() - kept for file in copied[day]]


def _bring_up_to_date(catalog: Catalog, name: str, original: Original) -> Copied:
    existing = catalog.load_table(name) if catalog.table_exists(name) else None
    missing, stale = different(original.digests, _copied(existing) if existing else {})
    if existing and not missing and not stale:
        return Copied(existing, 0)
    columns = original.read(()).schema
    if existing:
        transaction = existing.transaction()
        with transaction.update_schema() as update:
            update.union_by_name(columns)
    else:
        transaction = _creation(catalog, name, original, columns)
    # Of a table that is not there yet, only its transaction has one.
    io = transaction._table.io
    written: list[DataFile] = []
    try:
        for days in _batches(missing, original.digests):
            written += _write(io, transaction.table_metadata, original, days)
        _replace(transaction, original, stale, written)
        transaction.commit_transaction()
    except (JobError, *OVERTAKEN):
        # Nothing refers to them. After any other error the commit may have been made.
        for file in written:
            io.delete(file.file_path)
        raise
    return Copied(catalog.load_table(name), sum(original.digests[day].rows for day in missing))


def _copied(table: Table) -> dict[date, list[DataFile]]:
    copied: dict[date, list[DataFile]] = {}
    for task in table.scan().plan_files():
        day = EPOCH + timedelta(days=task.file.partition[0])
        copied.setdefault(day, []).append(task.file)
    return copied


def _digest_of(file: DataFile) -> str:
    return PurePosixPath(file.file_path).name.split("_")[0]


def _creation(catalog: Catalog, name: str, original: Original, columns: pa.Schema) -> Transaction:
    catalog.create_namespace_if_not_exists(name.split(".")[0])
    properties = {"comment": original.comment, **PROPERTIES}
    transaction = catalog.create_table_transaction(name, schema=columns, properties=properties)
    with transaction.update_spec() as update:
        update.add_identity(original.slice)
    return transaction


def _batches(days: Iterable[date], digests: Slices) -> Iterator[list[date]]:
    """Slices to read together: as many as have few enough rows."""
    batch: list[date] = []
    rows = 0
    for day in days:
        if batch and rows + digests[day].rows > ROWS_AT_ONCE:
            yield batch
            batch, rows = [], 0
        batch.append(day)
        rows += digests[day].rows
    if batch:
        yield batch


@dataclass(frozen=True)
class _SliceTask(WriteTask):
    """A slice's data file, which is named after its digest."""

    digest: str = ""

    def generate_data_file_filename(self, extension: str) -> str:
        return f"{self.digest}_{self.write_uuid}.{extension}"


def _write(io: FileIO, metadata: TableMetadata, original: Original, days: list[date]) -> list[DataFile]:
    rows = original.read(days)
    schema = pyarrow_to_schema(rows.schema, name_mapping=metadata.schema().name_mapping)
    (field,) = metadata.spec().fields

    def task(day: date) -> _SliceTask:
        of_day = rows.filter(pc.field(original.slice) == pa.scalar(day, pa.date32()))
        expected = original.digests[day]
        if of_day.num_rows != expected.rows:
            raise JobError(
                f"{expected.table} of {day} has {of_day.num_rows:,} rows, and ops.digests counts {expected.rows:,}: "
                "it is published by another run just now, or was changed by hand; run again, then `verify`"
            )
        key = PartitionKey([PartitionFieldValue(field, day)], metadata.spec(), metadata.schema())
        return _SliceTask(uuid4(), 0, schema, of_day.to_batches(), partition_key=key, digest=expected.digest)

    # All are counted before the first is written.
    return list(write_file(io, metadata, iter([task(day) for day in days])))


def _replace(
    transaction: Transaction, original: Original, stale: list[DataFile], written: list[DataFile]
) -> None:
    if not stale and not written:
        return
    update = transaction.update_snapshot(snapshot_properties=dict(original.commit))
    # `Transaction.overwrite` would delete in one snapshot and append in another.
    with update.overwrite() as snapshot:
        days = {EPOCH + timedelta(days=file.partition[0]) for file in (*stale, *written)}
        # No file is deleted by it: of what others commit meanwhile, only these slices are in the way.
        snapshot.delete_by_predicate(In(original.slice, days))  # type: ignore[call-arg,arg-type]  # pydantic's fields
        for file in stale:
            snapshot.delete_data_file(file)
        for file in written:
            snapshot.append_data_file(file)
