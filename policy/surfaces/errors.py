"""Input that cannot be judged."""

MOST_BYTES = 128 * 2**20
"""The largest input that is read; what holds more resources than that is no stack that anybody previews."""


class InputError(Exception):
    """The input is not what it should be; the message says which, where and why. Never quotes it: it may be secret."""


def too_large(name: str, size: int) -> InputError:
    """Return the error for an input of `size` bytes."""
    return InputError(f"{name}: too large: {size / 2**20:.0f} MB, and at most {MOST_BYTES / 2**20:.0f} MB are read")
