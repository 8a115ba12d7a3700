"""Data docs and night reports inside the Airflow UI: two entries in the menu, what a run waits for, and their app."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from airflow.plugins_manager import AirflowPlugin

PREFIX = "/data-docs"

MENU = [
    {"name": name, "href": PREFIX + page, "url_route": route, "destination": "nav", "nav_top_level": True}
    for name, page, route in (
        ("Data docs", "/expectations/index.html", "data-docs"),
        ("Night report", "/index.html", "night-report"),
    )
]
# On the page of each run: Airflow's own pages do not say why a run is queued.
TAB = {
    "name": "Waits for",
    "href": PREFIX + "/waits/{DAG_ID}/{RUN_ID}",
    "url_route": "waits-for",
    "destination": "dag_run",
}


class DataDocsPlugin(AirflowPlugin):
    """Every Airflow process loads this class; only the API server asks it for the app."""

    name = "data_docs"
    external_views = [*MENU, TAB]

    @cached_property
    def fastapi_apps(self) -> list[Any]:  # type: ignore[override]
        """The app under /data-docs, imported late because that takes seconds."""
        from data_docs_app import create_app

        return [{"app": create_app(), "url_prefix": PREFIX, "name": "Data docs"}]
