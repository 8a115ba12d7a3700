"""A lake that was moved goes on where its old path leads to it."""

import shutil

from jobs.main import main
from tests.support.stages import stand_still

LINES = "sensor_id,timestamp,temperature,humidity,location\n1001,2025-05-01 00:00:00,72.4,41.2,Room_A\n"


def test_a_lake_that_was_moved_and_linked_reads_no_file_twice_and_goes_on(lake, table, tmp_path):
    home, moved = tmp_path / "lake", tmp_path / "elsewhere"
    prefix = f"--prefix={lake('bronze').prefix}"

    def deliver_and_load(name: str, where) -> int:
        folder = where / "landing/sensor_logs"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(LINES)
        stand_still(folder / name)
        argv = ["bronze", "--night=2024-03-05", f"--home={where}", prefix, "--tables=sensor_logs"]
        return main(argv)

    assert deliver_and_load("a.csv", home) == 0
    shutil.move(home, moved)
    assert deliver_and_load("b.csv", moved) == 2
    assert table("bronze.sensor_logs").count() == 1
    home.symlink_to(moved)
    assert deliver_and_load("c.csv", home) == 0
    assert table("bronze.sensor_logs").count() == 3
