"""Whatever is asked, the API answers as its own document says, and never with a fault of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, assume, given, seed, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode

from serving.app import PREFIX, create_app
from serving.conditions import OPERATORS
from serving.local import LocalLake
from serving.readable import readable
from tests.unit.serving.conftest import HOURS

NAME = "gold.climate_hourly"
WRONG = GenerationMode.NEGATIVE
OPERATIONS = ("/tables", "/tables/{name}", "/tables/{name}/rows")
BOUNDED = settings(
    max_examples=50,
    deadline=None,
    database=None,
    # What it finds is small enough; to shrink and explain costs more than to find.
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)

texts = st.text(max_size=20)
columns = st.sampled_from(HOURS.names) | texts
values = st.one_of(
    texts,
    st.integers().map(str),
    st.floats().map(str),
    st.decimals(allow_nan=False).map(str),
    st.dates().map(str),
    st.datetimes().map(lambda moment: f"{moment.isoformat()}Z"),
    st.sampled_from(["true", "NaN", "Infinity", "Room_A", '"', "..", "'; DROP TABLE gold.alerts; --"]),
)
parts = st.tuples(columns, st.sampled_from(OPERATORS) | texts, values) | st.lists(values, max_size=3)
conditions = parts.map(":".join)
orders = st.lists(st.builds("{}{}".format, st.sampled_from(["", "-"]), columns), max_size=3).map(",".join)
# Of these each finds its way to the rows now and then, which random text never does.
likely: dict[str, st.SearchStrategy[Any]] = {
    "where": st.lists(conditions, max_size=3),
    "order": orders,
    "columns": st.lists(columns, max_size=3).map(",".join),
    "as_of": st.sampled_from(["0", "1", "2024-03-05", "2024-03-06", "9"]) | texts,
    "cursor": st.sampled_from(["W10", "WzAsMCwiIl0"]) | texts,
    "limit": st.integers(1, 3),
}


@pytest.fixture
def schema(lake: Path) -> Any:
    """The API's document, as it gives it out."""
    app = FastAPI()
    app.mount(PREFIX, create_app(lambda: None, lambda: LocalLake(lake)))
    return schemathesis.openapi.from_asgi(f"{PREFIX}/openapi.json", app)


@st.composite
def asked(draw: Callable[[Any], Any], operation: Any, mode: GenerationMode) -> Case:
    """A request that fits the document or does not, in part one that makes sense."""
    case: Case = draw(operation.as_strategy(generation_mode=mode))
    # No mount of Starlette's has a path with a line feed: that never gets to the API.
    assume("%0A" not in case.formatted_path)
    if mode is GenerationMode.POSITIVE and case.path_parameters and draw(st.integers(0, 3)):
        case.path_parameters["name"] = NAME
        known = {parameter.name for parameter in operation.query} & likely.keys()
        chosen = draw(st.sets(st.sampled_from(sorted(known)), max_size=3)) if known else ()
        case.query = {**(case.query or {}), **{name: draw(likely[name]) for name in sorted(chosen)}}
    return case


@pytest.mark.parametrize(
    ("path", "mode"),
    # Nothing that /tables is asked can be wrong but its name.
    [
        (path, mode)
        for path in OPERATIONS
        for mode in GenerationMode
        if (path, mode) != (OPERATIONS[0], WRONG)
    ],
)
def test_every_answer_is_one_of_the_document_and_none_is_a_fault(schema: Any, path: str, mode: Any) -> None:
    seen: set[int] = set()

    # What fits the document may still fit no table.
    left_out = schemathesis.checks.CHECKS.get_one("positive_data_acceptance")

    @seed(2024)
    @BOUNDED
    @given(asked(schema[path]["GET"], mode))
    def ask(case: Case) -> None:
        seen.add(case.call_and_validate(excluded_checks=[left_out]).status_code)

    ask()
    if mode is GenerationMode.POSITIVE:
        assert 200 in seen and (path == "/tables" or {404, 422} & seen)


def test_the_document_names_each_table_that_may_be_read_and_no_other(schema: Any) -> None:
    paths = schema.raw_schema["paths"]
    assert set(paths) == set(OPERATIONS)
    for path in OPERATIONS[1:]:
        (name,) = [each for each in paths[path]["get"]["parameters"] if each["in"] == "path"]
        assert name["schema"]["enum"] == list(readable())
