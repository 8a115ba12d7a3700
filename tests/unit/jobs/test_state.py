"""What decides what a run does is read and written by its owner alone; others would find it in no time."""

import re
from datetime import date
from pathlib import Path

import pytest

from catalog.run_result import RunResult
from catalog.tables import SOURCES
from jobs.delta.lake import Lake
from jobs.errors import JobError
from jobs.settings import Settings
from jobs.state import begun_batches, staged_slices
from jobs.state.staged_slices import Beginning, StagedSlice
from tests.support.project import PROJECT
from tests.support.run_results import result

D4, D5, D6 = (date(2024, 3, day) for day in (4, 5, 6))
# Owner -> what nobody else in the packages names.
OWNED = {
    "jobs/state/accounts.py": r"ops\.row_accounts|\brow_accounts\b|\bROW_ACCOUNTS\b",
    "jobs/state/staged_slices.py": r"\b_slices\.json|_superseded",
    "jobs/state/run_results.py": r"run_result import.*\bpath_of\b|run_folder / f",
    "jobs/state/begun_batches.py": r'"begun"',
}
# Where these are defined, those of the other side, who read results through `catalog.run_result` as well, and the page
# that draws what became of the rows.
DEFINED = ("catalog/", "dags/job.py", "dags/deadlines.py", "embedded/night.py", "serving/fleet/")


@pytest.mark.parametrize("owner", OWNED)
def test_state_is_named_by_its_owner_alone(owner: str) -> None:
    assert re.search(OWNED[owner], (PROJECT / owner).read_text()), "the owner itself has another word for it"
    files = [
        file
        for package in (
            "catalog",
            "dags",
            "embedded",
            "expectations",
            "jobs",
            "pipelines",
            "plugins",
            "serving",
            "workspace",
        )
        for file in (PROJECT / package).rglob("*.py")
    ]
    named = {str(file.relative_to(PROJECT)) for file in files if re.search(OWNED[owner], file.read_text())}
    assert {file for file in named - {owner} if not file.startswith(DEFINED)} == set()


def test_what_runs_have_begun_is_known_until_any_of_them_accounts_for_it(tmp_path: Path) -> None:
    readings, events = SOURCES["readings"], SOURCES["events"]
    killed, other = (
        Settings("silver", D6, run_id, tmp_path, "spark_catalog", "", frozenset()) for run_id in ("k", "o")
    )
    begun_batches.begin(killed, {})
    assert begun_batches.read(other) == {} and not [*tmp_path.iterdir()]
    begun_batches.begin(killed, {readings: {D5: (), D6: ()}, events: {D6: ()}})
    # What it loses rows of, it finds on the way.
    begun_batches.begin(killed, {readings: {D5: {D4}}})
    begun_batches.begin(other, {readings: {D6: {D5}}})
    assert begun_batches.read(other) == {"readings": {D5: {D4}, D6: {D5}}, "events": {D6: set()}}
    begun_batches.end(other, [("readings", D6), ("readings", D4)])
    assert begun_batches.read(killed) == {"readings": {D5: {D4}}, "events": {D6: set()}}
    begun_batches.end(other, [("readings", D5), ("events", D6)])
    assert begun_batches.read(killed) == {} and not [*tmp_path.rglob("*.json")]


def test_an_older_staging_gives_up_what_a_later_one_has_published(tmp_path: Path) -> None:
    older, newer = (
        Lake(None, Settings("publish", D6, run_id, tmp_path, "spark_catalog", "", frozenset({"alerts"})))
        for run_id in ("older", "newer")
    )
    fourth, fifth, sixth = (StagedSlice(day, 1, "7", {"events": 2}, [8]) for day in (D4, D5, D6))

    def stage(lake: Lake, folder: str, *slices: StagedSlice) -> None:
        moment = f"2024-03-07 0{folder[0]}:00:00.5"
        staged_slices.stage(lake, {"alerts": slices}, Beginning(moment, ()), folder, {"alerts": [D4]})

    stage(older, "1-older", fifth, sixth)
    stage(newer, "3-newer", fourth, sixth)
    staged_slices.publish(staged_slices.staged(newer))
    found, of_newer = staged_slices.staged(older), staged_slices.staged(newer)
    assert (found.slices, found.at, found.is_published) == (
        {"alerts": [fifth]},
        "2024-03-07 01:00:00.5",
        False,
    )
    assert (of_newer.slices, of_newer.is_published) == ({"alerts": [fourth, sixth]}, True)
    assert found.incomplete == {"alerts"}

    # An attempt that was given up ends late; another one takes the place of those before it.
    stage(newer, "2-late", fifth)
    assert staged_slices.staged(newer) == of_newer
    stage(newer, "4-again", fifth)
    assert [file.parent.name for file in sorted(tmp_path.glob("staging/*/_slices.json"))] == [
        "1-older",
        "4-again",
    ]
    staged_slices.publish(staged_slices.staged(newer))
    assert staged_slices.staged(older).slices == {"alerts": []}

    # What is published is forgotten once another run has published.
    staged_slices.publish(staged_slices.staged(older))
    with pytest.raises(JobError, match="run newer has staged nothing, or another has cleared it away"):
        staged_slices.staged(newer)


def test_a_result_is_read_as_it_was_written() -> None:
    written = result("check_gold", status="refused", exit=3, message="as asked", pages=("runs/x.html",))
    assert RunResult.from_json(written.to_json()) == written


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Expecting value"),
        ("[]", "no run result"),
        ('{"status": "done"}', "no run result: 'tables'"),
        (result("gold").to_json().replace('"version": 1', '"version": 2'), "of version 2, not 1"),
        (result("gold").to_json().replace('"done"', '"well"'), "status is 'well'"),
    ],
    ids=["empty", "a list", "keys missing", "another version", "a status that is none"],
)
def test_what_is_no_result_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        RunResult.from_json(text)
