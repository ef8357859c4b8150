"""Errors that are reported to the user without a stack trace."""


class UsageError(Exception):
    """Invalid input or usage; the message says where, what was expected and what to do. Exit code 2."""


class OutsideError(Exception):
    """An external system failed, such as a cluster that does not answer; the message says which. Exit code 3."""
