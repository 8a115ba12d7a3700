"""A target that cannot be used is refused in one line that names the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from embedded import config
from embedded.errors import Refused


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[local", r"dags/targets\.toml cannot be read: Expected .\]"),
        (None, r"dags/targets\.toml cannot be read: .*No such file"),
        ("[prod]\nplatform = 'local'\n", "LAKEHOUSE_TARGET=local is no target; there are: prod"),
        ("local = 'here'\n", r"\[local\] needs platform, one of local, databricks"),
        ("[local]\nplatform = 'locl'\n", r"\[local\] needs platform, one of local, databricks"),
    ],
    ids=["cut", "gone", "another", "a text", "misspelt"],
)
def test_a_file_of_targets_that_cannot_be_used_is_refused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    text: str | None,
    says: str,
) -> None:
    monkeypatch.setattr(config, "PROJECT", tmp_path)
    monkeypatch.setenv("LAKEHOUSE_RUN_DIR", str(tmp_path / "run"))
    (tmp_path / "dags").mkdir()
    if text is not None:
        (tmp_path / "dags/targets.toml").write_text(text)
    with pytest.raises(Refused, match=says) as refused:
        config.read_config()
    assert "\n" not in str(refused.value)
    assert config.read_config(needs_target=False).run_dir == tmp_path / "run"
    assert capsys.readouterr().err == f"warning: {refused.value}\n"
