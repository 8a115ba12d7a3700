"""One stand-in for all tests here, and `python -m workspace` in this process."""

from tests.support.standin.fixtures import body, client, hook, no_faults_left, standin, submit, tiny
from tests.support.workspace_command import workspace

__all__ = ["body", "client", "hook", "no_faults_left", "standin", "submit", "tiny", "workspace"]
