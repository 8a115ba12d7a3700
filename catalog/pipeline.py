"""The stages of the jobs and the steps of a night, defined once: names, order, what each stage reads and writes."""

from dataclasses import dataclass

ROW_ACCOUNTS, QUARANTINE = "ops.row_accounts", "ops.quarantine"
# What a stage reads for a table: all that the catalog says it is made from; the table itself, of gold its staged rows.
MADE_FROM, CHECKED = "{made from}", "{checked}"


@dataclass(frozen=True)
class Stage:
    """A subcommand of `python -m jobs`, with what it reads and writes for one table of its run result.

    Datasets are named `layer.name` as in `catalog/lineage.py`; `{table}` is the full name of that table, `{name}` the
    same without its layer. State that only stages themselves look at is left out.
    """

    module: str  # with `run(lake)`
    purpose: str
    arguments: str = ""  # module with `add_arguments(parser)` and `Options`; else a night and tables
    layer: str = ""  # of the tables in its run result; of a check it is its step's
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()  # what it is about comes first
    without_spark: str = ""  # module with `without_spark(settings)`, for a stage that may have nothing to do


# In the order of a night, as far as they are steps of one.
STAGES = {
    "generate": Stage(
        "jobs.generate.stage",
        "land one night of simulated IoT data, faults included; the same night is always the same rows",
        arguments="jobs.generate.arguments",
        layer="landing",
        writes=("landing.{name}",),
        without_spark="jobs.generate.choice",
    ),
    "bronze": Stage(
        "jobs.bronze.stage",
        "append every new file of the landing zone to the bronze tables, exactly once",
        layer="bronze",
        reads=("landing.{name}",),
        writes=("bronze.{name}", "ops.rejected_files"),
    ),
    "silver": Stage(
        "jobs.silver.stage",
        "type, check and deduplicate every bronze row that has no outcome yet; put failures into quarantine",
        layer="silver",
        reads=(MADE_FROM,),
        writes=("silver.{name}", QUARANTINE),
    ),
    "check": Stage(
        "jobs.quality.check",
        "validate bronze, silver or the staged gold against its Great Expectations suites; write data docs",
        arguments="jobs.quality.arguments",
        reads=(CHECKED,),
    ),
    "gold": Stage(
        "jobs.gold.stage",
        "build the gold tables into staging, for the dates that the night touched",
        layer="gold",
        reads=(MADE_FROM,),
        writes=("staging.{name}",),
    ),
    "publish": Stage(
        "jobs.gold.publish",
        "replace the touched slices of gold by what staging holds, one atomic commit a table",
        layer="gold",
        reads=("staging.{name}",),
        writes=("gold.{name}",),
    ),
    "report": Stage(
        "jobs.report.stage",
        "assert that every row has an outcome and write the night's page",
        layer="ops",
        # And what the page's queries read, which its run result says.
        reads=(ROW_ACCOUNTS, QUARANTINE, "ops.rejected_files", "ops.restatements", "ops.schema_drift"),
        writes=("pages.nights", "ops.detection_scores"),
    ),
    "backfill": Stage(
        "jobs.backfill.stage",
        "run all stages for a range of nights in bulk; the same tables as night by night",
        arguments="jobs.backfill.arguments",
    ),
    "stream": Stage(
        "jobs.stream.stage",
        "send a piece of a simulated stream to a Delta table, to files or to Kafka",
        arguments="jobs.stream.arguments",
        writes=("{table}",),
    ),
    "receive": Stage(
        "jobs.bronze.receive",
        "land the messages of a source's Kafka topic, for `bronze`; each exactly once",
        arguments="jobs.bronze.arguments",
        layer="landing",
        reads=("kafka.{name}",),
        writes=("landing.{name}",),
    ),
    "train": Stage(
        "jobs.model.stage",
        "train a model that predicts failures on the nights before a cut, and score it on those after it",
        arguments="jobs.model.arguments",
        layer="ops",
        # And the table that it learns from, which its run result says.
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
    def results_layer(self) -> str:
        """The layer of the tables in its run result."""
        return self.layer or STAGES[self.stage].layer

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
    """Return the stages that write a table, `layer.name`; none for state that only stages look at."""
    name = table.partition(".")[2]
    return tuple(
        stage
        for stage, about in STAGES.items()
        if any(written.format(name=name, table="") == table for written in about.writes)
    )
