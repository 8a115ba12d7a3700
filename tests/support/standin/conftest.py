"""One stand-in for all tests here."""

from tests.support.standin.fixtures import body, client, hook, no_faults_left, standin, submit, tiny

__all__ = ["body", "client", "hook", "no_faults_left", "standin", "submit", "tiny"]
