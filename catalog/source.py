"""A source, as a section of the catalog describes it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from catalog.columns import READ_AS, columns_of, misnamed, unread
from catalog.csv_format import CsvFormat
from catalog.json_path import Path
from catalog.kinds import check_kinds
from catalog.names import Names, paths_of
from catalog.records import Records
from catalog.repeated import Repeated

# By these keys files are read that the simulator does not write: it has the defaults of all of them.
DESCRIBING = (*(field.name for field in fields(CsvFormat)), "names", "records", "senml", "times", "zone")


@dataclass(frozen=True)
class Source(CsvFormat, Names, Records, Repeated):
    """A feed in the landing zone. Grain of its bronze table: one row per landed line."""

    name: str
    format: str
    columns: str
    key: tuple[str, ...]
    silver: str = ""
    repeated: str = "first"
    optional: bool = False
    streamed: bool = False
    silent_after_days: int = 0

    def __post_init__(self) -> None:
        check_kinds(self, "names")  # of which `check_names` says more
        object.__setattr__(self, "silver", self.silver or self.name)
        if unknown := unread(self.columns):
            raise ValueError(f"no value is read as {unknown[0]}; a source's types are {', '.join(READ_AS)}")
        if flaw := misnamed(self.columns):
            raise ValueError(flaw)
        self._check_key()
        self.check_format(self.format)
        self.check_records(self.format)
        self.check_names(self.format, self.columns, self.records)
        self.check_repeated()

    def _check_key(self) -> None:
        if not self.key:
            raise ValueError('key must be a list of columns, ["device_id", "timestamp"], with at least one')
        if lacking := sorted(set(self.key) - self.fields.keys()):
            raise ValueError(f"key names {', '.join(lacking)}, which is none of its columns")
        if odd := [name for name in self.key if self.key.count(name) > 1 or self.fields[name] == "VARIANT"]:
            raise ValueError(f"key names {odd[0]} twice, or a VARIANT, of which no two are the same")

    @property
    def is_timed(self) -> bool:
        """Whether its rows have a `timestamp`, by whose day they are found."""
        return self.fields.get("timestamp") in ("TIMESTAMP", "DATE")

    @property
    def fields(self) -> Mapping[str, str]:
        """Field name -> SQL type."""
        return columns_of(self.columns)

    @property
    def paths(self) -> Mapping[str, tuple[Path, ...]]:
        """Field name -> where its value lies in an object of JSON."""
        return paths_of(self.columns, self.names if self.format == "json" else ())

    @property
    def described_by(self) -> tuple[str, ...]:
        """The keys that describe its files otherwise than the simulator would write them."""
        usual = {field.name: field.default for field in fields(self)}
        return tuple(name for name in DESCRIBING if getattr(self, name) != usual[name])
