"""Compute: clusters given at start, runtimes, node types."""

import json
from typing import Any

from databricks.sdk.service import compute
from fastapi import APIRouter

from tests.support.standin.environments import PYTHONS
from tests.support.standin.errors import ApiError
from tests.support.standin.shapes import checked

RUNTIMES = [runtime for runtime in PYTHONS if not runtime.startswith("client.")]
NODE_TYPES = [
    {
        "node_type_id": name,
        "memory_mb": memory,
        "num_cores": cores,
        "description": name,
        "instance_type_id": name,
        "category": "General Purpose",
        "is_deprecated": False,
    }
    for name, memory, cores in (
        ("m5d.large", 8192, 2.0),
        ("m5d.xlarge", 16384, 4.0),
        ("m6gd.large", 8192, 2.0),
        ("i3.xlarge", 31232, 4.0),
    )
]


class Clusters:
    """The workspace's all-purpose clusters: id, state and runtime, as given at start."""

    def __init__(self, given: list[str]) -> None:
        self._clusters: dict[str, dict[str, Any]] = {}
        for text in given:
            cluster = {
                "cluster_name": "stand-in",
                "state": "RUNNING",
                "spark_version": "17.3.x-scala2.13",
                "node_type_id": "m5d.large",
                "num_workers": 1,
                **json.loads(text),
            }
            self._clusters[cluster["cluster_id"]] = checked(compute.ClusterDetails, cluster)

    def get(self, cluster_id: str) -> dict[str, Any]:
        """Give a cluster.

        Raises ApiError if there is none with this id.
        """
        if cluster_id not in self._clusters:
            raise ApiError("INVALID_PARAMETER_VALUE", f"Cluster {cluster_id} does not exist")
        return self._clusters[cluster_id]

    def all(self) -> list[dict[str, Any]]:
        """Give every cluster."""
        return list(self._clusters.values())

    def check(self, spec: dict[str, Any], task_key: str) -> None:
        """Refuse a new cluster that could not be made."""
        runtime = str(spec.get("spark_version", "")).split(".x")[0]
        if runtime not in RUNTIMES:
            raise ApiError("INVALID_PARAMETER_VALUE", f"Invalid spark version {spec.get('spark_version')}.")
        if not spec.get("node_type_id") and not spec.get("instance_pool_id"):
            raise ApiError(
                "INVALID_PARAMETER_VALUE",
                f"Task '{task_key}': exactly one of node_type_id and instance_pool_id must be specified.",
            )
        if not spec.get("policy_id") and spec.get("data_security_mode", "NONE") == "NONE":
            # The real API makes the cluster, whose session then has no Unity Catalog.
            raise ApiError(
                "INVALID_PARAMETER_VALUE",
                f"Task '{task_key}': a cluster without data_security_mode has no Unity Catalog.",
            )
        known = [node["node_type_id"] for node in NODE_TYPES]
        if spec.get("node_type_id") and spec["node_type_id"] not in known:
            raise ApiError("INVALID_PARAMETER_VALUE", f"Node type {spec['node_type_id']} is not supported.")


def routes(clusters: Clusters) -> APIRouter:
    """Give the routes below /api/2.1/clusters."""
    router = APIRouter(prefix="/api/2.1/clusters")

    @router.get("/get")
    def get(cluster_id: str) -> dict[str, Any]:
        return clusters.get(cluster_id)

    @router.get("/list")
    def list_clusters() -> dict[str, Any]:
        return checked(compute.ListClustersResponse, {"clusters": clusters.all()})

    @router.get("/spark-versions")
    def spark_versions() -> dict[str, Any]:
        versions = []
        for runtime in RUNTIMES:
            scala = "2.13" if runtime >= "16" else "2.12"
            versions.append({"key": f"{runtime}.x-scala{scala}", "name": f"{runtime} LTS (Scala {scala})"})
        return checked(compute.GetSparkVersionsResponse, {"versions": versions})

    @router.get("/list-node-types")
    def list_node_types() -> dict[str, Any]:
        return checked(compute.ListNodeTypesResponse, {"node_types": NODE_TYPES})

    return router
