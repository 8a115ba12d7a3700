"""Checks of a target's compute, as far as possible without running anything."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from databricks.sdk.errors import InvalidParameterValue, NotFound, PermissionDenied
from databricks.sdk.service.compute import DataSecurityMode, State
from platforms.databricks_client import require_known

from workspace.client import Failed

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.compute import ClusterDetails
    from databricks.sdk.service.iam import User
    from targets import Databricks

UNUSABLE = (NotFound, PermissionDenied, InvalidParameterValue)  # the last: an id of another form
ATTACHING = {"CAN_ATTACH_TO", "CAN_RESTART", "CAN_MANAGE"}
STARTING = ATTACHING - {"CAN_ATTACH_TO"}
ASLEEP = (State.TERMINATED, State.TERMINATING)
# Spark 4.0 in the session and, on serverless, in the client: `mergeInto`, VARIANT.
OLDEST_RUNTIME, OLDEST_ENVIRONMENT = (17, 3), 4
NO_CATALOG = (
    DataSecurityMode.NONE,
    DataSecurityMode.LEGACY_TABLE_ACL,
    DataSecurityMode.LEGACY_PASSTHROUGH,
    DataSecurityMode.LEGACY_SINGLE_USER_STANDARD,
)


def check_compute(client: WorkspaceClient, databricks: Databricks, me: User) -> str:
    """Return what was found about a target's compute, and what was not checked. Raises Failed with what to do."""
    if databricks.existing_cluster_id:
        return _existing(client, databricks.existing_cluster_id, me)
    # The API that every stage is submitted to; reading one page of runs starts nothing.
    next(iter(client.jobs.list_runs(limit=1)), None)
    if databricks.new_cluster is not None:
        return _new(client, databricks.new_cluster)
    version = databricks.serverless.environment_version if databricks.serverless else "?"
    if version.isdecimal() and int(version) < OLDEST_ENVIRONMENT:
        raise Failed(
            f"serverless: environment_version {version} is too old for the jobs; give {OLDEST_ENVIRONMENT} or later"
        )
    return (
        f"serverless, environment version {version}: the Jobs API answers. Not checked, since only a run shows it: "
        "that serverless is enabled here and has this version"
    )


def _existing(client: WorkspaceClient, cluster_id: str, me: User) -> str:
    try:
        cluster = client.clusters.get(cluster_id)
    except UNUSABLE:
        raise Failed(
            f"cluster {cluster_id} does not exist, or {me.user_name} may not see it; "
            "check existing_cluster_id, and give CAN RESTART on it"
        ) from None
    if cluster.state in (State.ERROR, State.UNKNOWN):
        raise Failed(
            f"cluster {cluster_id} is in state {cluster.state.value}: {cluster.state_message or 'no reason'}"
        )
    _require_access_mode(cluster, cluster_id, me)
    _require_runtime(f"cluster {cluster_id}", cluster.spark_version or "")
    state = cluster.state.value if cluster.state else "unknown"
    awake = "; the first stage waits for its start" if cluster.state in ASLEEP else ""
    return f"cluster {cluster_id} is {state}{awake}; {_permission(client, cluster, cluster_id, me)}"


def _require_access_mode(cluster: ClusterDetails, cluster_id: str, me: User) -> None:
    owner = cluster.single_user_name
    if owner and owner != me.user_name and owner not in _groups(me):
        raise Failed(f"cluster {cluster_id} is dedicated to {owner}; have it dedicated to {me.user_name}")
    if cluster.data_security_mode in NO_CATALOG:
        raise Failed(
            f"cluster {cluster_id} has no Unity Catalog; give it the access mode Standard or Dedicated"
        )


def _require_runtime(what: str, version: str) -> None:
    """Raise Failed for a runtime that is too old; a version that is not a number, as of a custom image, passes."""
    found = re.match(r"(\d+)\.(\d+)\.", version)
    if found and tuple(map(int, found.groups())) < OLDEST_RUNTIME:
        oldest = ".".join(map(str, OLDEST_RUNTIME))
        raise Failed(f"{what}: the runtime {version} is too old for the jobs; give {oldest} LTS or later")


def _groups(me: User) -> set[str]:
    return {group.display for group in me.groups or [] if group.display}


def _permission(client: WorkspaceClient, cluster: ClusterDetails, cluster_id: str, me: User) -> str:
    try:
        entries = client.clusters.get_permissions(cluster_id).access_control_list or []
    except (NotFound, PermissionDenied):
        return "not checked, since only its managers may read that: permission to run on it"
    mine = {me.user_name, *_groups(me)}
    levels = {
        permission.permission_level.value
        for entry in entries
        if mine & {entry.user_name, entry.service_principal_name, entry.group_name} - {None}
        for permission in entry.all_permissions or []
        if permission.permission_level
    }
    needed = STARTING if cluster.state in ASLEEP else ATTACHING
    if not levels & needed:
        raise Failed(f"{me.user_name} may not use cluster {cluster_id}; give CAN RESTART on it")
    return f"{me.user_name} has {', '.join(sorted(levels))}"


def _new(client: WorkspaceClient, cluster: dict[str, Any]) -> str:
    require_known(cluster)
    found = []
    mode = DataSecurityMode(cluster.get("data_security_mode", "NONE"))
    if mode in NO_CATALOG and not cluster.get("policy_id"):
        raise Failed(
            'new_cluster: without an access mode there is no Unity Catalog; give data_security_mode = "SINGLE_USER", '
            "or a policy_id that sets one"
        )
    if version := cluster.get("spark_version"):
        _require_runtime("new_cluster", version)
        known = [each.key or "" for each in client.clusters.spark_versions().versions or []]
        found.append(_one_of("spark_version", version, known))
    nodes = {key: cluster[key] for key in ("node_type_id", "driver_node_type_id") if cluster.get(key)}
    if nodes:
        known = [each.node_type_id for each in client.clusters.list_node_types().node_types or []]
        found += [_one_of(key, value, known) for key, value in nodes.items()]
    if policy := cluster.get("policy_id"):
        found.append(_readable("policy_id", policy, lambda: client.cluster_policies.get(policy)))
    for key in ("instance_pool_id", "driver_instance_pool_id"):
        if pool := cluster.get(key):
            found.append(_readable(key, pool, lambda pool=pool: client.instance_pools.get(pool)))
    return f"a new cluster a stage: {', '.join(found) or 'nothing named'}. Not checked: quota, and the other keys"


def _one_of(key: str, value: str, known: list[str]) -> str:
    if value not in known:
        near = [each for each in known if each[:4] == str(value)[:4]][:5] or known[:5]
        raise Failed(
            f"new_cluster: {key} {value!r} is not offered here; there are, for example: {', '.join(near)}"
        )
    return f"{key} {value}"


def _readable(key: str, value: str, read: Any) -> str:
    try:
        read()
    except UNUSABLE:
        raise Failed(
            f"new_cluster: {key} {value!r} does not exist, or may not be used with this connection"
        ) from None
    return f"{key} {value}"
