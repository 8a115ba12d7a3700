"""Stage `bronze`: every new file of the landing zone, line by line, exactly once, as it came."""

import gzip
import logging
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs import lines, store
from jobs.results import TableResult
from jobs.session import on_databricks
from jobs.settings import Settings
from jobs.tables import TABLES, Source

log = logging.getLogger(__name__)

PARALLEL = 4
_ARRIVED = r"/arrived=(\d{4}-\d{2}-\d{2})/"
# A file that is dropped anywhere else while the stream starts waits for the next run, which moves it in first.
_ARRIVED_GLOB = "arrived=[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"


def run(spark: SparkSession, settings: Settings) -> list[TableResult]:
    """Append the lines of all files that no earlier run took in.

    Files dropped by hand into `landing/<source>/` are first moved to the folder of the run's night. Rows of
    a result: lines taken in by this run.
    """
    names = [f"bronze.{source.name}" for source in settings.sources]
    store.ensure(spark, settings, [*names, "ops.rejected_files"])
    rejected = [row for source in settings.sources for row in _prepare_folder(spark, settings, source)]
    if rejected:
        columns = TABLES["ops.rejected_files"].columns
        store.append(settings, "ops.rejected_files", spark.createDataFrame(rejected, columns))
    with ThreadPoolExecutor(PARALLEL) as pool:
        taken = pool.map(lambda source: _ingest(spark, settings, source), settings.sources)
        return [TableResult(name, rows) for name, rows in zip(names, taken, strict=True)]


def stream_lines(spark: SparkSession, settings: Settings, source: Source) -> DataFrame:
    """Stream of a source's lines, from files that no earlier run took in; columns as `landed_lines`.

    The one place that knows how new files are found: Spark's file source here, Auto Loader on Databricks.
    """
    reader = spark.readStream.schema("value STRING")
    if on_databricks():
        reader = reader.format("cloudFiles").option("cloudFiles.format", "text")
        # The folder's night is read from the path, in one way on all platforms.
        reader = reader.option("cloudFiles.partitionColumns", "")
    else:
        reader = reader.format("text").option("recursiveFileLookup", True)
    return _lines(reader.load(str(settings.landing / source.name / _ARRIVED_GLOB)), source)


def landed_lines(
    spark: SparkSession, settings: Settings, source: Source, nights: Iterable[date]
) -> DataFrame:
    """Lines that lie in the landing folders of some nights: `value`, `_file`, `_night`.

    Blank lines and CSV headers do not count.
    """
    folders = [settings.landing / source.name / f"arrived={night}" for night in nights]
    present = [str(folder) for folder in folders if folder.is_dir()]
    reader = spark.read.format("text").option("recursiveFileLookup", True)
    empty = spark.sql("SELECT '' AS value, named_struct('file_path', '') AS _metadata").limit(0)
    return _lines(reader.load(present) if present else empty, source)


def _lines(text: DataFrame, source: Source) -> DataFrame:
    # A byte order mark belongs to the file, not to its first record.
    line = F.regexp_replace("value", "^\ufeff", "")
    kept = (
        text.select(line.alias("value"), F.col("_metadata.file_path").alias("_file"))
        .where(F.trim("value") != "")
        .withColumn("_night", F.expr(f"try_cast(regexp_extract(_file, r'{_ARRIVED}', 1) AS DATE)"))
    )
    return kept.where(F.col("value") != ",".join(source.fields)) if source.format == "csv" else kept


def _ingest(spark: SparkSession, settings: Settings, source: Source) -> int:
    """Append a source's new lines to its table; give their number."""
    parsed = lines.parse(stream_lines(spark, settings, source), source)
    rows = parsed.withColumn("_ingested_at", F.current_timestamp())
    name = f"bronze.{source.name}"
    table = store.read(spark, settings, name)
    before = table.count()
    query = (
        rows.select(*TABLES[name].column_names)
        .writeStream.format("delta")
        .option("checkpointLocation", str(settings.home / "checkpoints" / "bronze" / source.name))
        .option("userMetadata", store.note(settings))
        .queryName(f"{settings.run_id}.{name}")
        .trigger(availableNow=True)
        .toTable(settings.table(name))
    )
    query.awaitTermination()
    return table.count() - before


def _prepare_folder(spark: SparkSession, settings: Settings, source: Source) -> Iterator[tuple[object, ...]]:
    """Make the landing folder ready for the stream; give a row for each file that cannot be read."""
    folder = settings.landing / source.name
    arrived = folder / f"arrived={settings.night}"
    arrived.mkdir(parents=True, exist_ok=True)
    for file in sorted(_dropped(folder)):
        _move(file, arrived)
    archives = sorted(folder.glob("arrived=*/*.gz"))
    seen = _archives_taken_in(spark, settings, source) if archives else frozenset()
    for archive in archives:
        if archive.name not in seen and (reason := _damage(archive)):
            size = archive.stat().st_size
            kept = _move(archive, folder / "_rejected")
            log.warning("%s cannot be read (%s); kept as %s", archive, reason, kept)
            yield source.name, settings.night, str(kept), reason, size, datetime.now(UTC)


def _dropped(folder: Path) -> Iterator[Path]:
    """Files below a folder that do not lie in the folder of a night."""
    for path in folder.iterdir():
        if path.name[0] in "._" or (path.is_dir() and _is_of_night(path)):
            continue
        if path.is_dir():
            yield from _dropped(path)
        else:
            yield path


def _is_of_night(folder: Path) -> bool:
    name, _, night = folder.name.partition("=")
    try:
        return name == "arrived" and str(date.fromisoformat(night)) == night
    except ValueError:
        return False


def _archives_taken_in(spark: SparkSession, settings: Settings, source: Source) -> frozenset[str]:
    files = (
        store.read(spark, settings, f"bronze.{source.name}")
        .where("_file LIKE '%.gz'")
        .select("_file")
        .distinct()
    )
    return frozenset(row._file.rsplit("/", 1)[-1] for row in files.collect())


def _damage(archive: Path) -> str | None:
    """What is wrong with a gzip file, if anything. A cut one would end the whole stream."""
    try:
        with gzip.open(archive) as file:
            while file.read(1 << 20):
                pass
    except (EOFError, OSError, zlib.error) as error:
        return str(error)
    return None


def _move(file: Path, folder: Path) -> Path:
    """Move a file into a folder under its own name, or a free one like it."""
    folder.mkdir(exist_ok=True)
    target, number = folder / file.name, 1
    while target.exists():
        target, number = folder / f"{file.stem}-{number}{file.suffix}", number + 1
    return file.rename(target)
