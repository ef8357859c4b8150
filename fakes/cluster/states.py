"""An object in Pulumi's state: the live one, with what was given beside it; names, annotations, and what is secret.

https://github.com/pulumi/pulumi-kubernetes/blob/master/provider/pkg/provider/provider.go (checkpointObject)
"""

import hashlib
import secrets
from collections.abc import Mapping
from typing import Any

from recording.graph import UNKNOWN, Secret
from recording.wire import reveal

Properties = Mapping[str, Any]

AUTONAMED = "pulumi.com/autonamed"
DELETION_PROPAGATION = "pulumi.com/deletionPropagationPolicy"
FIELD_MANAGER = "pulumi.com/patchFieldManager"
PATCH_FORCE = "pulumi.com/patchForce"
REPLACE_UNREADY = "pulumi.com/replaceUnready"
SKIP_AWAIT = "pulumi.com/skipAwait"
TIMEOUT_SECONDS = "pulumi.com/timeoutSeconds"

_GIVEN, _MANAGER, _API_VERSION = "__inputs", "__fieldManager", "__initialApiVersion"

_DASHED = {
    name: name.replace("_", "-")
    for name in (
        "x_kubernetes_embedded_resource",
        "x_kubernetes_int_or_string",
        "x_kubernetes_list_map_keys",
        "x_kubernetes_list_type",
        "x_kubernetes_map_type",
        "x_kubernetes_preserve_unknown_fields",
        "x_kubernetes_validations",
    )
}
"""Keys of a CRD's schema, which the SDKs cannot write as they are."""
_UNDERSCORED = {dashed: name for name, dashed in _DASHED.items()}


def plain(properties: Properties) -> dict[str, Any]:
    """Return properties as the API server wants them."""
    return _rename(reveal(properties)[0], _DASHED)


def _rename(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {names.get(key, key): _rename(item, names) for key, item in value.items() if item is not None}
    return [_rename(item, names) for item in value] if isinstance(value, list) else value


def has_unknown(value: Any) -> bool:
    """Tell whether a value is not known yet, or holds one that is not."""
    if isinstance(value, Mapping):
        return any(map(has_unknown, value.values()))
    return any(map(has_unknown, value)) if isinstance(value, list) else value is UNKNOWN


def join(live: Properties, given: Properties, manager: str, api_version: str) -> Properties:
    """Return the state of a live object for which `given` was given."""
    state = dict(hide_like(given, _rename(live, _UNDERSCORED)))
    return {
        **state,
        _GIVEN: hide_like(given, _rename(plain(given), _UNDERSCORED)),
        _MANAGER: manager,
        _API_VERSION: api_version,
    }


def split(state: Properties) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what was given, and the live object."""
    whole = plain(state)
    given = whole.pop(_GIVEN, {})
    return given, {key: value for key, value in whole.items() if key not in (_MANAGER, _API_VERSION)}


def manager_of(state: Properties, inputs: Properties) -> str:
    """Return the field manager: the one the program names, the one in the state, or a new one.

    Each resource has its own, so that two which disagree about one object are told of it.
    """
    return annotation(inputs, FIELD_MANAGER) or state.get(_MANAGER) or f"pulumi-kubernetes-{secrets.token_hex(4)}"


def api_version_of(state: Properties, inputs: Properties) -> str:
    """Return the version that the object was first given in, of a new one that of its inputs."""
    return state.get(_API_VERSION) or inputs.get("apiVersion", "")


def hide_like(given: Properties, properties: Properties) -> Properties:
    """Hide what was given as a secret, and the contents of every Secret; a list with a secret in it as a whole."""
    if properties.get("kind") == "Secret":
        return {key: Secret(value) if key in ("data", "stringData") else value for key, value in properties.items()}
    hidden = dict(properties)
    for key, before in given.items():
        value = hidden.get(key)
        if isinstance(value, Mapping) and isinstance(before, Mapping):
            hidden[key] = hide_like(before, value)
        elif key in hidden and reveal(before)[1]:
            hidden[key] = Secret(value)
    return hidden


def annotation(object_: Properties, name: str) -> str:
    """Return an annotation, empty where there is none or it is not known."""
    metadata = object_.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, Mapping) else None
    value = annotations.get(name, "") if isinstance(annotations, Mapping) else ""
    return value if isinstance(value, str) else ""


def name_automatically(inputs: dict[str, Any], name: str) -> None:
    """Give an object a name that the program leaves to Pulumi."""
    metadata = inputs["metadata"]
    metadata["name"] = name
    if metadata.get("annotations") is not UNKNOWN:
        metadata["annotations"] = {**metadata.get("annotations", {}), AUTONAMED: "true"}


def random_name(name: str, seed: bytes) -> str:
    """Return a name with eight random digits, the same for the same seed.

    The length: https://github.com/pulumi/pulumi/blob/master/sdk/go/common/resource/resource_id.go (NewUniqueName)
    """
    return f"{name}-{hashlib.sha256(seed).hexdigest()[:8] if seed else secrets.token_hex(4)}"


def id_of(object_: Properties) -> str:
    """Return the id that the provider gives an object: `namespace/name`, or `name`."""
    metadata = object_["metadata"]
    return "/".join(filter(None, (metadata.get("namespace"), metadata["name"])))
