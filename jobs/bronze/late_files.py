"""Files that somebody put into the folder of a day while bronze was at work: read before anybody had looked at them.

Bronze looks through new files first, and then Spark lists them itself. Most of those that come in between are read
right; of the others this takes the rows back.
"""

import json
import logging
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import date
from pathlib import Path
from urllib.parse import unquote

from catalog.tables import Source
from jobs.bronze import csv_flaws, landing_zone
from jobs.bronze.arrival import below
from jobs.bronze.flaws import flaw
from jobs.bronze.json_documents import flaw_of_lines, is_document
from jobs.bronze.landing_zone import Landing
from jobs.bronze.moves import free_path
from jobs.delta.frames import is_in
from jobs.delta.lake import Lake
from jobs.files import write_atomically

LOOKED_AT = "checkpoints/looked_at"  # <source>.json: the files that bronze has looked at, until all has been taken back

log = logging.getLogger(__name__)


def remember(lake: Lake, landings: Mapping[Source, Landing]) -> None:
    """Write down which files bronze has looked through, for `make_good`; called before the stream reads any."""
    for source, landing in landings.items():
        write_atomically(_remembered(lake, source), json.dumps(sorted(_paths(landing))))


def make_good(lake: Lake) -> None:
    """Do what `take_back` does for the selected sources where an earlier run ended before it could."""
    for source in lake.settings.sources:
        with suppress(FileNotFoundError):
            known = json.loads(_remembered(lake, source).read_text())
            _take_late_back(lake, source, frozenset(known))
            _remembered(lake, source).unlink()


def take_back(lake: Lake, landings: Mapping[Source, Landing]) -> None:
    """Delete from bronze the rows of files that were misread, and rename these files, so that the next run reads them.

    `landings` has the files that bronze had looked through before; only others can have been misread.
    """
    for source, landing in landings.items():
        _take_late_back(lake, source, _paths(landing))
        _remembered(lake, source).unlink(missing_ok=True)


def _remembered(lake: Lake, source: Source) -> Path:
    return lake.settings.home / LOOKED_AT / f"{source.name}.json"


def _take_late_back(lake: Lake, source: Source, known: Collection[str]) -> None:
    now = landing_zone.look(lake.settings.landing / source.name)
    late = [file for path, file in _paths(now).items() if path not in known]
    if misread := [file for file in late if _is_misread(file, source)]:
        _take_back(lake, source, now.folder, misread)


def _paths(landing: Landing) -> dict[str, Path]:
    return {file.relative_to(landing.folder).as_posix(): file for file in landing.by_hand}


def _is_misread(file: Path, source: Source) -> bool:
    """Whether a file must not be read, or not as the catalog says."""
    try:
        if flaw(file, source):
            return True
        if source.format == "json":
            return is_document(file, source) or bool(flaw_of_lines(file))
        return not csv_flaws.layout(file, source).is_usual
    except FileNotFoundError:
        return False


def _take_back(lake: Lake, source: Source, folder: Path, misread: list[Path]) -> None:
    by_path = {file.relative_to(folder).as_posix(): file for file in misread}
    days = {date.fromisoformat(path.split("/")[0].partition("=")[2]) for path in by_path}
    name = f"bronze.{source.name}"
    rows = lake.read(name).where(is_in("_night", days)).select("_night", "_file").distinct().collect()
    read = [row for row in rows if below(unquote(row._file), source.name) in by_path]
    for row in read:
        file = by_path[below(unquote(row._file), source.name)]
        # First: the stream knows the path, and would pass the file by for good.
        renamed = file.rename(free_path(file.with_name(f"late-{file.name}")))
        log.warning(
            "%s came while bronze was at work; it is left for the next run, as %s", file, renamed.name
        )
    if read:
        lake.delete(name, lake.spark.createDataFrame(read, "_night DATE, _file STRING"), ("_night", "_file"))
