"""Which sources a run simulates: those that SIMULATE names, else what fits the lake. Needs no Spark."""

from importlib.util import find_spec

from catalog.tables import ACCEPTED, REGISTRY, Source
from jobs import origin
from jobs.outcome import TableResult
from jobs.settings import Settings


def chosen(settings: Settings) -> list[Source]:
    """Return the selected sources that the run simulates, in the catalog's order.

    Left to the lake, these are all where nobody has brought a file; else those that it has simulated before. Devices
    come along with facts that are looked up in their registry, unless it is real.
    """
    feeds = [source for source in settings.sources if has_feed(source.name)]
    asked: frozenset[str] | None = settings.options.simulate
    if asked is not None:
        named = [source for source in feeds if source.name in asked]
        is_looked_up = any(ACCEPTED[source.silver].lookup for source in named)
        registry = set(REGISTRY) - set(origin.real_sources(settings)) if is_looked_up else set()
        return [source for source in feeds if source in named or source.name in registry]
    if origin.real_sources(settings):
        return [source for source in feeds if origin.is_simulated(settings, source)]
    return feeds


def has_feed(source: str) -> bool:
    """Whether `generate` can simulate a source."""
    return find_spec(f"jobs.generate.feeds.{source}") is not None


def without_spark(settings: Settings) -> list[TableResult] | None:
    """Return the stage's results if nothing is simulated, for which it needs no Spark; None if something is."""
    if chosen(settings):
        return None
    why = "SIMULATE names none of the selected sources"
    if settings.options.simulate is None:
        real = origin.real_sources(settings)
        why = (
            f"this lake has files of your own, of {', '.join(real)}" if real else "no selected source can be"
        )
    return [TableResult("generate", 0, {"summary": f"nothing is simulated: {why}"})]
