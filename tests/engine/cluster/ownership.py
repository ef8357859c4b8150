"""Who manages a field, as the API server keeps it; and what an update leaves to others.

https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
"""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from engine.cluster.api import Object


def leave_out_ignored(inputs: Object, live: Object, manager: str, ignored: Sequence[str]) -> Object:
    """Return the inputs without what others manage and `ignoreChanges` names; what is ours stays as it is.

    https://github.com/pulumi/pulumi-kubernetes/blob/master/provider/pkg/await/await.go (handleSSAIgnoreFields)
    """
    wanted = deepcopy(inputs)
    for path in (name.split(".") for name in ignored):
        managers = {
            each["manager"] for each in live["metadata"].get("managedFields", ()) if _has(each["fieldsV1"], path)
        }
        if managers and manager not in managers:
            _remove(wanted, path)
        elif (value := _get(live, path)) is not None:
            _set(wanted, path, value)
    return wanted


def _has(fields: Object, path: Sequence[str]) -> bool:
    for key in path:
        if f"f:{key}" not in fields:
            return False
        fields = fields[f"f:{key}"]
    return True


def _get(object_: Any, path: Sequence[str]) -> Any:
    for key in path:
        if not isinstance(object_, dict) or key not in object_:
            return None
        object_ = object_[key]
    return object_


def _set(object_: Object, path: Sequence[str], value: Any) -> None:
    for key in path[:-1]:
        object_ = object_.setdefault(key, {})
    object_[path[-1]] = value


def _remove(object_: Object, path: Sequence[str]) -> None:
    holder = _get(object_, path[:-1])
    if isinstance(holder, dict):
        holder.pop(path[-1], None)
