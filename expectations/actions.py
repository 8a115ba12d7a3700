"""The `meta` of expectations: the action when one is not met, and the reason."""

Meta = dict[str, str | int]


def quarantine(reason: str, on_arrival: str = "") -> Meta:
    """Return the meta of a row rule: rows that break it go to `ops.quarantine` with this reason, never to the table.

    `on_arrival` is the SQL condition by which silver finds those rows while it knows more of them than the table
    keeps; those that meet the rule's own condition are among them.
    """
    stricter = {"on_arrival": on_arrival} if on_arrival else {}
    return {"action": "quarantine", "reason": reason, **stricter}


def flag(reason: str) -> Meta:
    """Return the meta of a row rule: rows that break it stay, with this reason in `_flags`. Too many only warn."""
    return {"action": "flag", "reason": reason}


def fail(reason: str, of_at_least: int = 0) -> Meta:
    """Return the meta of an expectation about a table: if it does not hold, the night stops before publishing.

    With fewer rows than `of_at_least`, it only warns.
    """
    few = {"of_at_least": of_at_least} if of_at_least else {}
    return {"action": "fail", "reason": reason, **few}
