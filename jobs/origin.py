"""Where the files of a source come from: a source of a lake is simulated or real, never both.

The lake's folders show it. The simulator leaves fault labels, manifests beside its files, or the checkpoint of a
stream; every file that is none of its own was brought.
"""

import json
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import islice
from pathlib import Path

from catalog.tables import SOURCES, Source
from jobs.errors import UsageError
from jobs.settings import Settings

MANIFEST = "_generated.json"
# Behind the name of its source, a file of a stream as `jobs/stream/sinks.py` names it.
_STREAMED = r"-\d{4}-\d\d-\d\d-\d{5}-\d{5}-\d+-\d+\.\w+"


def is_simulated(settings: Settings, source: Source) -> bool:
    """Whether anything of a source has been simulated in this lake."""
    # Labels come before the first file, so that a run that was killed in between is known for what it was.
    left = (
        settings.home / "truth" / source.name,
        settings.home / "checkpoints/stream" / source.name / "json",
    )
    manifests = (settings.landing / source.name).glob(f"arrived=*/{MANIFEST}")
    return any(folder.is_dir() for folder in left) or any(manifests)


def real_sources(settings: Settings) -> list[str]:
    """Return the sources of the lake that have files of their own, whether or not the run selects them."""
    return [
        name
        for name, source in SOURCES.items()
        if not is_simulated(settings, source) and any(_brought(settings.landing / name, source))
    ]


def refuse_mixture(
    settings: Settings,
    simulated: Collection[Source],
    read_before: Callable[[Source], Collection[str]] | None = None,
) -> None:
    """Raise UsageError for the first source, simulated or about to be, to which a file was brought.

    So it does for one whose files the catalog describes otherwise than the simulator writes them.

    With `read_before`, which gives the files that earlier runs have read of a source, files that were put directly
    into the run's nights are found, too. What such a run has read long ago is let be.
    """
    refuse_described(simulated)
    for source in simulated:
        folder, is_old = settings.landing / source.name, is_simulated(settings, source)
        found = list(_waiting(folder, source)) if is_old else list(islice(_brought(folder, source), 1))
        if is_old and read_before and (unlisted := _unlisted(settings, source)):
            known = read_before(source)
            found += [file for file in unlisted if file.relative_to(folder).as_posix() not in known]
        if found:
            raise UsageError(_refusal(source, found[0].relative_to(settings.home), is_old))


def refuse_described(simulated: Iterable[Source]) -> None:
    """Raise UsageError for the first source, simulated or about to be, whose files the catalog says to be others."""
    for source in simulated:
        if keys := ", ".join(source.described_by):
            raise UsageError(
                f"{source.name} cannot be simulated: [sources.{source.name}] describes files that the simulator does "
                f"not write ({keys}); take that out of the catalog, or leave {source.name} out of SIMULATE"
            )


def _refusal(source: Source, file: Path, is_simulated: bool) -> str:
    if is_simulated:
        return (
            f"{source.name} is simulated in this lake, and {file} is a file of your own, which stays where it is; "
            f"take it to another lake (LAKEHOUSE_HOME=…) that does not simulate {source.name} (SIMULATE=…)"
        )
    return (
        f"{source.name} has files of your own in this lake ({file}) and is not simulated beside them; "
        "leave it out of SIMULATE, or simulate it in another lake (LAKEHOUSE_HOME=…)"
    )


def _waiting(folder: Path, source: Source) -> Iterator[Path]:
    """Yield files of a simulated source that were brought and that no run has moved into a night yet.

    What an earlier version received beside simulated files is let in.
    """
    received = re.compile(rf"{source.name}-received-.*\.json")
    for entry in _entries(folder):
        if not entry.name.startswith("arrived="):
            loose = (file for file in _below(entry) if not received.fullmatch(file.name))
            yield from (file for file in loose if not _is_streamed(file, source))


def _brought(folder: Path, source: Source) -> Iterator[Path]:
    """Yield the files of a source of which nothing was simulated."""
    return (file for file in _files(folder) if not _is_streamed(file, source))


def _unlisted(settings: Settings, source: Source) -> list[Path]:
    """Return the files in the folders of the run's nights that the simulator has not landed."""
    found: list[Path] = []
    for night in settings.nights:
        folder = settings.landing / source.name / f"arrived={night}"
        manifest = folder / MANIFEST
        landed = json.loads(manifest.read_text()).get("files", ()) if manifest.exists() else ()
        found += [
            file for file in _files(folder) if file.name not in landed and not _is_streamed(file, source)
        ]
    return found


def _is_streamed(file: Path, source: Source) -> bool:
    return bool(re.search(rf"\b{source.name}{_STREAMED}$", file.name))


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder, those that were set aside too."""
    for entry in _entries(folder, but="_rejected"):
        yield from _below(entry)


def _below(entry: os.DirEntry[str]) -> Iterator[Path]:
    if entry.is_dir(follow_symlinks=False):
        yield from _files(Path(entry.path))
    else:
        yield Path(entry.path)


def _entries(folder: Path, but: str = "") -> list[os.DirEntry[str]]:
    """Return what is in a folder, in order, without names that hide a file from Spark."""
    if not folder.is_dir():
        return []
    with os.scandir(folder) as found:
        shown = [entry for entry in found if entry.name == but or not entry.name.startswith((".", "_"))]
    return sorted(shown, key=lambda entry: entry.name)
