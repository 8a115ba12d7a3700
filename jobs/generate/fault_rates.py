"""Fault rates of simulated feeds: the share of rows that have each kind of fault."""

from argparse import ArgumentTypeError
from collections.abc import Mapping
from types import MappingProxyType

# A row has at most one of these. Each feed's own file lists those it can have.
FAULTS: Mapping[str, float] = MappingProxyType(
    {
        "malformed": 0.001,
        "unknown_device": 0.001,
        "future": 0.0005,
        "malfunction": 0.005,
        "null": 0.02,
        "no_temperature": 0.1,
        "flipped_pressure": 0.05,
        "no_timestamp": 0.05,
    }
)
# Of the delivery, independent of those and of each other.
DELIVERY: Mapping[str, float] = MappingProxyType({"late": 0.01, "duplicate": 0.01})
USUAL: Mapping[str, float] = MappingProxyType({**FAULTS, **DELIVERY})


def shares(text: str) -> dict[str, float]:
    """Parse `late=0.05,null=0`; return only the shares that differ from the usual ones.

    Raises ArgumentTypeError for an unknown kind, a share outside 0 to 1, and for faults whose shares come to more
    than 1.
    """
    found: dict[str, float] = {}
    for pair in filter(None, text.split(",")):
        kind, _, share = pair.partition("=")
        if kind not in USUAL:
            raise ArgumentTypeError(f"no kind {kind[:40]!r}; choose from {', '.join(USUAL)}")
        try:
            found[kind] = float(share)
        except ValueError:
            raise ArgumentTypeError(
                f"{pair[:40]!r} has no share; write it as in {kind}={USUAL[kind]:g}"
            ) from None
        if not 0 <= found[kind] <= 1:
            raise ArgumentTypeError(f"{pair[:40]!r} is out of range; a share is from 0 to 1")
    if (total := sum({**FAULTS, **found}[kind] for kind in FAULTS)) > 1:
        raise ArgumentTypeError(f"the shares of {', '.join(FAULTS)} come to {total:g}; a row has one at most")
    return {kind: share for kind, share in found.items() if share != USUAL[kind]}
