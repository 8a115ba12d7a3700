"""Stage `stream`: a piece of a simulated stream, batch by batch, to one of its sinks."""

from jobs.stream.stage import run

__all__ = ["run"]
