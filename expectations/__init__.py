"""Contracts: one suite of native Great Expectations objects per table, by layer and name."""

import os

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")  # read when Great Expectations is imported

from expectations.loader import suite

__all__ = ["suite"]
