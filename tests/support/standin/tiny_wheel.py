"""A wheel of one module, made by hand: what the tests upload and run."""

import zipfile
from io import BytesIO
from pathlib import Path

TINY = Path(__file__).parent / "tiny.py"
ENTRY_POINTS = "[console_scripts]\nshow = tiny:show\nfail = tiny:fail\nleave = tiny:leave\nwait = tiny:wait\ntables = tiny:tables\n"


def tiny_wheel(*, requires_python: str = "==3.11.*", name: str = "tiny") -> bytes:
    """Make a wheel of tiny.py, as small as wheels can be."""
    info = f"{name}-1.0.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\nRequires-Python: {requires_python}\n"
    content = {
        f"{name}.py": TINY.read_text(),
        f"{info}/METADATA": metadata,
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"{ENTRY_POINTS}lakehouse = {name}:stage\n",
    }
    record = "".join(f"{path},,\n" for path in [*content, f"{info}/RECORD"])
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as wheel:
        for path, text in {**content, f"{info}/RECORD": record}.items():
            wheel.writestr(zipfile.ZipInfo(path), text)
    return buffer.getvalue()
