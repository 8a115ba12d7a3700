"""The API over gold inside Airflow's API server, for whoever is logged in: its app, and a page in the menu."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import checkout
from airflow.plugins_manager import AirflowPlugin

PREFIX = "/lakehouse/v1"


class LakehouseApiPlugin(AirflowPlugin):
    """Every Airflow process loads this class; only the API server asks it for the app."""

    name = "lakehouse_api"
    external_views = [
        {
            "name": "API over gold",
            "href": f"{PREFIX}/",
            "url_route": "lakehouse-api",
            "destination": "nav",
            "category": "docs",
        }
    ]

    @cached_property
    def fastapi_apps(self) -> list[Any]:  # type: ignore[override]
        """The app under /lakehouse/v1, imported late; none where folders of the checkout are missing."""
        if not checkout.is_importable("API over gold"):
            return []
        from airflow.api_fastapi.core_api.security import get_user

        from serving.app import create_app
        from serving.target import reader

        return [{"app": create_app(get_user, reader), "url_prefix": PREFIX, "name": "API over gold"}]
