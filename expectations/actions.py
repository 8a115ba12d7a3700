"""What happens when an expectation is not met, and why it is there: the `meta` of each expectation."""

Meta = dict[str, str | int]


def quarantine(reason: str) -> Meta:
    """A row that does not meet it goes to `ops.quarantine` with this reason, and is never in the table."""
    return {"action": "quarantine", "reason": reason}


def flag(reason: str) -> Meta:
    """A row that does not meet it stays, with this reason in `_flags`; too many (`mostly`) only warn."""
    return {"action": "flag", "reason": reason}


def fail(reason: str, of_at_least: int = 0) -> Meta:
    """It concerns the table as a whole: when it does not hold, the night stops before gold is published.

    Where it is about a share, fewer rows than `of_at_least` are too few to decide, and only warn.
    """
    few = {"of_at_least": of_at_least} if of_at_least else {}
    return {"action": "fail", "reason": reason, **few}
