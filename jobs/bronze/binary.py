"""What a file is that is no text in UTF-8, by its first bytes."""

# First bytes -> what the file is. Of those that a text could begin with, enough that none does.
_KINDS = {
    b"Obj\x01": "Avro",
    b"PAR1": "Parquet",
    b"ORC": "ORC",
    b"ARROW1": "Arrow",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "Excel (.xls)",
    b"PK\x03\x04": "a zip archive",
    b"PK\x05\x06": "a zip archive",
    b"\x1f\x8b": "gzip without the suffix .gz",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"7z\xbc\xaf\x27\x1c": "7-Zip",
    b"\x28\xb5\x2f\xfd": "Zstandard",
    b"\x04\x22\x4d\x18": "LZ4",
    b"%PDF-": "PDF",
    b"SQLite format 3\x00": "SQLite",
    b"\x89HDF\r\n\x1a\n": "HDF5",
}
_LETTERS = frozenset({b"PAR1", b"ORC", b"ARROW1", b"BZh"})  # a text may begin with these
_WITHIN_ZIP = {
    b"xl/": "Excel (.xlsx)",
    b"[Content_Types].xml": "Excel (.xlsx) or another Office file",
    b"mimetypeapplication/vnd.oasis.opendocument": "OpenDocument",
}
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_CONTROLS = bytes({*range(0x09)} | {*range(0x0E, 0x20)} - {0x1A, 0x1B, 0x1E})


def kind_of(head: bytes) -> str | None:
    """Return what a file is that begins like this; None for a text in UTF-8, or what may pass for one."""
    return known_kind_of(head) or (_of_zeros(head) if b"\x00" in head else None)


def known_kind_of(head: bytes) -> str | None:
    """Return what a file is that begins like this, if the first bytes say so."""
    for start, kind in _KINDS.items():
        if head.startswith(start) and (start not in _LETTERS or _has_controls(head)):
            inner = next((inner for sign, inner in _WITHIN_ZIP.items() if sign in head), None)
            return inner if inner and start.startswith(b"PK") else kind
    return "a tar archive" if head[257:262] == b"ustar" and b"\x00" in head[:257] else None


def _of_zeros(head: bytes) -> str:
    """A mark alone can be two bytes that went wrong, zeros between letters cannot."""
    fewer, more = sorted((head[0::2].count(0), head[1::2].count(0)))
    if head.startswith(_UTF16) or more > 10 * fewer + len(head) / 4:
        return "UTF-16"
    return f"no text (byte {head.index(0) + 1:,} is zero)"


def _has_controls(head: bytes) -> bool:
    return any(control in head for control in _CONTROLS)
