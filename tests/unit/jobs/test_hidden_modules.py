"""Libraries that others would import without need."""

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.hidden_modules import defer, hide, show


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package that is installed, with a module in it; neither is imported yet."""
    (package := tmp_path / "slow_library").mkdir()
    (package / "__init__.py").write_text("FIGURE = 42\n")
    (package / "module.py").write_text("OF_MODULE = 7\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "modules", sys.modules.copy())
    return package.name


def is_imported(name: str) -> bool:
    """Whether a module's own code has run."""
    return "FIGURE" in vars(sys.modules.get(name, object))


def test_a_deferred_module_is_imported_when_something_of_it_is_used(library: str) -> None:
    defer(library)
    module = __import__(library)
    assert not is_imported(library)
    assert module.FIGURE == 42
    assert is_imported(library)
    assert __import__(library).FIGURE == 42


def test_modules_within_a_deferred_one_are_found(library: str) -> None:
    defer(library)
    assert __import__(f"{library}.module").module.OF_MODULE == 7


def test_who_looks_at_all_modules_does_not_import_a_deferred_one(library: str) -> None:
    defer(library)
    inspect.getmodule(is_imported, "no such file")
    assert not is_imported(library)


def test_a_deferred_module_lacks_what_the_real_one_lacks(library: str) -> None:
    defer(library)
    with pytest.raises(ImportError, match="NOTHING"):
        exec(f"from {library} import NOTHING")


def test_what_is_imported_is_neither_deferred_nor_hidden(library: str) -> None:
    module = __import__(library)
    defer(library)
    hide(library)
    assert __import__(library) is module


def test_a_hidden_module_is_not_found_until_it_is_shown(library: str) -> None:
    hide(library)
    with pytest.raises(ModuleNotFoundError):
        __import__(library)
    show(library)
    assert __import__(library).FIGURE == 42


def test_a_job_imports_great_expectations_without_what_no_suite_uses() -> None:
    asked = """
import sys
from jobs.main import main
try:
    main(["query", "--help"])
except SystemExit:
    import jobs.quality.check
    print([name for name in ("altair.vegalite", "scipy.stats._stats_py", "sqlalchemy.orm") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
