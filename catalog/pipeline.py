"""The stages of the jobs and the steps of a night, once: names, order, and which tables each stage writes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """A subcommand of `python -m jobs`."""

    module: str  # with `run(spark, settings)`
    purpose: str
    arguments: str = (
        ""  # module with `add_arguments(parser)` and `Options`, where it takes more than a night and tables
    )
    writes: tuple[str, ...] = ()  # beginnings of the names of tables, `layer.name`; not all of `ops`


# In the order of a night, as far as they are steps of one.
STAGES = {
    "generate": Stage(
        "jobs.generate.stage",
        "land one night of simulated IoT data, dirt included; the same night is always the same rows",
        arguments="jobs.generate.arguments",
    ),
    "bronze": Stage(
        "jobs.bronze.stage",
        "take every new file of the landing zone into the bronze tables, exactly once",
        writes=("bronze.",),
    ),
    "silver": Stage(
        "jobs.silver.stage",
        "type, check and deduplicate every bronze row that has no fate yet; put failures into quarantine",
        writes=("silver.", "staging.judged_"),
    ),
    "check": Stage(
        "jobs.quality.check",
        "prove bronze, silver or the staged gold against its Great Expectations suites; write data docs",
        arguments="jobs.quality.arguments",
    ),
    "gold": Stage(
        "jobs.gold.stage",
        "build the gold tables into staging, for the dates that the night touched",
        writes=("staging.gold_",),
    ),
    "publish": Stage(
        "jobs.gold.publish",
        "replace the touched slices of gold by what staging holds, one atomic commit a table",
        writes=("gold.", "staging.gold_"),
    ),
    "report": Stage("jobs.report.stage", "assert that every row has a fate and write the night's page"),
    "history": Stage(
        "jobs.backfill.stage",
        "take a range of nights through all stages in bulk; the same tables as night by night",
        arguments="jobs.backfill.arguments",
    ),
    "stream": Stage(
        "jobs.stream.stage",
        "send a piece of a simulated stream to a Delta table, to files or to Kafka",
        arguments="jobs.stream.arguments",
    ),
    "receive": Stage(
        "jobs.bronze.receive",
        "land what came to a source's topic in Kafka, for `bronze`; each message exactly once",
        arguments="jobs.bronze.arguments",
    ),
    "maintain": Stage(
        "jobs.maintenance.stage",
        "compact and vacuum every table, remove the pages of old runs; no row changes",
        arguments="jobs.maintenance.arguments",
    ),
    "verify": Stage(
        "jobs.quality.verify", "recompute row accounts and digests of a night and say whether they hold"
    ),
}


@dataclass(frozen=True)
class Step:
    """A step of a night: a task of the DAG, a job, and its run result, all of one name."""

    stage: str
    layer: str = ""  # of a check, what it checks

    @property
    def name(self) -> str:
        """Unique within a night: `check_bronze`, `check_silver` and `check_gold` are three steps of one stage."""
        return f"{self.stage}_{self.layer}" if self.layer else self.stage


STEPS = (
    Step("generate"),
    Step("bronze"),
    Step("check", "bronze"),
    Step("silver"),
    Step("check", "silver"),
    Step("gold"),
    Step("check", "gold"),
    Step("publish"),
    Step("report"),
)
STEP_NAMES = tuple(step.name for step in STEPS)


def writers_of(table: str) -> tuple[str, ...]:
    """The stages that write a table, given as `layer.name`, the one that makes it first; none for one of `ops`."""
    return tuple(name for name, stage in STAGES.items() if table.startswith(stage.writes))
