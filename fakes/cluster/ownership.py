"""Who manages a field, as the API server keeps it; and what an update leaves to others.

https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
"""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from fakes.cluster.api import Object

CREATOR = "pulumi-kubernetes"
"""Manager of the fields of an object that the provider has created and not changed yet."""
_TAKEN_FROM = (
    ("kubectl", "Apply"),
    ("kubectl", "Update"),
    ("before-first-apply", "Update"),
    (CREATOR, "Update"),
    ("pulumi-resource-kubernetes", "Update"),
)
"""How the names of managers begin whose fields an update takes, and by which operation they set them."""


def taken_back(live: Object, manager: str) -> list[Object]:
    """Return who manages which fields once an update has taken those of kubectl and of the creation; nothing where
    there are none.

    What the program does not set of these fields is removed by the update.
    https://github.com/pulumi/pulumi-kubernetes/blob/v4.32.0/provider/pkg/await/await.go (fixCSAFieldManagers),
    https://github.com/fluxcd/pkg/blob/main/ssa/patch.go (PatchReplaceFieldsManagers)
    """
    entries: list[Object] = live["metadata"].get("managedFields", [])
    ours = [each for each in entries if (each["manager"], each["operation"]) == (manager, "Apply")]
    taken = [each for each in entries if each not in ours and _is_taken(each)]
    if not taken:
        return []
    first, *more = [*ours, *taken]
    merged: Object = {**first, "manager": manager, "operation": "Apply", "fieldsV1": deepcopy(first["fieldsV1"])}
    for each in more:
        _merge(merged["fieldsV1"], each["fieldsV1"])
    return [*(each for each in entries if each not in ours and each not in taken), merged]


def _is_taken(entry: Object) -> bool:
    return not entry.get("subresource") and any(
        entry["manager"].startswith(name) and entry["operation"] == operation for name, operation in _TAKEN_FROM
    )


def _merge(fields: Object, more: Object) -> None:
    for key, inner in more.items():
        _merge(fields.setdefault(key, {}), inner)


def is_created(live: Object) -> bool:
    """Return whether an object has fields that no update has taken over since the provider created it: a preview,
    which takes none, then goes over them (patchForce).
    """
    names = {CREATOR, "pulumi-resource-kubernetes"}
    return any(
        each["manager"] in names and each["operation"] == "Update" for each in live["metadata"].get("managedFields", ())
    )


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
