"""docs/add-your-own.md, carried out as it stands: a new source and a new gold table, with nothing else touched."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.project import PROJECT

HOW_TO = (PROJECT / "docs/add-your-own.md").read_text()
CHECKS = {layer: f"check --layer {layer}" for layer in ("bronze", "silver", "gold")}
STAGES = ("bronze", CHECKS["bronze"], "silver", CHECKS["silver"], "gold", CHECKS["gold"], "publish", "verify")
RUN = """
import json, os, sys
from jobs.main import main
from pyspark.sql import SparkSession
where, stages = sys.argv[1:4], json.loads(sys.argv[4])
codes = [main([*stage.split(), "--night=2024-03-05", "--tables=air_quality", *where]) for stage in stages]
spark = SparkSession.builder.remote(os.environ["SPARK_REMOTE"]).create()
prefix = where[1].removeprefix("--prefix=")
rows = spark.table(f"{prefix}gold.air_daily").collect()
refused = spark.table(f"{prefix}ops.quarantine").where("source = 'air_quality'").collect()
print(json.dumps([codes, [list(row) for row in rows], [row.reasons for row in refused]], default=str))
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The project's own packages, with what the page says added."""
    for package in ("catalog", "jobs", "expectations"):
        shutil.copytree(PROJECT / package, tmp_path / package)
    blocks = re.findall(r"```(?:toml|python)\n# (\S+)\n(.*?)```", HOW_TO, re.S)
    assert [name for name, _ in blocks].count("catalog/catalog.toml") == 2 and len(blocks) == 5
    for name, text in blocks:
        file = tmp_path / name
        assert file.exists() == (name == "catalog/catalog.toml"), "only the catalog is changed"
        with file.open("a") as whole:
            whole.write(f"\n{text}")
    return tmp_path


def test_the_how_to_adds_a_source_and_a_gold_table(project, lake):
    settings = lake("bronze")
    delivery = re.search(r"printf '(.*?)' > lake/(\S+)", HOW_TO)
    assert delivery
    file = settings.home / delivery[2]
    file.parent.mkdir(parents=True)
    file.write_text(delivery[1].replace(r"\n", "\n"))
    where = [f"--home={settings.home}", f"--prefix={settings.prefix}", "--run-id=how-to"]
    done = subprocess.run(
        [sys.executable, "-c", RUN, *where, json.dumps(STAGES)], cwd=project, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    codes, rows, refused = json.loads(done.stdout.splitlines()[-1])
    assert codes == [0] * len(STAGES), done.stdout + done.stderr
    assert rows == [["2024-03-05", "Lab", 2, 13.0, 13.5]]
    assert refused == [["pm25 outside 0 to 1000 µg/m³"]]
