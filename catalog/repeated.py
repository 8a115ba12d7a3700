"""What a second row of a key means that has other values than the first; one with the same values is a duplicate."""

from collections.abc import Mapping

POLICIES = ("first", "last", "greatest", "conflict")
# Why such a row is in quarantine, by the policies that refuse it.
DISAGREES = {
    "first": "another row of its key, with other values, arrived first",
    "last": "rows of its key that came at once have different values: name a version, or bring them in turn",
    "greatest": "rows of its key in one version that came at once have different values",
    "conflict": "rows of its key have different values",
}
# Types of columns that are no version: as a text, 9 is greater than 10.
_WITHOUT_ORDER = (None, "VARIANT", "STRING", "BOOLEAN")
# Of a validated row: its reasons, its outcome and, if it is the best of its key, what it does to silver.
VALIDATED = (
    "_reasons ARRAY<STRING>, _rank INT, _outcome STRING, _first_night DATE, _reopened DATE, "
    "_restated DATE, _lost DATE, _is_scattered BOOLEAN, _key STRING, _raw VARIANT, _file STRING"
)


class Repeated:
    """A source's `repeated`: `first`, `last`, `conflict` or `greatest:COLUMN`."""

    key: tuple[str, ...]
    repeated: str

    @property
    def policy(self) -> str:
        """One of POLICIES."""
        return self.repeated.partition(":")[0]

    @property
    def version(self) -> str:
        """The column whose greatest value decides, of `greatest:COLUMN`; empty for the other policies."""
        return self.repeated.partition(":")[2]

    @property
    def is_corrected(self) -> bool:
        """Whether a later row can change the values of a key."""
        return self.policy in ("last", "greatest")

    @property
    def silver_provenance(self) -> str:
        """Further columns of its silver table: where rows are corrected, the night in which a row's values arrived."""
        return ", _values_night DATE" if self.is_corrected else ""

    def key_flaw(self, columns: Mapping[str, str]) -> str:
        """Return why a table with these columns and their types cannot have the key or version; empty if it can."""
        if lacking := sorted(set(self.key) - set(columns)):
            return f"lacks key column {', '.join(lacking)}"
        if self.version and (self.version in self.key or columns.get(self.version) in _WITHOUT_ORDER):
            return f"{self.version} is no version: that is a number or a time, and is not in the key"
        return ""

    def check_repeated(self) -> None:
        """Raise ValueError for what is no policy."""
        if self.policy not in POLICIES or bool(self.version) != (self.policy == "greatest"):
            raise ValueError(
                f"repeated must be first, last, conflict or greatest:COLUMN, not {self.repeated!r}"
            )
