"""Durations for people."""


def minutes(seconds: float) -> str:
    """Return `9 min 24 s` for 564, and `24 s` for 24."""
    whole, rest = divmod(round(seconds), 60)
    if not whole:
        return f"{rest} s"
    return f"{whole} min {rest} s" if rest else f"{whole} min"
