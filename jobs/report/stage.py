"""Stage `report`: one page about a night, and the check that every row of it has an outcome."""

import json
from datetime import UTC, datetime

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from catalog.run_result import RunResult
from catalog.tables import SOURCES
from jobs.delta.frames import collect_together
from jobs.delta.lake import Lake
from jobs.errors import ContractBroken
from jobs.files import write_atomically
from jobs.generate import detection
from jobs.outcome import TableResult
from jobs.pages.render import render
from jobs.report import deliveries, model, query
from jobs.report.contents import Night
from jobs.report.flow_chart import FlowChart
from jobs.settings import Settings
from jobs.state import accounts, run_results

OPS = (
    "quarantine",
    "digests",
    "rejected_files",
    "restatements",
    "detection_scores",
    "schema_drift",
)
ALERTS = "alerts"
SHOWN = 8  # rows of an answer


def run(lake: Lake) -> list[TableResult]:
    """Write the night's page, the same as JSON, and the list of nights; the result's detail has a `summary`.

    Raises ContractBroken when a source has no account for the night, or an account of this run does not balance.
    """
    # Only `publish` makes tables of gold: one that is empty would have no past.
    gold = {f"gold.{name}" for name in lake.names("gold")}
    asked = [
        each
        for each in query.queries().values()
        if each.is_answerable(lake.settings)
        and gold.issuperset(name for name in each.tables if name.startswith("gold."))
    ]
    read = {name for each in asked for name in each.tables}
    lake.ensure([accounts.TABLE, *(f"ops.{name}" for name in OPS), *read.difference(gold)])
    night = read_night(lake, asked, has_alerts=ALERTS in lake.settings.tables and f"gold.{ALERTS}" in gold)
    problems = find_problems(lake.settings, night)
    summary = summarize(lake.settings, night, problems)
    page, data = f"nights/{lake.settings.night}.html", f"nights/{lake.settings.night}.json"
    write_atomically(lake.settings.docs / page, render_page(lake.settings, night, problems))
    write_atomically(lake.settings.docs / data, to_json(lake.settings, night, summary, problems))
    write_index(lake.settings)
    result = TableResult(
        accounts.TABLE,
        len(night.accounts),
        {
            "summary": summary,
            "page": f"../../{page}",
            "balanced": not problems,
            "alerts": night.alerts_by_severity,
            "deliveries": _deliveries(night),
            "read": sorted(read),
        },
        (page, data, "index.html"),
    )
    if problems:
        raise ContractBroken(summary, [result])
    return [result]


def read_night(lake: Lake, asked: list[query.Query], *, has_alerts: bool) -> Night:
    """Collect a night's rows of `ops`, the run results of this run, and the answers to queries; score the simulator."""

    def tonight(name: str) -> DataFrame:
        return lake.read(f"ops.{name}").where(F.col("night") == lake.settings.night)

    stages = run_results.of_night(lake.settings)
    reasons = tonight("quarantine").select("source", "key", "file", F.explode("reasons").alias("reason"))
    frames = {
        "accounts": accounts.of_run(lake, _begun(stages)).orderBy("night", "source"),
        "reasons": reasons.groupBy("source", "reason")
        .agg(F.count("*").alias("rows"), F.min(F.struct("file", "key")).alias("first"))
        .select("source", "reason", "rows", "first.*")
        .orderBy(F.desc("rows")),
        "digests": tonight("digests").orderBy("table"),
        "rejected_files": tonight("rejected_files").orderBy("file"),
        "restated": _restated(lake),
        "scores": tonight("detection_scores").orderBy("source", "kind"),
        "drift": tonight("schema_drift").orderBy("source", "field", "type"),
    }
    if has_alerts:
        frames["alerts"] = _alerts(lake)
    if watched := deliveries.watched(lake.settings):
        frames["deliveries"] = accounts.last_arrivals(lake, [source.name for source in watched])
    frames |= model.newest(lake)
    simulated = detection.simulated(lake)
    evidence = detection.evidence(lake, simulated)
    answers = {f"query {each.name}": query.first_rows(lake, each, SHOWN) for each in asked}
    found = collect_together({**frames, **evidence, **answers})
    rows = {name: found[name][1] for name in frames}
    of_evidence = {name: found[name][1] for name in evidence}
    scores = detection.record(lake, simulated, of_evidence, rows["scores"])
    rows["scores"] = sorted(scores, key=lambda row: (row.source, row.kind))
    delivered = deliveries.found(lake.settings, rows.pop("deliveries", []))
    said = model.sentence(lake.settings, rows.pop("models", []))
    of_run = rows.pop("accounts")
    own = [account for account in of_run if account.night == lake.settings.night]
    others = [account for account in of_run if account not in own]
    answered = [query.answer(each, *found[f"query {each.name}"], SHOWN) for each in asked]
    return Night(
        own, **rows, stages=stages, others=others, answers=answered, deliveries=delivered, model=said
    )


def _begun(stages: list[RunResult]) -> str:
    """When the run began (UTC), now if none of its stages is known."""
    return min((result.started_at for result in stages), default=datetime.now(UTC).isoformat())


def _alerts(lake: Lake) -> DataFrame:
    raised = lake.read(f"gold.{ALERTS}").where(F.col("event_date") == lake.settings.night)
    return raised.groupBy("severity").agg(F.count("*").alias("alerts")).orderBy("severity")


def _restated(lake: Lake) -> DataFrame:
    """Return the restatements by this night, and of this night."""
    rows = lake.read("ops.restatements")
    concerned = (F.col("night") == lake.settings.night) | (F.col("slice") == lake.settings.night)
    return rows.where(concerned).orderBy("table", "slice", "restated_at")


def find_problems(settings: Settings, night: Night) -> list[str]:
    """Return one sentence per source that is not reconciled: it has no account, or one that does not balance."""
    accounted = {account.source for account in night.accounts}
    missing = [f"{source.name} has no account" for source in settings.sources if source.name not in accounted]
    uneven = [_equation(account) for account in night.accounts if not _balances(account)]
    elsewhere = [f"of {each.night}, {_equation(each)}" for each in night.others if not _balances(each)]
    return [*missing, *uneven, *elsewhere]


def _balances(account: Row) -> bool:
    return bool(account.is_balanced) and accounts.Account.of(account).is_balanced


def _equation(account: Row) -> str:
    return (
        f"{account.source}: {account.landed:,} lines landed, {account.bronze:,} in bronze, but "
        f"{account.silver:,} in silver, {account.quarantined:,} quarantined and "
        f"{account.duplicates:,} duplicates{_corrections(accounts.Account.of(account).corrections)}"
    )


def _corrections(count: int | None) -> str:
    """Return corrections as the end of a list; most sources have none."""
    return f" + {count:,} corrections" if count else ""


def summarize(settings: Settings, night: Night, problems: list[str]) -> str:
    """Return the night in one line."""
    if problems:
        return f"{settings.night} is not reconciled: {'; '.join(problems)}"
    tables = [table.detail for result in night.checks for table in result.tables]
    warned = sum(detail["warned"] for detail in tables)
    hold = sum(detail["expectations"] - detail["failed"] for detail in tables) - warned
    published = sum(table.rows for table in night.gold)
    return (
        f"{settings.night}: {night.total('landed'):,} lines landed = {night.total('silver'):,} in silver"
        f" + {night.total('quarantined'):,} quarantined + {night.total('duplicates'):,} duplicates"
        f"{_corrections(night.total('corrections'))};"
        f" {hold} expectations hold, {warned} warned;"
        f" {published:,} rows published to {len(night.gold)} gold tables"
    )


def render_page(settings: Settings, night: Night, problems: list[str]) -> str:
    """Return the night as one self-contained HTML page."""
    return render(
        "report/templates/night.html",
        settings=settings,
        night=night,
        problems=problems,
        sources=SOURCES,
        balances=_balances,
        chart=FlowChart.of(
            landed=night.total("landed"),
            bronze=night.total("bronze"),
            silver=night.total("silver"),
            quarantined=night.total("quarantined"),
            duplicates=night.total("duplicates"),
            corrections=night.total("corrections"),
            gold=sum(table.rows for table in night.gold),
        ),
        run=f"../runs/{settings.run_id}",
    )


def to_json(settings: Settings, night: Night, summary: str, problems: list[str]) -> str:
    """Return the night as JSON: whether it is reconciled, its accounts, what was refused, alerts, gold and answers."""
    answers = {
        answer.query.name: {
            "answers": answer.query.purpose,
            "rows": [row.asDict() for row in answer.rows],
            "has_more": answer.has_more,
        }
        for answer in night.answers
    }
    data = {
        "night": settings.night,
        "run_id": settings.run_id,
        "is_reconciled": not problems,
        "summary": summary,
        "accounts": [account.asDict() for account in night.accounts],
        "other_accounts": [account.asDict() for account in night.others],
        "quarantined": [reason.asDict() for reason in night.reasons],
        "rejected_files": [file.asDict() for file in night.rejected_files],
        "disagreeing_rows": night.disagreeing,
        "alerts": night.alerts_by_severity,
        "deliveries": _deliveries(night),
        "gold": {table.table: table.rows for table in night.gold},
        "model": night.model,
        "queries": answers,
    }
    return json.dumps(data, indent=1, default=str)


def _deliveries(night: Night) -> dict[str, dict[str, object]]:
    return {each.source: {"last": str(each.last), "is_silent": each.is_silent} for each in night.deliveries}


def write_index(settings: Settings) -> None:
    """List the nights that have a page, newest first."""
    nights = sorted((page.stem for page in (settings.docs / "nights").glob("????-??-??.html")), reverse=True)
    write_atomically(settings.docs / "index.html", render("report/templates/index.html", nights=nights))
