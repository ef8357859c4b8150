"""Checks custom resources against the schemas of their definitions, as the API server would, except for CEL rules."""

import functools
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
import third_party

_OWN = (
    "admissionregistration.k8s.io",
    "apiregistration.k8s.io",
    "apps",
    "autoscaling",
    "batch",
    "networking.k8s.io",
    "node.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
)


def is_custom(resource: dict[str, Any]) -> bool:
    """Whether a kind comes with a definition, and not with Kubernetes."""
    group, slash, _ = resource["apiVersion"].partition("/")
    return bool(slash) and group not in _OWN


def problems(resource: dict[str, Any]) -> Iterator[str]:
    """Yield what the definition does not allow, unknown fields among it."""
    for error in _validator(resource["apiVersion"], resource["kind"]).iter_errors(resource):
        yield f"{resource['kind']} {resource['metadata']['name']}: {error.json_path}: {error.message}"


def unsaid_defaults(resource: dict[str, Any]) -> Iterator[str]:
    """Yield the fields that the API server would fill in: Argo CD would see a difference for ever."""
    yield from _unsaid(_schema(resource["apiVersion"], resource["kind"]), resource, resource["kind"])


def _unsaid(schema: dict[str, Any], value: Any, path: str) -> Iterator[str]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unsaid(schema.get("items", {}), item, f"{path}[{index}]")
    if not isinstance(value, dict):
        return
    for key, inner in schema.get("properties", {}).items():
        if key in value:
            yield from _unsaid(inner, value[key], f"{path}.{key}")
        elif "default" in inner:
            yield f"{path}.{key}"


@functools.cache
def _validator(api_version: str, kind: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(_strict(_schema(api_version, kind)))


@functools.cache
def _schema(api_version: str, kind: str) -> dict[str, Any]:
    group, _, version = api_version.partition("/")
    for each in _definition(group, kind)["spec"]["versions"]:
        if each["name"] == version and each["served"]:
            return each["schema"]["openAPIV3Schema"]
    raise AssertionError(f"{api_version} {kind} is not served")


def _definition(group: str, kind: str) -> dict[str, Any]:
    if reason := third_party.missing():
        pytest.skip(reason)
    found = third_party.definitions("prod").get((group, kind))
    assert found, f"no third-party chart defines {kind} of {group}"
    return found


def _strict(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a JSON schema that refuses what the API server would refuse or silently drop."""
    made = {key: value for key, value in schema.items() if key not in ("format", "default", "properties", "items")}
    if schema.get("x-kubernetes-int-or-string"):
        made = {"type": ["integer", "string"]}
    if "properties" in schema:
        made["properties"] = {key: _strict(value) for key, value in schema["properties"].items()}
        open_ended = schema.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in schema
        if not open_ended:
            made["additionalProperties"] = False
            # Every object has these, whether its definition says so or not.
            if "spec" in schema["properties"]:
                made["properties"] |= {"apiVersion": {}, "kind": {}, "metadata": {}}
    if isinstance(schema.get("additionalProperties"), dict):
        made["additionalProperties"] = _strict(schema["additionalProperties"])
    if "items" in schema:
        made["items"] = _strict(schema["items"])
    return made
