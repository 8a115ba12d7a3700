"""Stage `bronze`: append every line of every new file of the landing zone exactly once, as it arrived."""

import logging
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial
from pathlib import Path
from urllib.parse import unquote

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from catalog.tables import SOURCES, TABLES, Source
from jobs import origin
from jobs.bronze import (
    csv_records,
    kept_layouts,
    kept_sizes,
    landing_zone,
    late_files,
    parsing,
    rejected,
    uploads,
    withdrawn,
)
from jobs.bronze.arrival import below, night_of
from jobs.bronze.csv_lines import END_OF_FILE
from jobs.bronze.findings import Finding, layouts_of, rejected_of, unended, unpacked, usual_of
from jobs.bronze.kept_layouts import Layouts
from jobs.delta.lake import Lake
from jobs.outcome import TableResult
from jobs.session import on_databricks
from jobs.state.progress import StepProgress

PARALLEL = 4
# Spark's file source forgets files that are older than its newest by more than this, and passes by such ones: never.
_MOST_AGE = f"{2**63 - 1}ms"
# A file that is delivered elsewhere while the stream starts waits for the next run, which moves it first.
_ARRIVED_GLOB = "arrived=[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"
# Of so many batches a stream remembers what it did (spark.sql.streaming.numRecentProgressUpdates).
BATCHES_KEPT = 100

log = logging.getLogger(__name__)


def run(lake: Lake) -> list[TableResult]:
    """Append the lines of all files that no earlier run has read.

    Files delivered into `landing/<source>/` go to the folder of the day they arrived first, and those that must not be
    read to `_rejected/`; those still being written, which a result's detail names, wait. Rows of a result: lines read.

    Raises JobError when a source's folder is a link or a file grows in the folder of a day, UsageError when a file was
    brought to a simulated source, or the catalog describes the files of one; no file has been moved then.
    """
    simulated = [source for source in lake.settings.sources if origin.is_simulated(lake.settings, source)]
    origin.refuse_mixture(lake.settings, simulated, lambda source: _files_read(lake, source))
    lake.ensure([*(f"bronze.{source.name}" for source in lake.settings.sources), rejected.TABLE])
    late_files.make_good(lake)
    for source in lake.settings.sources:
        withdrawn.rename_brought_again(_folder(lake, source), partial(_files_read, lake, source))
    landings = {source: landing_zone.look(_folder(lake, source)) for source in lake.settings.sources}
    growing = _growing(lake, landings, simulated)
    progress = StepProgress(lake.settings, (f"bronze.{source.name}" for source in landings))
    rejected.record_unlisted(lake, landings)
    with ThreadPoolExecutor(PARALLEL) as pool:
        prepare = partial(_prepare, lake, growing, simulated)
        prepared = dict(zip(landings, pool.map(prepare, landings, landings.values()), strict=True))
        rejected.record(lake, {source: rejected_of(found) for source, found in prepared.items()})
        real = {source: landing for source, landing in landings.items() if source not in simulated}
        days = kept_sizes.days(lake.settings.nights)
        for landing in real.values():
            kept_sizes.keep(landing.folder, days)
        late_files.remember(lake, real)
        try:
            layouts = [layouts_of(found) for found in prepared.values()]
            appended = list(pool.map(partial(_ingest, lake, progress), landings, layouts))
        finally:
            # Also of the sources that were read when another failed: the retry does not look at them again.
            late_files.take_back(lake, real)
    results = []
    for (source, landing), rows in zip(landings.items(), appended, strict=True):
        found = prepared[source]
        detail = _waiting(landing, growing) | kept_layouts.lacking(source, layouts_of(found))
        detail |= unended(source, found) | unpacked(found)
        detail |= kept_sizes.changed(landing.folder, days if source in real else ())
        results.append(TableResult(f"bronze.{source.name}", rows, detail))
    if results and (unknown := _unknown_folders(lake.settings.landing)):
        results[0].detail["unknown_folders"] = unknown
    return results


def _unknown_folders(landing: Path) -> list[str]:
    """Return and log the folders of the landing zone that are no source's, in which nothing is looked at."""
    names = sorted(path.name for path in landing.iterdir() if path.is_dir() and not path.is_symlink())
    unknown = [
        name for name in names if name not in SOURCES and name[0] not in "._" and uploads.is_delivered(name)
    ]
    for name in unknown:
        log.warning("%s is the folder of no source: nothing in it is read", landing / name)
    return unknown


def _growing(
    lake: Lake, landings: Mapping[Source, landing_zone.Landing], simulated: Collection[Source]
) -> frozenset[Path]:
    """The delivered files that are still being written. Raises JobError for one in the folder of a day."""
    real = {source: landing for source, landing in landings.items() if source not in simulated}
    growing = uploads.growing(
        [
            *(file for landing in landings.values() for file in landing.deliveries),
            *(file for landing in real.values() for file in landing.by_hand),
        ]
    )
    for source, landing in real.items():
        landing_zone.refuse_growing(landing, growing, partial(_files_read, lake, source))
    return growing


def stream_rows(lake: Lake, source: Source, unusual: Layouts) -> DataFrame:
    """Return a stream of the rows of a source's table from files that no earlier run has read; Spark is asked nothing.

    New files are found only here: by Spark's file source, on Databricks by Auto Loader. `unusual` are the layouts of
    those that have another than the catalog's.
    """
    reader = lake.spark.readStream.schema("value STRING")
    if on_databricks():
        reader = reader.format("cloudFiles").option("cloudFiles.format", "text")
        # The folder's night is read from the path, in one way on all platforms.
        reader = reader.option("cloudFiles.partitionColumns", "")
    else:
        reader = reader.format("text").option("recursiveFileLookup", True).option("maxFileAge", _MOST_AGE)
    lines = _lines(reader.load(str(_folder(lake, source) / _ARRIVED_GLOB)), source, unusual)
    rows = parsing.parse(lines, source, bool(unusual)).withColumn("_ingested_at", F.current_timestamp())
    return rows.select(*TABLES[f"bronze.{source.name}"].column_names)


def landed_rows(lake: Lake, source: Source, nights: Iterable[date]) -> DataFrame:
    """Return the rows that bronze should have of some nights, read anew from the files; `_ingested_at` is null."""
    nights = [*nights]
    has_places = bool(kept_layouts.load(_night_folders(lake, source, nights), source))
    rows = parsing.parse(landed_lines(lake, source, nights), source, has_places)
    return rows.withColumn("_ingested_at", F.lit(None).cast("timestamp"))


def landed_lines(lake: Lake, source: Source, nights: Iterable[date]) -> DataFrame:
    """Return the lines in the landing folders of some nights: `value`, `_file`, `_night`; `_places` of some CSV files.

    Lines without values are left out: blank ones, and of CSV files headers and what is about the file itself.
    """
    folders = _night_folders(lake, source, nights)
    present = [str(folder) for folder in folders if folder.is_dir()]
    reader = lake.spark.read.format("text").option("recursiveFileLookup", True)
    empty = lake.spark.sql("SELECT '' AS value, named_struct('file_path', '') AS _metadata").limit(0)
    return _lines(reader.load(present) if present else empty, source, kept_layouts.load(folders, source))


def _lines(text: DataFrame, source: Source, unusual: Layouts) -> DataFrame:
    # A byte order mark belongs to the file, not to its first line. A pattern would replace what is no UTF-8.
    has_mark = F.col("value").startswith("\ufeff")
    line = F.when(has_mark, F.substr("value", F.lit(2))).otherwise(F.col("value"))
    # So does the end of a file as DOS writes it, and loggers that fill up its last block.
    end = F.lit(END_OF_FILE)
    line = F.when(F.endswith(line, end), F.rtrim(line, end)).otherwise(line)
    found = (
        text.select(line.alias("value"), F.col("_metadata.file_path").alias("_file"))
        .where(~F.lower("_file").rlike(uploads.UNFINISHED_PATH))
        .withColumn("_night", night_of("_file"))
        # Of a folder like arrived=2025-02-29, whose files are moved as others are, once they can be.
        .where("_night IS NOT NULL")
    )
    return (
        csv_records.records(found, source, unusual)
        if source.format == "csv"
        else found.where(F.trim("value") != "")
    )


def _ingest(lake: Lake, progress: StepProgress, source: Source, unusual: Layouts) -> int:
    """Append a source's new lines to its table; return how many, which the stream has counted as it wrote them."""
    name = f"bronze.{source.name}"
    query = (
        stream_rows(lake, source, unusual)
        .observe("appended", F.count("*").alias("rows"))
        .writeStream.format("delta")
        .option("checkpointLocation", str(lake.settings.home / "checkpoints" / "bronze" / source.name))
        .option("userMetadata", lake.commit_metadata)
        .queryName(f"{lake.settings.run_id}.{name}")
        .trigger(availableNow=True)
        .toTable(lake.settings.table(name))
    )
    query.awaitTermination()
    batches = query.recentProgress
    appended = sum(_appended(batch.observedMetrics) for batch in batches)
    appended = appended if len(batches) < BATCHES_KEPT else _committed(lake, name)
    progress.done(name, appended)
    return appended


def _appended(observed: Mapping[str, Row]) -> int:
    """Rows of a batch; over Spark Connect, an observed row arrives as a list of its values, and its schema."""
    value = observed["appended"][0] if "appended" in observed else 0
    return int(value[0] if isinstance(value, list) else value)


def _committed(lake: Lake, name: str) -> int:
    """Rows that this run's commits have appended to a table, by its log."""
    log = lake.spark.sql(f"DESCRIBE HISTORY {lake.settings.table(name)}")
    rows = F.sum(F.expr("CAST(operationMetrics['numOutputRows'] AS BIGINT)"))
    return log.where(F.col("userMetadata") == lake.commit_metadata).select(rows).collect()[0][0] or 0


def _folder(lake: Lake, source: Source) -> Path:
    return lake.settings.landing / source.name


def _night_folders(lake: Lake, source: Source, nights: Iterable[date]) -> list[Path]:
    return [_folder(lake, source) / f"arrived={night}" for night in nights]


def _prepare(
    lake: Lake,
    growing: frozenset[Path],
    simulated: Collection[Source],
    source: Source,
    landing: landing_zone.Landing,
) -> list[Finding]:
    """Prepare the landing folder for the stream, and keep how new CSV files are laid out that are not simulated."""
    is_simulated, seen = source in simulated, partial(_files_read, lake, source)
    if source.format == "csv" and not is_simulated:
        kept_layouts.make_good(landing.folder, landing.in_place, source)
    found = [*landing_zone.prepare(landing, source, seen, growing, is_simulated=is_simulated)]
    kept_layouts.save(landing.folder, layouts_of(found), [] if is_simulated else usual_of(found), source)
    return found


def _waiting(landing: landing_zone.Landing, growing: frozenset[Path]) -> dict[str, object]:
    names = [str(file.relative_to(landing.folder)) for file in landing.deliveries if file in growing]
    return {"still_being_written": names} if names else {}


def _files_read(lake: Lake, source: Source) -> frozenset[str]:
    """Return the files that earlier runs read, as `arrived=2024-03-05/name`: nights may reuse a name."""
    if not lake.exists(name := f"bronze.{source.name}"):
        return frozenset()
    files = lake.read(name).select("_file").distinct()
    # Spark gives the paths as those of URLs.
    paths = [unquote(row._file) for row in files.collect()]
    return frozenset(below(path, source.name) for path in paths)
