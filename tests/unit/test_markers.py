"""A test's markers say what it needs: they follow from what its fixtures start, not from how these are called."""

import tomllib

import pytest
from selenium import webdriver

from tests.conftest import NEEDS, pytest_itemcollected
from tests.support import compose_stack
from tests.support.connect_server import connect_server as server_in
from tests.support.embedded_stack import NIGHT, Embedded
from tests.support.project import PROJECT
from tests.support.standin.start import Standin, start


class Own(Embedded):
    pass


# No test here asks for these, so that nothing is started.
@pytest.fixture
def server(tmp_path):
    with server_in(tmp_path) as environment:
        yield environment


@pytest.fixture
def workspace(tmp_path):
    with start(tmp_path) as standin:
        yield standin


@pytest.fixture
def airflow(workspace, tmp_path):
    return Own(tmp_path, 1, 2)


@pytest.fixture
def containers(tmp_path):
    return compose_stack.Stack(tmp_path)


@pytest.fixture
def window(airflow):
    return webdriver.Chrome()


@pytest.fixture
def stack() -> Standin:
    return NIGHT


@pytest.mark.parametrize(
    ("asks", "markers"),
    [
        (lambda server: ..., {"spark"}),
        (lambda workspace: ..., {"standin"}),
        (lambda airflow: ..., {"stack", "standin"}),
        (lambda containers: ..., {"containers"}),
        (lambda window: ..., {"browser", "stack", "standin"}),
        (lambda stack, tmp_path: Embedded, set()),
    ],
)
def test_a_test_is_marked_with_what_its_fixtures_start_however_they_are_called(request, asks, markers):
    item = pytest.Function.from_parent(request.node.parent, name="test_made_up", callobj=asks)
    pytest_itemcollected(item)
    assert {marker.name for marker in item.iter_markers()} == markers


def test_every_marker_is_given_for_what_a_module_that_is_there_starts():
    settings = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
    assert {line.partition(":")[0] for line in settings["markers"]} == set(NEEDS.values())
    own = [module for module in NEEDS if module.startswith("tests.")]
    assert [module for module in own if not (PROJECT / f"{module.replace('.', '/')}.py").is_file()] == []
