"""The stages of the jobs and the steps of a night, defined once: names, order, and the tables each stage writes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """A subcommand of `python -m jobs`."""

    module: str  # with `run(lake)`
    purpose: str
    arguments: str = (
        ""  # module with `add_arguments(parser)` and `Options`, unless it takes only a night and tables
    )
    writes: tuple[str, ...] = ()  # prefixes of the tables it writes, `layer.name`; without most of `ops`
    without_spark: str = ""  # module with `without_spark(settings)`, for a stage that may have nothing to do


# In the order of a night, as far as they are steps of one.
STAGES = {
    "generate": Stage(
        "jobs.generate.stage",
        "land one night of simulated IoT data, faults included; the same night is always the same rows",
        arguments="jobs.generate.arguments",
        without_spark="jobs.generate.choice",
    ),
    "bronze": Stage(
        "jobs.bronze.stage",
        "append every new file of the landing zone to the bronze tables, exactly once",
        writes=("bronze.",),
    ),
    "silver": Stage(
        "jobs.silver.stage",
        "type, check and deduplicate every bronze row that has no outcome yet; put failures into quarantine",
        writes=("silver.",),
    ),
    "check": Stage(
        "jobs.quality.check",
        "validate bronze, silver or the staged gold against its Great Expectations suites; write data docs",
        arguments="jobs.quality.arguments",
    ),
    "gold": Stage(
        "jobs.gold.stage",
        "build the gold tables into staging, for the dates that the night touched",
        writes=("staging.",),
    ),
    "publish": Stage(
        "jobs.gold.publish",
        "replace the touched slices of gold by what staging holds, one atomic commit a table",
        writes=("gold.", "staging."),
    ),
    "report": Stage("jobs.report.stage", "assert that every row has an outcome and write the night's page"),
    "backfill": Stage(
        "jobs.backfill.stage",
        "run all stages for a range of nights in bulk; the same tables as night by night",
        arguments="jobs.backfill.arguments",
    ),
    "stream": Stage(
        "jobs.stream.stage",
        "send a piece of a simulated stream to a Delta table, to files or to Kafka",
        arguments="jobs.stream.arguments",
    ),
    "receive": Stage(
        "jobs.bronze.receive",
        "land the messages of a source's Kafka topic, for `bronze`; each exactly once",
        arguments="jobs.bronze.arguments",
    ),
    "train": Stage(
        "jobs.model.stage",
        "train a model that predicts failures on the nights before a cut, and score it on those after it",
        arguments="jobs.model.arguments",
        writes=("ops.models",),
    ),
    "maintain": Stage(
        "jobs.maintenance.stage",
        "compact and vacuum every table, remove the pages of old runs; no row changes",
        arguments="jobs.maintenance.arguments",
    ),
    "verify": Stage(
        "jobs.quality.verify", "recompute row accounts and digests of a night and check that they hold"
    ),
}


@dataclass(frozen=True)
class Step:
    """A step of a night: a DAG task, a job and a run result have its name."""

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
    """Return the stages that write a table, `layer.name`; the one that creates it comes first. Empty for `ops`."""
    return tuple(name for name, stage in STAGES.items() if table.startswith(stage.writes))
