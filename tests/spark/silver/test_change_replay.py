"""The registry under changes that arrive out of order, repeated and in conflict, against a replay in plain Python.

Hypothesis makes the cases, one device each; all of them go through the real stages at once. What every second device
sends on a night is worked on before what it had sent on the night before, and that of the others in order.
"""

import json
import random
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import functions as F

from catalog.tables import REGISTRY, SILVER, SOURCES
from jobs import runner
from jobs.bronze.parsing import parse
from jobs.delta.lake import Lake
from jobs.generate.arguments import FIRST_NIGHT
from jobs.silver.ranking import as_existing, ranked
from jobs.silver.tables.devices import derive_devices
from jobs.silver.tables.devices_history import derive_devices_history
from jobs.silver.validation import validate
from tests.support.stages import stand_still

CASES = 400
NIGHTS = [FIRST_NIGHT + timedelta(days) for days in range(3)]
# The middle one first: half of the devices send on it and the one before it, the others on it and the one after.
WORKED_ON = [[NIGHTS[1]], [NIGHTS[0], NIGHTS[2]]]
# The instants of both loads are among them, and one before them.
INSTANTS = [
    datetime(2023, 12, 31, 12),
    *(datetime(2024, 1, day, hour) for day in (1, 2) for hour in (0, 9)),
    datetime(2024, 1, 2, 21),
]

Image = tuple[str | None, str | None, str]  # manufacturer and model, which may be missing, and status
images = st.tuples(
    st.sampled_from([None, "a", "b"]),
    st.sampled_from([None, "a", "b"]),
    st.sampled_from(["Online", "Offline"]),
)


@dataclass(frozen=True)
class Change:
    """A change as it is landed; `sequence` is its key within the device."""

    operation: str
    at: datetime
    sequence: int
    image: Image
    night: date  # of its arrival


changes = st.builds(
    Change,
    st.sampled_from(["INSERT", "UPDATE", "UPDATE", "DELETE"]),
    st.sampled_from(INSTANTS),
    st.integers(0, 5),
    images,
    st.sampled_from(NIGHTS[:2]),
)
# The first image of the registry, if the device is in it; and its changes in any order.
cases = st.tuples(st.none() | images, st.lists(changes, max_size=8))


def generated(count: int) -> dict[int, tuple[Image | None, list[Change]]]:
    """So many cases, by device; always the same ones."""
    made: list = []

    @settings(max_examples=count, derandomize=True, database=None, deadline=None, phases=[Phase.generate])
    @given(cases)
    def collect(case):
        made.append(case)

    collect()
    by_device = dict(enumerate(made, start=1000))
    return {
        device: (loaded, [replace(c, night=night_of(device, c)) for c in applied])
        for device, (loaded, applied) in by_device.items()
    }


def night_of(device: int, change: Change) -> date:
    """When a change of a device arrives: not before it took place, which would be refused."""
    return max(change.night + (first_night(device) - NIGHTS[0]), change.at.date())


def first_night(device: int) -> date:
    """The night on which a device is loaded; its changes come on this one and the next."""
    return NIGHTS[device % 2]


def replay(device: int, loaded: Image | None, applied: list[Change]) -> list[tuple]:
    """The versions of a device as a clerk would write them down who gets every change in order, one by one."""
    history: list[tuple] = []

    def write_down(at, image, is_deleted, night):
        if history and history[-1][0] == at:
            history.pop()
        if not history or history[-1][1:3] != (image, is_deleted):
            history.append((at, image, is_deleted, night))

    in_order = sorted(applied, key=lambda change: (change.at, change.sequence))
    loaded_at = datetime.combine(first_night(device), time())
    for change in [change for change in in_order if change.at < loaded_at]:
        write_down(change.at, change.image, change.operation == "DELETE", change.night)
    if loaded:
        write_down(loaded_at, loaded, False, first_night(device))
    for change in [change for change in in_order if change.at >= loaded_at]:
        write_down(change.at, change.image, change.operation == "DELETE", change.night)
    return history


def as_json(device_id: int, image: Image) -> dict:
    """An image with all that a device has; what is missing is left out."""
    manufacturer, model, status = image
    fields = {
        "device_id": device_id,
        "device_serial": f"DEV-{device_id:08d}",
        "device_type": "Camera",
        "manufacturer": manufacturer,
        "model": model,
        "firmware_version": "1.0.0",
        "install_date": "2023-01-01",
        "location_id": 5,
        "latitude": 1.0,
        "longitude": 2.0,
        "status": status,
    }
    return {name: value for name, value in fields.items() if value is not None}


def line(device_id: int, change: Change) -> str:
    image = json.dumps(as_json(device_id, change.image))
    fields = {"device_id": device_id, "operation": change.operation, "sequence": change.sequence}
    side = "before" if change.operation == "DELETE" else "after"
    return json.dumps({**fields, "operation_date": f"{change.at}", side: image})


def land(folder, night: date, lines: list[str], files: int) -> None:
    """Land lines in so many files, in the order given."""
    path = folder / f"arrived={night}"
    path.mkdir(parents=True)
    for number in range(files):
        part = lines[number * len(lines) // files : (number + 1) * len(lines) // files]
        (path / f"given-{number}.json").write_text("\n".join(part) + "\n")
        stand_still(path / f"given-{number}.json")


def lines_of(made: dict, night: date) -> list[str]:
    """The changes that arrive on a night."""
    return [line(device, c) for device, (_, applied) in made.items() for c in applied if c.night == night]


@pytest.fixture(scope="module")
def replayed(spark, module_lake):
    """All cases through bronze and silver, and a way to read the tables."""
    made, landing = generated(CASES), module_lake("bronze").landing
    for nights in WORKED_ON:
        for night in nights:
            land(landing / "device_changes", night, lines_of(made, night), 3)
            loaded = {device: image for device, (image, _) in made.items() if first_night(device) == night}
            images = [json.dumps(as_json(device, image)) for device, image in loaded.items() if image]
            if images:
                land(landing / "devices", night, images, 1)
        for stage in ("bronze", "silver"):
            last = module_lake(stage, night=nights[-1], run_id=f"{nights[-1]}", tables=frozenset(REGISTRY))
            runner.stage(stage)(Lake(spark, last))
    return made, lambda name: spark.table(module_lake("verify").table(name))


def image_of(row) -> Image:
    return (row.manufacturer, row.model, row.status)


@pytest.fixture(scope="module")
def held(replayed) -> dict[int, list[Change]]:
    """The changes that silver holds, by device."""
    found = defaultdict(list)
    for row in replayed[1]("silver.device_changes").collect():
        change = Change(row.operation, row.changed_at, row.sequence, image_of(row), row._night)
        found[row.device_id].append(change)
    return found


def test_the_cases_hold_what_they_are_for(replayed):
    changes_of = [applied for _, applied in replayed[0].values()]
    assert len(changes_of) == CASES and sum(map(len, changes_of)) > 3 * CASES
    conflicts = [
        1
        for applied in changes_of
        if len({(c.sequence, c.night) for c in applied})
        < len({(c.sequence, c.night, c.image) for c in applied})
    ]
    first_deleted = [
        1 for applied in changes_of if applied and min(applied, key=lambda c: c.at).operation == "DELETE"
    ]
    assert len(conflicts) > 20 and len(first_deleted) > 20


def test_of_changes_with_one_key_the_one_that_arrived_first_holds(replayed, held):
    for device, (_, applied) in replayed[0].items():
        arrivals = {c.sequence: min(d.night for d in applied if d.sequence == c.sequence) for c in applied}
        assert {c.sequence: c.night for c in held[device]} == arrivals
        # Of several on one night, any will do, so long as it is one of them.
        assert set(held[device]) <= set(applied) and len(held[device]) == len(arrivals)


def test_of_changes_with_one_key_on_one_night_the_same_one_holds_in_any_order_of_lines_files_and_nights(
    spark, replayed
):
    """What the stages took in night by night is what the rules make of all lines at once, in another order."""
    made, table = replayed
    source = SOURCES["device_changes"]
    arrived = [
        (night, f"/arrived={night}/f.json", text) for night in NIGHTS for text in lines_of(made, night)
    ]
    random.Random(7).shuffle(arrived)
    shuffled = spark.createDataFrame(arrived, "_night DATE, _file STRING, value STRING").repartition(2)
    validated = validate(parse(shuffled, source), source, None).withColumn(
        "_raw", F.lit(None).cast("variant")
    )
    nothing = as_existing(table("silver.device_changes").limit(0), source, F.lit(False))
    accepted = ranked(validated, nothing, source).where("_rank = 1")
    columns = SILVER["device_changes"].columns
    changes = spark.createDataFrame(
        accepted.select(*SILVER["device_changes"].column_names).collect(), columns
    )
    history = derive_devices_history(table("silver.device_registry"), changes)
    at_once = {
        "silver.device_changes": changes,
        "silver.devices_history": history,
        "silver.devices": derive_devices(history),
    }
    for name, frame in at_once.items():
        one, other = (sorted(map(repr, rows.collect())) for rows in (table(name), frame))
        assert one == other and len(one) > CASES / 2, name


def test_the_history_is_what_a_replay_in_order_writes_down(replayed, held):
    made, table = replayed
    found = defaultdict(list)
    for row in table("silver.devices_history").orderBy("device_id", "valid_from").collect():
        found[row.device_id].append(row)
    for device, (loaded, applied) in sorted(made.items(), key=lambda item: len(item[1][1])):
        expected = replay(device, loaded, held[device])
        versions = [(row.valid_from, image_of(row), row.is_deleted, row._night) for row in found[device]]
        assert versions == expected, (loaded, applied)
        ends = [row.valid_from for row in found[device][1:]] + [None]
        assert [row.valid_to for row in found[device]] == (ends if expected else [])
        assert [row.is_current for row in found[device]] == [end is None for end in ends][: len(expected)]


def test_the_devices_are_where_a_replay_in_order_ends(replayed, held):
    made, table = replayed
    found = {row.device_id: (row.changed_at, image_of(row)) for row in table("silver.devices").collect()}
    expected = {}
    for device, (loaded, _) in made.items():
        versions = replay(device, loaded, held[device])
        if versions and not versions[-1][2]:
            expected[device] = versions[-1][:2]
    assert found == expected and 0 < len(expected) < CASES


def test_the_fleet_of_a_night_is_where_a_replay_of_what_had_arrived_ends(spark, replayed, held):
    """Gold looks back on the registry by another way; it must see the same."""
    from jobs.gold.look_back import fleet

    made, table = replayed
    asked = NIGHTS[1:]
    nights = spark.createDataFrame([(night,) for night in asked], "night DATE")
    seen = fleet(table("silver.device_registry"), table("silver.device_changes"), nights).collect()
    found = {(row.night, row.device_id): image_of(row) for row in seen}
    expected = {}
    for night in asked:
        for device, (loaded, _) in made.items():
            known = [change for change in held[device] if change.night <= night]
            versions = replay(device, loaded, known)
            if versions and not versions[-1][2]:
                expected[night, device] = versions[-1][1]
    assert found == expected
