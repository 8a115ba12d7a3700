"""In which order maintenance asks Delta for what; what comes of it is a matter of tests with Spark."""

from types import SimpleNamespace

import pytest

from catalog.tables import TABLES
from jobs.cli import parser
from jobs.delta.lake import Lake
from jobs.maintenance import stage as maintain

LOCATIONS = TABLES["silver.locations"]
KEPT = {
    key: "interval 90 days" for key in ("delta.deletedFileRetentionDuration", "delta.logRetentionDuration")
}


class Said:
    """A session that writes down what it is asked for, with a table of one file that has some properties."""

    def __init__(self, properties: dict[str, str]) -> None:
        self.statements: list[str] = []
        self.detail = SimpleNamespace(numFiles=1, clusteringColumns=[], properties=properties)

    def sql(self, statement: str) -> "Said":
        self.statements.append(statement)
        return self

    def select(self, *_: str) -> "Said":
        return self

    def collect(self) -> list[SimpleNamespace]:
        return [self.detail]


@pytest.fixture
def statements(tmp_path):
    """What a table with some properties is maintained with, when the form says 90 days, from the first change on."""

    def of(properties: dict[str, str]) -> list[str]:
        said = Said(properties)
        settings = parser.parse(["maintain", "--vacuum-days=90", f"--home={tmp_path}"])
        maintain._maintain(Lake(said, settings), LOCATIONS)
        return said.statements[1:]

    return of


@pytest.mark.parametrize(
    "properties", [{}, KEPT | {"delta.logRetentionDuration": "interval 30 days"}], ids=str
)
def test_how_long_versions_are_kept_is_in_force_before_any_file_is_vacuumed(statements, properties):
    """VACUUM goes by the property alone: files that the form keeps would be gone when it is set afterwards."""
    kept, vacuumed = statements(properties)
    assert "SET TBLPROPERTIES" in kept and all(f"'{key}' = '{value}'" in kept for key, value in KEPT.items())
    assert vacuumed.startswith("VACUUM")


def test_a_table_that_keeps_its_versions_as_the_form_says_is_only_vacuumed(statements):
    (vacuumed,) = statements(KEPT)
    assert vacuumed.startswith("VACUUM")
