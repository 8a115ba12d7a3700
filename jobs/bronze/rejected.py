"""Files that were set aside, `ops.rejected_files`: each is listed, also when the run that set it aside ended before."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path

from catalog.tables import TABLES, Source
from jobs.bronze.findings import Rejected
from jobs.bronze.flaws import flaw
from jobs.bronze.landing_zone import REJECTED, Landing
from jobs.bronze.moves import readable_name
from jobs.delta.lake import Lake

TABLE = "ops.rejected_files"


def record(lake: Lake, files: Mapping[Source, Iterable[Rejected]], night: date | None = None) -> None:
    """List files with their reasons, by default as of the run's night, in one commit; none if there are none."""
    rows = [
        (
            source.name,
            night or lake.settings.night,
            str(each.file),
            each.reason,
            each.size,
            datetime.now(UTC),
        )
        for source, of_source in files.items()
        for each in of_source
    ]
    if rows:
        lake.append(TABLE, lake.spark.createDataFrame(rows, TABLES[TABLE].columns))


def record_unlisted(lake: Lake, landings: Mapping[Source, Landing]) -> None:
    """List what lies among the rejected files and is not: runs that set it aside have ended before they could."""
    there = {source: _files(landing.folder / REJECTED) for source, landing in landings.items()}
    if not any(there.values()):
        return
    rows = lake.read(TABLE).select("source", "file").collect()
    listed = {(row.source, Path(row.file).name) for row in rows}  # by name: a lake may have been moved
    record(
        lake,
        {
            source: [
                Rejected(file, _why(file, source), file.lstat().st_size)
                for file in files
                if (source.name, file.name) not in listed
            ]
            for source, files in there.items()
        },
    )


def _files(folder: Path) -> list[Path]:
    """What was set aside, by the names that it gets then; drafts and the files of a desktop begin with a dot."""
    there = (file for file in folder.glob("[!.]*") if file.name == readable_name(file.name))
    return sorted(file for file in there if not file.is_dir())


def _why(file: Path, source: Source) -> str:
    found = flaw(file, source) if file.is_file() and not file.is_symlink() else None
    return found or "a run that ended early has set it aside; bring it again"
