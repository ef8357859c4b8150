"""Errors of input that cannot be checked."""

MOST_BYTES = 128 * 2**20
"""The largest input that is read; what holds more resources than that is no stack that anybody previews."""

MOST_VALUES = 1_000_000
"""The most values in YAML, which takes half a kilobyte for each; folders of thousands of objects have fewer."""

MOST_VALUES_OF_JSON = 10_000_000
"""The same for JSON, which is read resource by resource."""

DEEPEST = 100
"""The deepest nesting."""


class InputError(Exception):
    """The input is not what it should be; the message says which, where and why. Never quotes it: it may be secret."""


class LimitError(InputError):
    """There is more than may be read: nothing of it is judged."""


def too_large(name: str, size: int) -> LimitError:
    """Return the error for an input of `size` bytes."""
    return LimitError(f"{name}: too large: {size / 2**20:.0f} MB, and at most {MOST_BYTES / 2**20:.0f} MB are read")


def too_many(name: str, most: int) -> LimitError:
    """Return the error for an input with more than `most` values."""
    return LimitError(f"{name}: too large: it holds more than {most} values")
