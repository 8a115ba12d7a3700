"""Stage `generate`: land a night's delivery as files that appear whole, once, and always with the same bytes."""

import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from catalog.tables import SOURCES
from jobs import origin
from jobs.delta.lake import Lake
from jobs.errors import UsageError
from jobs.files import write_atomically
from jobs.generate import python_delivery
from jobs.generate.arguments import FIRST_NIGHT, Options, label_folder
from jobs.generate.choice import chosen, without_spark
from jobs.generate.fault_rates import USUAL
from jobs.generate.feed import BaseFeed, Feed, FrameFeed, LineFeed
from jobs.generate.spark_delivery import delivery, faultless_delivery
from jobs.outcome import TableResult
from jobs.settings import Settings
from jobs.state.progress import StepProgress

Writer = Callable[
    [Path, Path], None
]  # writes a delivery's lines into one folder, its fault labels into another
LASTING = ("seed", "fault_rates")  # parameters that all nights of a lake share
PARALLEL = 4  # feeds built at a time; each is a few small Spark jobs


def run(lake: Lake) -> list[TableResult]:
    """Land the nights of every source that is simulated; a delivery that has already landed is left alone.

    Rows of a result: lines of those nights, and of the fleet's first load in the run that lands it.

    Raises UsageError for nights before the simulated fleet's first, for sources that have files of their own or whose
    files the catalog describes, and when a delivery has already landed with another scale, seed or other fault rates.
    Nothing is landed then.
    """
    if (nothing := without_spark(lake.settings)) is not None:
        return nothing
    _refuse_early_nights(lake.settings)
    origin.refuse_mixture(lake.settings, chosen(lake.settings))
    work = list(_due(lake.settings))
    for feed, night in work:
        _refuse_other_parameters(lake.settings, feed, night)
    missing = [item for item in work if not _manifest(lake.settings, *item).exists()]
    # dbldatagen parses column types with a parser that threads must not share: plans first, then the work.
    writers = [_writer(lake, feed, night) for feed, night in missing]
    progress = StepProgress(lake.settings, (_table(feed) for feed, _ in missing))

    def land(item: tuple[BaseFeed, date], write: Writer) -> None:
        progress.done(_table(item[0]), _land(lake.settings, *item, write))

    with ThreadPoolExecutor(PARALLEL) as pool:
        list(pool.map(land, missing, writers))
    return _results(
        lake.settings, [item for item in work if item in missing or item[1] in lake.settings.nights], work
    )


def _writer(lake: Lake, feed: BaseFeed, night: date) -> Writer:
    simulation: Options = lake.settings.options
    rates = {**USUAL, **simulation.fault_rates}
    match feed:
        case Feed():
            rows = delivery(lake.spark, feed, night, simulation.scale, simulation.seed, rates)
            return lambda folder, labels: _write_rows(rows, feed, folder, labels)
        case FrameFeed():
            faultless = faultless_delivery(lake.spark, feed, night, simulation.scale, simulation.seed)
            return lambda folder, labels: _write_rows(faultless, feed, folder, labels)
        case LineFeed():
            lines = python_delivery.lines(feed, night, simulation.scale, simulation.seed, rates)
            return lambda folder, labels: python_delivery.write(lines, folder, labels)
    raise TypeError(f"{feed.source}: nothing here lands a {type(feed).__name__}")


def _results(
    settings: Settings, landed: Iterable[tuple[BaseFeed, date]], due: Iterable[tuple[BaseFeed, date]]
) -> list[TableResult]:
    lines = {_table(feed): 0 for feed, _ in due}
    for feed, night in landed:
        lines[_table(feed)] += json.loads(_manifest(settings, feed, night).read_text())["lines"]
    return [TableResult(table, rows) for table, rows in lines.items()]


def _table(feed: BaseFeed) -> str:
    """What the stage calls the files of a source."""
    return f"landing.{feed.source}"


def _due(settings: Settings) -> Iterator[tuple[BaseFeed, date]]:
    """Yield the deliveries that the nights need: their own, and the fleet's first load."""
    for source in chosen(settings):
        feed: BaseFeed = import_module(f"jobs.generate.feeds.{source.name}").FEED
        if feed.is_initial or (feed.first_night_rows and settings.nights[0] != FIRST_NIGHT):
            yield feed, FIRST_NIGHT
        if not feed.is_initial:
            yield from ((feed, night) for night in settings.nights)


def _refuse_early_nights(settings: Settings) -> None:
    if settings.nights[0] < FIRST_NIGHT:
        raise UsageError(
            f"{settings.nights[0]} is before {FIRST_NIGHT}, the first night of the simulated fleet; take a later "
            "one, or files of your own (SIMULATE=none)"
        )


def _folder(settings: Settings, feed: BaseFeed, night: date) -> Path:
    return settings.landing / feed.source / f"arrived={night}"


def _manifest(settings: Settings, feed: BaseFeed, night: date) -> Path:
    # File streams pass over names that begin with an underscore.
    return _folder(settings, feed, night) / origin.MANIFEST


def _parameters(settings: Settings, feed: BaseFeed) -> dict[str, object]:
    simulation: Options = settings.options
    scale = {"scale": simulation.scale} if feed.is_scaled else {}
    rates = {} if feed.is_reliable else {"fault_rates": dict(simulation.fault_rates)}
    return {"seed": simulation.seed, **scale, **rates}


def _refuse_other_parameters(settings: Settings, feed: BaseFeed, night: date) -> None:
    manifest = _manifest(settings, feed, night)
    if not manifest.exists():
        return
    landed = json.loads(manifest.read_text())
    # Earlier manifests name the fault rates `dirt`, or have none.
    landed = {"fault_rates": landed.get("dirt", {}), **landed}
    differing = {
        name: f"{_words(name)} {_said(landed[name])}, not {_said(value)}"
        for name, value in _parameters(settings, feed).items()
        if landed[name] != value
    }
    if differing:
        # Every night needs the fleet's first load, which has the lake's seed and fault rates, and no scale.
        lasting = [f"{_words(name)} {_said(landed[name])}" for name in LASTING if name in differing]
        advice = (
            f"a lake has one seed and one set of fault rates: use {' and '.join(lasting)}, or another lake"
            if lasting
            else "use the same parameters, another night or another lake"
        )
        raise UsageError(
            f"{feed.source} of {night} has already landed with {' and '.join(differing.values())}; {advice}"
        )


def _words(name: str) -> str:
    return name.replace("_", " ")


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return ",".join(f"{kind}={share:g}" for kind, share in value.items()) or "as usual"
    return f"{value:g}"


def _land(settings: Settings, feed: BaseFeed, night: date, write: Writer) -> int:
    """Land one feed's delivery; its manifest comes last and says that it is whole. Returns its lines."""
    drafts = settings.landing / "_drafts" / feed.source / str(night)
    write(drafts, label_folder(settings.home, feed.source, night))
    folder = _folder(settings, feed, night)
    folder.mkdir(parents=True, exist_ok=True)
    counts = {path.name: _move(draft, path) for draft, path in _named(feed, night, drafts, folder)}
    shutil.rmtree(drafts)
    lines = sum(counts.values())
    landed = {**_parameters(settings, feed), "lines": lines, "files": counts}
    write_atomically(_manifest(settings, feed, night), json.dumps(landed, indent=1))
    return lines


def _write_rows(rows: DataFrame, feed: BaseFeed, folder: Path, labels: Path) -> None:
    _write_lines(rows, feed, folder)
    faults = rows.select("key", F.explode("kinds").alias("kind"))
    faults.coalesce(1).write.mode("overwrite").json(str(labels))


def _write_lines(rows: DataFrame, feed: BaseFeed, folder: Path) -> None:
    if SOURCES[feed.source].format == "json":
        rows.select("line").write.mode("overwrite").text(str(folder))
        return
    # One column that is named like the header and never quoted: each line goes out as it is.
    header = ",".join(SOURCES[feed.source].fields)
    rows.select(F.col("line").alias(header)).write.mode("overwrite").option("header", True).option(
        "sep", "\x01"
    ).option("quote", "\x00").option("escape", "\x00").option("emptyValue", "").csv(str(folder))


def _named(feed: BaseFeed, night: date, drafts: Path, folder: Path) -> Iterator[tuple[Path, Path]]:
    """Yield each draft and the path it lands at; a night that is generated again gets the same names."""
    given = {"source": feed.source, "night": night, "format": SOURCES[feed.source].format}
    for number, draft in enumerate(sorted(drafts.glob("part-*"))):
        yield draft, folder / feed.file_name.format(number=number, **given)


def _move(draft: Path, path: Path) -> int:
    with draft.open("rb") as file:
        lines = sum(1 for _ in file)
    draft.replace(path)
    return lines - (1 if path.suffix == ".csv" and lines else 0)
