"""Data docs and night reports inside the Airflow UI: two entries in the menu and the app that serves them."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from airflow.plugins_manager import AirflowPlugin

PREFIX = "/data-docs"


class DataDocsPlugin(AirflowPlugin):
    """Every Airflow process loads this class; only the API server asks it for the app."""

    name = "data_docs"
    external_views = [
        {
            "name": "Data docs",
            "href": f"{PREFIX}/expectations/index.html",
            "destination": "nav",
            "url_route": "data-docs",
            "nav_top_level": True,
        },
        {
            "name": "Night report",
            "href": f"{PREFIX}/index.html",
            "destination": "nav",
            "url_route": "night-report",
            "nav_top_level": True,
        },
    ]

    @cached_property
    def fastapi_apps(self) -> list[Any]:  # type: ignore[override]
        """The app under /data-docs, imported late because that takes seconds."""
        from data_docs_app import create_app

        return [{"app": create_app(), "url_prefix": PREFIX, "name": "Data docs"}]
