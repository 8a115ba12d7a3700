"""Unity Catalog, the Files API and secrets, through the SDK."""

from io import BytesIO

import pytest
from databricks.sdk.errors import (
    AlreadyExists,
    BadRequest,
    NotFound,
    PermissionDenied,
    ResourceAlreadyExists,
    ResourceConflict,
)
from databricks.sdk.service.catalog import VolumeType

PLACE = "/Volumes/main/filed/v"


@pytest.fixture(scope="module")
def volume(signed_in):
    with signed_in() as client:
        client.schemas.create("filed", "main")
        name = client.volumes.create("main", "filed", "v", VolumeType.MANAGED).full_name
    yield name
    with signed_in() as client:
        client.volumes.delete("main.filed.v")
        client.schemas.delete("main.filed")


def test_a_file_makes_the_round_trip(client, volume, standin):
    content = bytes(range(256)) * 100
    client.files.upload(f"{PLACE}/a b/ü.bin", BytesIO(content))
    assert (standin.volumes / "main/filed/v/a b/ü.bin").read_bytes() == content
    assert client.files.download(f"{PLACE}/a b/ü.bin").contents.read() == content
    assert client.files.get_metadata(f"{PLACE}/a b/ü.bin").content_length == len(content)
    client.files.delete(f"{PLACE}/a b/ü.bin")
    client.files.delete_directory(f"{PLACE}/a b")
    for gone in (client.files.download, client.files.get_metadata, client.files.delete):
        with pytest.raises(NotFound):
            gone(f"{PLACE}/a b/ü.bin")


def test_a_file_is_replaced_only_if_that_is_wanted(client, volume):
    client.files.upload(f"{PLACE}/once", BytesIO(b"1"))
    with pytest.raises((AlreadyExists, ResourceConflict)):
        client.files.upload(f"{PLACE}/once", BytesIO(b"2"), overwrite=False)
    client.files.upload(f"{PLACE}/once", BytesIO(b"3"), overwrite=True)
    assert client.files.download(f"{PLACE}/once").contents.read() == b"3"
    client.files.delete(f"{PLACE}/once")


def test_a_directory_is_listed_in_pages(client, volume):
    client.files.create_directory(f"{PLACE}/d/deep")
    client.files.create_directory(f"{PLACE}/d/deep")
    for name in "abc":
        client.files.upload(f"{PLACE}/d/{name}", BytesIO(name.encode() * 3))
    entries = list(client.files.list_directory_contents(f"{PLACE}/d", page_size=2))
    assert [(entry.path, entry.is_directory, entry.file_size) for entry in entries] == [
        (f"{PLACE}/d/a", False, 3),
        (f"{PLACE}/d/b", False, 3),
        (f"{PLACE}/d/c", False, 3),
        (f"{PLACE}/d/deep", True, None),
    ]
    client.files.get_directory_metadata(f"{PLACE}/d")
    with pytest.raises(NotFound):
        client.files.get_directory_metadata(f"{PLACE}/e")
    with pytest.raises(BadRequest, match="not empty"):
        client.files.delete_directory(f"{PLACE}/d")


@pytest.mark.parametrize("path", ["/Volumes/main/filed/other/x", "/Volumes/main/other/v/x"])
def test_no_file_without_a_volume(client, volume, path):
    with pytest.raises(NotFound, match="does not exist"):
        client.files.upload(path, BytesIO(b""))


@pytest.mark.parametrize(
    "path", ["/tmp/x", "/Volumes/main/x", "/Volumes/main/filed/v/../../../../../etc/passwd"]
)
def test_no_file_outside_the_volumes(client, volume, path):
    with pytest.raises((BadRequest, NotFound, PermissionDenied)):
        client.files.upload(path, BytesIO(b""))


def test_catalogs_schemas_and_volumes_are_found_or_said_to_be_missing(client, volume):
    assert [info.name for info in client.catalogs.list()] == ["main"]
    assert client.catalogs.get("main").name == "main"
    assert "filed" in [info.name for info in client.schemas.list("main")]
    assert client.schemas.get("main.filed").full_name == "main.filed"
    assert [info.name for info in client.volumes.list("main", "filed")] == ["v"]
    assert client.volumes.read(volume).volume_type == VolumeType.MANAGED
    for missing in (
        lambda: client.catalogs.get("other"),
        lambda: client.schemas.get("main.other"),
        lambda: client.volumes.read("main.filed.other"),
        lambda: client.volumes.create("main", "other", "v", VolumeType.MANAGED),
    ):
        with pytest.raises(NotFound, match="does not exist"):
            missing()
    with pytest.raises(BadRequest, match="already exists"):
        client.schemas.create("filed", "main")
    with pytest.raises(ResourceConflict, match="already exists"):
        client.volumes.create("main", "filed", "v", VolumeType.MANAGED)


def test_privileges_clusters_and_runtimes_are_reported(client, volume):
    granted = client.grants.get_effective("volume", volume).privilege_assignments
    assert granted[0].privileges[0].privilege.value == "ALL_PRIVILEGES"
    assert client.clusters.get("0101-000000-running").state.value == "RUNNING"
    listed = [cluster.cluster_id for cluster in client.clusters.list()]
    assert listed == ["0101-000000-running", "0101-000000-current"]
    assert client.clusters.select_spark_version(latest=True, scala="2.13").startswith("17.3")
    assert client.clusters.list_node_types().node_types


def test_a_secret_is_kept_in_its_scope_where_only_runs_find_it(client, standin):
    with pytest.raises(NotFound):
        client.secrets.put_secret("kept", "word", string_value="s3cret")
    client.secrets.create_scope("kept")
    with pytest.raises(ResourceAlreadyExists):
        client.secrets.create_scope("kept")
    client.secrets.put_secret("kept", "word", string_value="s3cret")
    kept = standin.volumes.parent / "secrets/kept/word"
    assert (kept.read_text(), kept.stat().st_mode & 0o777) == ("s3cret", 0o600)
    with pytest.raises(BadRequest):
        client.secrets.put_secret("kept", "../word", string_value="s3cret")
