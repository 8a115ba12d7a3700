"""Stage `generate`: one night of simulated IoT data, landed as files."""

from jobs.generate.landing import run

__all__ = ["run"]
