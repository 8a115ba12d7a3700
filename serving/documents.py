"""What the API's answers look like, for its OpenAPI document."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field


class Column(BaseModel):
    """A column of a table."""

    name: str
    type: str = Field(description="its SQL type")
    comment: str | None = Field(description="what it means, with its unit, as far as the catalog says so")


class TableDescription(BaseModel):
    """A table at a version."""

    name: str
    grain: str = Field(description="what one row is")
    key: list[str] = Field(description="columns that tell its rows apart, empty where rows may be alike")
    columns: list[Column]
    partitioned_by: list[str] = Field(description="columns by which whole files are passed over")
    made_from: list[str] = Field(description="silver tables")
    version: int | None = Field(description="null for a table that cannot be read, see problem")
    committed_at: str | None = Field(description="when the version was made, UTC")
    night: str | None = Field(description="the last night whose run wrote the table, up to this version")
    row_count: int | None
    problem: str | None = Field(description="why it cannot be read, as before its first night")


class Tables(BaseModel):
    """Every table that may be read."""

    tables: list[TableDescription]


class Rows(BaseModel):
    """A page of rows."""

    table: str
    version: int
    next: str | None = Field(description="path of the next page, null on the last one")
    rows: list[dict[str, Any]]


class ProblemDetails(BaseModel):
    """What is wrong, as RFC 9457 has it."""

    type: str
    title: str
    status: int
    detail: str = Field(description="what is wrong, where, and what to do")


SAID = {
    401: "No login",
    403: "A token that is not valid",
    404: "No such table, version or night, or not published yet",
    406: "No format that the request accepts",
    410: "A version whose files maintenance has removed",
    422: "A parameter that does not fit",
    500: "A fault of the API",
    501: "A table or target that cannot be read here",
    502: "The workspace on Databricks, or its warehouse, refused or failed",
    503: "It took too long or too much memory, or too many ask at once",
}
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {
        "description": text,
        "content": {"application/problem+json": {"schema": ProblemDetails.model_json_schema()}},
    }
    for status, text in SAID.items()
}
ROWS: dict[str, Any] = {
    "description": "A page of rows; the header Link has the address of the next one, Lakehouse-Version the version.",
    "content": {
        "text/csv": {"schema": {"type": "string"}},
        "application/vnd.apache.arrow.stream": {"schema": {"type": "string", "format": "binary"}},
    },
}
TITLE = "IoT Lakehouse: gold"
ABOUT = """Rows of gold, and of what the platform knows of itself (`ops`), read from the lake without Spark.

In JSON integers have all their digits, decimals are text (`"12.30"`), and numbers that are not finite are the texts
`NaN`, `Infinity` and `-Infinity`. Moments are in UTC. Conditions never meet a null; ask for nulls with `null:true`.
A NaN meets `ne` alone."""
WHERE = """Conditions that rows must meet, all of them: `column:operator:value`, as in `event_date:gte:2024-03-01`.
Operators are `eq`, `ne`, `lt`, `lte`, `gt`, `gte`, `in` (values with commas between them, quoted as in CSV) and `null`
(`true` or `false`). Moments have their zone, `2024-03-05T13:00:00Z`. Lists and maps take `null` alone."""
COLUMNS = "Columns to answer with, with commas between them; all without it."
ORDER = """Columns to sort by, with commas between them, those that descend with a minus: `-log_count,location`. Nulls
come last. Without it rows come as they lie, always the same of one version."""
AS_OF = "A night, `2024-03-05`, as its last run left the table, or the number of a version; the newest without it."
CURSOR = "Where the page begins: from the page before, whose version it keeps. Else leave it out."
FORMAT = "`json`, `csv` or `arrow` (a stream of Arrow's IPC format); without it by the header Accept."
