"""Stage `silver`: every bronze row gets exactly one fate."""

from jobs.silver.night import run

__all__ = ["run"]
