"""`targets.toml` is read strictly."""

from __future__ import annotations

from pathlib import Path

import pytest
from platforms import PLATFORMS, operator_for
from targets import load_target

GOOD = '[local]\nplatform = "local"\ncatalog = "spark_catalog"\nprefix = ""\nhome = "$LAKEHOUSE_HOME"\n'


def written(folder: Path, text: str) -> Path:
    file = folder / "targets.toml"
    file.write_text(text)
    return file


def test_the_default_target_is_local_with_its_lake_from_the_environment(lake: Path) -> None:
    target = load_target()
    assert (target.platform, target.catalog, target.prefix, target.home) == (
        "local",
        "spark_catalog",
        "",
        str(lake),
    )


def test_lakehouse_target_names_another_one(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = written(lake, GOOD + GOOD.replace("[local]", "[other]").replace('prefix = ""', 'prefix = "mine_"'))
    monkeypatch.setenv("LAKEHOUSE_TARGET", "other")
    assert load_target(file=file).prefix == "mine_"


def test_an_unknown_target_is_an_error_that_names_those_there_are(lake: Path) -> None:
    with pytest.raises(ValueError, match=r"targets\.toml: no target 'prod'; there are: local"):
        load_target("prod", written(lake, GOOD))


@pytest.mark.parametrize(
    ("text", "said"), [("[local", "Expected .]. "), (None, "No such file")], ids=["cut", "gone"]
)
def test_a_file_that_cannot_be_read_is_an_error_that_names_it(
    lake: Path, text: str | None, said: str
) -> None:
    file = lake / "targets.toml" if text is None else written(lake, text)
    with pytest.raises(ValueError, match=rf"^targets\.toml cannot be read: .*{said}"):
        load_target(file=file)


def test_an_unknown_key_is_an_error_that_names_it(lake: Path) -> None:
    with pytest.raises(ValueError, match=r"targets\.toml \[local\]: unknown key catalogue"):
        load_target("local", written(lake, GOOD + 'catalogue = "x"\n'))


def test_a_missing_key_is_an_error_that_names_it(lake: Path) -> None:
    with pytest.raises(ValueError, match=r"\[local\]: missing key catalog"):
        load_target("local", written(lake, GOOD.replace('catalog = "spark_catalog"\n', "")))


def test_a_value_that_is_not_text_is_an_error(lake: Path) -> None:
    with pytest.raises(ValueError, match=r"\[local\]: prefix must be a string, not 7"):
        load_target("local", written(lake, GOOD.replace('prefix = ""', "prefix = 7")))


def test_everything_that_is_wrong_is_said_at_once(lake: Path) -> None:
    text = GOOD.replace('prefix = ""', "prefix = 7") + 'catalogue = "x"\nhouse = "y"\n'
    message = (
        r"^targets\.toml \[local\]: prefix must be a string, not 7; \[local\]: unknown key catalogue; known are: "
        r"catalog, databricks, home, platform, prefix, published_within_hours, simulate; \[local\]: unknown key house; known are: [a-z_, ]+$"
    )
    with pytest.raises(ValueError, match=message):
        load_target("local", written(lake, text))


def test_a_target_that_is_no_table_is_an_error(lake: Path) -> None:
    with pytest.raises(ValueError, match=r"targets\.toml \[local\]: local must be a table, not 'here'"):
        load_target("local", written(lake, 'local = "here"\n'))


def test_a_variable_that_is_not_set_is_an_error_that_names_it(
    lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LAKEHOUSE_HOME")
    with pytest.raises(ValueError, match=r"home comes from \$LAKEHOUSE_HOME, which is not set"):
        load_target("local", written(lake, GOOD))


def test_an_unknown_platform_is_an_error_that_names_those_there_are() -> None:
    with pytest.raises(ValueError, match="unknown platform 'mainframe'; there are: local, databricks"):
        operator_for("mainframe")


def test_every_platform_makes_operators() -> None:
    assert all(callable(operator_for(name)) for name in PLATFORMS)


def databricks_target(compute: str) -> str:
    return (
        '[dev]\nplatform = "databricks"\ncatalog = "main"\nprefix = ""\nhome = "/Volumes/main/ops/lake"\n'
        f'[dev.databricks]\nconnection = "databricks_default"\n{compute}\n'
    )


@pytest.mark.parametrize(
    ("compute", "message"),
    [
        ("", "give one of serverless, existing_cluster_id, new_cluster; there is none"),
        (
            'existing_cluster_id = "a"\nserverless = { environment_version = "4" }',
            "there is serverless and existing_cluster_id",
        ),
        ('serverless = "4"', r"\[dev.databricks\]: serverless must be a table, not '4'"),
        ("serverless = { version = 4 }", r"\[dev.databricks.serverless\]: unknown key version"),
        ("serverless = { environment_version = 4 }", "environment_version must be a string, not 4"),
        ("serverless = {}", r"\[dev.databricks.serverless\]: missing key environment_version"),
        ('new_cluster = { node_type = "m" }', "new_cluster: unknown key node_type; known are"),
        ('cluster = "x"', r"\[dev.databricks\]: unknown key cluster"),
        ('viewers = "analysts"', "viewers must be a list of strings, not 'analysts'"),
        ("viewers = [7]", "viewers must be a string, not 7"),
    ],
)
def test_compute_is_read_strictly(lake: Path, compute: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load_target("dev", written(lake, databricks_target(compute)))


def test_viewers_are_a_list_of_names(lake: Path) -> None:
    compute = 'existing_cluster_id = "a"\nviewers = ["analysts", "a@example.com"]'
    found = load_target("dev", written(lake, databricks_target(compute))).databricks
    assert found is not None
    assert found.viewers == ("analysts", "a@example.com")


def test_a_new_cluster_is_taken_as_the_api_takes_it(lake: Path) -> None:
    compute = '[dev.databricks.new_cluster]\nspark_version = "17"\nnum_workers = 2\ncustom_tags = { a = "b" }'
    found = load_target("dev", written(lake, databricks_target(compute))).databricks
    assert found is not None
    assert found.new_cluster == {"spark_version": "17", "num_workers": 2, "custom_tags": {"a": "b"}}


@pytest.mark.parametrize(
    ("name", "key", "said", "simulate"),
    [
        ("local", "", "", ""),
        ("prod", "", "", "none"),
        ("prod", 'simulate = "readings,events"', "", "readings,events"),
        ("local", 'simulate = "none"', "", "none"),
        ("local", 'simulate = "none"', "all", "all"),
    ],
)
def test_what_is_simulated_is_said_by_the_environment_or_the_target_and_prod_simulates_nothing(
    lake: Path, monkeypatch: pytest.MonkeyPatch, name: str, key: str, said: str, simulate: str
) -> None:
    monkeypatch.setenv("LAKEHOUSE_SIMULATE", said)
    file = written(lake, f"{GOOD.replace('[local]', f'[{name}]')}{key}\n")
    assert load_target(name, file).simulate == simulate


def test_a_target_does_not_simulate_what_is_no_source(lake: Path) -> None:
    with pytest.raises(
        ValueError, match=r"\[local\]: nothing to simulate is called 'radings'; choose from all"
    ):
        load_target("local", written(lake, GOOD + 'simulate = "radings"\n'))
