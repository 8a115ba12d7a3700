"""The command under test."""

from tests.support.workspace_command import workspace

__all__ = ["workspace"]
