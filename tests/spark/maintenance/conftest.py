"""What the tests of commands share: running one."""

from tests.support.commands import command

__all__ = ["command"]
