"""Rows as text in aligned columns, for a terminal."""

from collections.abc import Sequence


def text_table(
    header: Sequence[str], rows: Sequence[Sequence[str]], to_right: Sequence[bool], underlined: bool = False
) -> str:
    """Return a header and its rows as text; `to_right` has True for columns that are aligned right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    rule = [["-" * width for width in widths]] if underlined else []

    def line(cells: Sequence[str]) -> str:
        padded = zip(cells, widths, to_right, strict=True)
        return "  ".join(cell.rjust(w) if right else cell.ljust(w) for cell, w, right in padded).rstrip()

    return "\n".join(map(line, [header, *rule, *rows]))
