"""The page that says how to ask, without scripts: the API shares Airflow's origin."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader

from serving import documents


def render(tables: list[dict[str, Any]], base: str) -> str:
    """Return the page about tables as `answers.tables` describes them; `base` is the path of the API."""
    environment = Environment(loader=PackageLoader("serving"), autoescape=True, trim_blocks=True)
    parameters = {
        "where": documents.WHERE,
        "columns": documents.COLUMNS,
        "order": documents.ORDER,
        "as_of": documents.AS_OF,
        "cursor": documents.CURSOR,
        "format": documents.FORMAT,
    }
    page = environment.get_template("page.html")
    return page.render(tables=tables, base=base, about=documents.ABOUT, parameters=parameters)
