"""The fleet page inside the Airflow UI: its entry in the menu, and its app."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import checkout
from airflow.plugins_manager import AirflowPlugin

PREFIX = "/lakehouse/fleet"


class FleetPlugin(AirflowPlugin):
    """Every Airflow process loads this class; only the API server asks it for the app."""

    name = "fleet"
    external_views = [
        {
            "name": "Fleet",
            "href": f"{PREFIX}/",
            "url_route": "fleet",
            "destination": "nav",
            "nav_top_level": True,
        }
    ]

    @cached_property
    def fastapi_apps(self) -> list[Any]:  # type: ignore[override]
        """The app under /lakehouse/fleet, imported late; none where folders of the checkout are missing."""
        if not checkout.is_importable("fleet page"):
            return []
        from serving.fleet.app import create_app

        return [{"app": create_app(), "url_prefix": PREFIX, "name": "Fleet"}]
