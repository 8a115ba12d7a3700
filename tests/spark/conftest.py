"""Running stages in a test's own lake, in this process."""

from tests.support.stages import accounts, compiled, deliver, run, table

__all__ = ["accounts", "compiled", "deliver", "run", "table"]
