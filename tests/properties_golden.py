"""All inputs of all resources of a stack as YAML, one text for each component, for `tests/golden`.

What only an update can tell is written as it will be used: `${Vpc network.id}` is the id of that resource, `!unknown`
any other value that is computed. `!secret` hides a secret, `!json` is a JSON document shown as a tree, `!resource` a
resource that is passed as a value.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from recording.graph import PROVIDER_PREFIX, STACK_TYPE, UNKNOWN, Graph, Reference, Resource, Secret

COMPONENT_PREFIX = "ai-prism:"
WIDTH = 120
_OUTPUTS_NAMED_FIRST = ("id", "arn", "name")
_SHORTEST_OUTPUT = 6
"""Shorter outputs, such as a port, stand in other values by coincidence."""


class _Tagged:
    def __init__(self, tag: str, value: Any) -> None:
        self.tag, self.value = tag, value


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Writes tags, and text of several lines as a block."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  # the same value twice is written twice
        return True


def _represent_tagged(dumper: Any, tagged: _Tagged) -> Any:
    node = dumper.represent_data(tagged.value)
    node.tag = tagged.tag
    return node


def _represent_text(dumper: Any, text: str) -> Any:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(_Tagged, _represent_tagged)
_Dumper.add_representer(str, _represent_text)


def label(resource: Resource) -> str:
    """Return the short name of a resource: the last part of its type, and its logical name."""
    short = resource.type.removeprefix(PROVIDER_PREFIX) if resource.type.startswith(PROVIDER_PREFIX) else ""
    return f"{short + ' provider' if short else resource.type.rpartition(':')[2]} {resource.name}"


def texts(unknown: Graph, known: Graph) -> dict[str, str]:
    """Return one YAML text for each component, by its path below the stack; `unknown` is the same stack's preview."""
    names = _Names(known)
    found: dict[str, dict[str, Any]] = {}
    for resource in unknown.resources:
        if resource.type == STACK_TYPE:
            continue
        described = names.describe(resource, known.by_urn[resource.urn])
        found.setdefault(_place(unknown, resource), {})[f"{resource.type} {resource.name}"] = described
    found.setdefault("stack", {})["outputs"] = names.outputs(unknown.outputs, known.outputs)
    return {place: _dump(dict(sorted(content.items()))) for place, content in found.items()}


def _dump(content: Mapping[str, Any]) -> str:
    return yaml.dump(content, Dumper=_Dumper, sort_keys=True, width=WIDTH, allow_unicode=True)


def _place(graph: Graph, resource: Resource) -> str:
    """Return the path of the components around a resource, such as `apps/istio`; `stack` where there is none."""
    chain = [resource, *graph.ancestors(resource)]
    return "/".join(item.name for item in reversed(chain) if item.type.startswith(COMPONENT_PREFIX)) or "stack"


class _Names:
    """Says of a computed value which resource it comes from."""

    def __init__(self, known: Graph) -> None:
        self._labels = {resource.urn: label(resource) for resource in known.resources}
        self._sources = {resource.urn: dict(self._computed(resource)) for resource in known.resources}
        self._by_dependencies: dict[tuple[str, ...], Callable[[str], str]] = {}
        self._whole: dict[str, str] = {}
        for urn, found in self._sources.items():
            for text, key in found.items():
                self._whole.setdefault(text, self._name(urn, key))

    def _name(self, urn: str, key: str) -> str:
        return f"${{{self._labels[urn]}.{key}}}"

    def _naming(self, urns: tuple[str, ...]) -> Callable[[str], str]:
        """Return what replaces the outputs of these resources in a text by their names.

        A whole text is looked up among all resources: what a component hands on has the component as its dependency.
        """
        if urns not in self._by_dependencies:
            names: dict[str, str] = {}
            for urn in urns:
                for text, key in self._sources.get(urn, {}).items():
                    names.setdefault(text, self._name(urn, key))
            pattern = re.compile("|".join(re.escape(text) for text in sorted(names, key=len, reverse=True)) or "(?!)")
            whole = {**self._whole, **names}
            self._by_dependencies[urns] = lambda text: (
                whole.get(text) or pattern.sub(lambda match: names[match[0]], text)
            )
        return self._by_dependencies[urns]

    @staticmethod
    def _computed(resource: Resource) -> Iterator[tuple[str, str]]:
        """Yield computed outputs and their keys; of two keys with one value the better known comes last."""
        if not resource.custom:
            return
        outputs = {"id": resource.id, **resource.outputs}
        first = [key for key in _OUTPUTS_NAMED_FIRST if key in outputs]
        for key in (*sorted(set(outputs) - set(first)), *reversed(first)):
            text = outputs[key]
            if isinstance(text, str) and len(text) >= _SHORTEST_OUTPUT and resource.inputs.get(key) != text:
                yield text, key

    def describe(self, unknown: Resource, known: Resource) -> dict[str, Any]:
        """Return inputs and options of a resource, as far as they are given."""
        options = {
            "protect": unknown.protect,
            "provider": unknown.provider_urn and self._labels[unknown.provider_urn],
            "dependsOn": sorted(self._labels[urn] for urn in unknown.dependencies),
            "ignoreChanges": list(unknown.ignore_changes),
            "replaceOnChanges": list(unknown.replace_on_changes),
            "deleteBeforeReplace": unknown.delete_before_replace,
            "retainOnDelete": unknown.retain_on_delete,
            "deletedWith": unknown.deleted_with and self._labels[unknown.deleted_with],
            "customTimeouts": dict(unknown.custom_timeouts),
            "additionalSecretOutputs": list(unknown.additional_secret_outputs),
            "aliases": list(unknown.aliases),
        }
        given = {key: value for key, value in options.items() if value}
        inputs = {
            key: _Value(self._naming(unknown.property_dependencies.get(key, ())), self._labels).of(
                unknown.inputs.get(key, UNKNOWN), value
            )
            for key, value in known.inputs.items()
        }
        return {**given, "inputs": inputs} if inputs else given

    def outputs(self, unknown: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
        """Return the stack's outputs; only whole values are named, since nothing says what they depend on."""
        value = _Value(lambda text: self._whole.get(text, text), self._labels)
        return {key: value.of(unknown.get(key, UNKNOWN), item) for key, item in known.items()}


@dataclass(frozen=True)
class _Value:
    """Writes one property."""

    name: Callable[[str], str]
    """Replaces in a text what other resources computed by their names."""
    labels: Mapping[str, str]

    def of(self, unknown: Any, known: Any) -> Any:
        """Return a value as it is written; `unknown` is the same value as a preview has it."""
        if isinstance(known, Secret) or isinstance(unknown, Secret):
            return _Tagged("!secret", "")
        if isinstance(known, Reference):
            return _Tagged("!resource", self.labels.get(known.urn, known.urn))
        computed = unknown is UNKNOWN
        if isinstance(known, Mapping):
            of = unknown if isinstance(unknown, Mapping) else {}
            return {str(key): self.of(UNKNOWN if computed else of.get(key), item) for key, item in known.items()}
        if isinstance(known, list):
            items = unknown if isinstance(unknown, list) and len(unknown) == len(known) else [unknown] * len(known)
            return [self.of(item, plain) for item, plain in zip(items, known, strict=True)]
        if isinstance(known, str):
            return self._text(known, computed=computed)
        return _Tagged("!unknown", str(known)) if computed else known

    def _text(self, text: str, *, computed: bool) -> Any:
        document = _document(text)
        if document is not None:
            return _Tagged("!json", self._named(document) if computed else document)
        if not computed:
            return text
        named = self.name(text)
        return named if named != text else _Tagged("!unknown", text)

    def _named(self, value: Any) -> Any:
        """Return a document with the names of what other resources computed."""
        if isinstance(value, Mapping):
            return {self.name(key): self._named(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._named(item) for item in value]
        return self.name(value) if isinstance(value, str) else value


def _document(text: str) -> Any:
    if not text.startswith(("{", "[")):
        return None
    try:
        document = json.loads(text)
    except ValueError:
        return None
    return document if isinstance(document, dict | list) else None
