"""Finds objects of a Helm release that were deleted or changed by hand: compares its manifest with the cluster.

Helm and the Kubernetes provider compare a release's values, not its objects, so an update finds nothing to do.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from prismctl.helm import Object, Release

_OWN = ("helm", "pulumi-resource-kubernetes")
"""Field managers of Helm:  the program that Helm runs in (getManagedFieldsManager in
https://github.com/helm/helm/blob/v3.22.0/pkg/kube/client.go), which is the provider, or Helm itself."""
_CONTROLLERS = ("kube-controller-manager", "kube-scheduler", "kube-apiserver")
Path = tuple[str | int, ...]


def drift(release: Release) -> list[str]:
    """Return one sentence for each difference from the manifest that Helm did not write."""
    live = {_identity(each, release.namespace): each for each in release.live}
    found: list[str] = []
    for wanted in release.manifest:
        # Where an object has no namespace of its own, the cluster says whether it has one at all.
        identity, bare = _identity(wanted, release.namespace), _identity(wanted, "")
        there = live.get(identity) or live.get(bare)
        name = f"{wanted['kind']} {wanted['metadata']['name']}"
        if there is None:
            found.append(f"{name}: is not there")
        else:
            found += (f"{name}: {each}" for each in _changes(wanted, there))
    return found


def _identity(object_: Object, namespace: str) -> tuple[str, str, str, str]:
    metadata = object_["metadata"]
    group = object_["apiVersion"].rpartition("/")[0]
    return group, object_["kind"], metadata.get("namespace") or namespace, metadata["name"]


def _changes(wanted: Object, live: Object) -> Iterator[str]:
    managers = live["metadata"].get("managedFields", ())
    for path, before, now in _differences((), wanted, live):
        if path[0] in {"apiVersion", "kind", "status"} or path[:2] == ("metadata", "creationTimestamp"):
            continue
        writer = _writer(managers, path, live)
        # The server normalizes what Helm wrote: 1000m becomes 1.
        if writer is not None and not writer.startswith(_OWN) and writer not in _CONTROLLERS:
            secret = wanted["kind"] == "Secret"
            values = "was changed" if secret else f"is {_short(now)}, not {_short(before)}"
            yield f"{_text(path)} {values} (by {writer})"


def _differences(path: Path, wanted: Any, live: Any) -> Iterator[tuple[Path, Any, Any]]:
    """Yield each place at which both say something, and not the same."""
    if isinstance(wanted, Mapping) and isinstance(live, Mapping):
        for key, value in wanted.items():
            if key in live:
                yield from _differences((*path, key), value, live[key])
    elif isinstance(wanted, list) and isinstance(live, list):
        for index, value in enumerate(wanted):
            there = _counterpart(value, index, live)
            if there is not None:
                yield from _differences((*path, there), value, live[there])
    elif wanted != live and wanted is not None:
        yield path, wanted, live


def _counterpart(item: Any, index: int, live: Sequence[Any]) -> int | None:
    """Return where a list's item is in the cluster: of the same name, or at the same place."""
    if isinstance(item, Mapping) and "name" in item:
        named = (at for at, each in enumerate(live) if isinstance(each, Mapping) and each.get("name") == item["name"])
        return next(named, None)
    return index if index < len(live) else None


def _writer(managers: Sequence[Mapping[str, Any]], path: Path, live: Object) -> str | None:
    """Return who wrote a field last, None where nobody is on record.

    https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
    """
    writers = [each for each in managers if _holds(each.get("fieldsV1") or {}, path, live)]
    last = max(writers, key=lambda each: str(each.get("time", "")), default=None)
    return last["manager"] if last else None


def _holds(fields: Mapping[str, Any], path: Path, live: Any) -> bool:
    for step in path:
        if not fields:
            return False
        live = live[step]
        if isinstance(step, str):
            key = f"f:{step}"
        else:
            key = next((each for each in fields if each[:2] in {"k:", "v:"} and _is_item(each, live)), f"i:{step}")
        if key not in fields:
            return False
        fields = fields[key]
        if not fields:
            # A map or list that is owned as a whole.
            return True
    return True


def _is_item(key: str, item: Any) -> bool:
    value = json.loads(key[2:])
    if key.startswith("v:"):
        return value == item
    return isinstance(item, Mapping) and all(item.get(name) == each for name, each in value.items())


def _short(value: Any) -> str:
    text = value if isinstance(value, str) and value else json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004


def _text(path: Path) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")
