"""Property values in JSON, as the engine writes them in plans and states; here secrets become safe to show."""

from collections.abc import Mapping
from typing import Any

from recording.graph import Reference, Secret, Unknown

# The engine's words: https://github.com/pulumi/pulumi/blob/master/sdk/go/common/resource/sig/sig.go
SIGNATURE = "4dabf18193072939515e22adb298388d"
REFERENCE = "5cf8f73096256a8f31e491e813e4eb8e"
SECRET = "[secret]"  # noqa: S105  # what is shown in place of one, the engine's own word
UNKNOWN_MARK = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""The engine's mark for an unknown value in JSON (https://pkg.go.dev/github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin)."""


def plain(value: Any) -> Any:
    """Return `value` for JSON: secrets hidden, unknown values and references as the engine writes them."""
    match value:
        case Secret():
            return SECRET
        case Unknown():
            return UNKNOWN_MARK
        case Reference(urn=urn, id=id_):
            return {SIGNATURE: REFERENCE, "urn": urn, **({"id": id_} if id_ else {})}
        case Mapping():
            return {key: plain(item) for key, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case _:
            return value
