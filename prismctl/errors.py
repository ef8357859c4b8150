"""Mistakes that a user can mend, told without a stack trace."""


class UsageError(Exception):
    """Bad input or use; the message says where, what was expected and what to do. Exit code 2."""


class OutsideError(Exception):
    """What is outside failed, such as a cluster that does not answer; the message says what. Exit code 3."""
