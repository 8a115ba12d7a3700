"""The errors of the embedded stack, and their exit statuses."""


class Refused(Exception):
    """The request is impossible: bad value, missing program, port taken. Exit status 2."""


class Failed(Exception):
    """Something broke on the way; the message says where to look. Exit status 1."""

    status = 1


class DataRefused(Failed):
    """The night's data did not pass its contract. Exit status 3."""

    status = 3
