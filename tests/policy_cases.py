"""The fixtures of the rules, as they stand in `tests/policy/fixtures/<module>.yaml`.

A case is the inputs of one resource of the rule's first type, or has keys of its own: `resources` (or `inputs`),
`environment`, `config`, `finds`, `controls` (of whose definition it is made), and of a plan `leftOut` and `removed`.
`!unknown`, `!secret x`, `!ref name`, `!id name` and `!arn name` stand for values.
"""

import datetime
import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from policy.reference import CONTROL
from policy.registry import Rule, Settings, rules
from policy.runner import run
from policy.view import Resource, Stack
from policy.waivers import Waiver
from recording.graph import UNKNOWN, Secret

FOLDER = Path(__file__).parent / "policy" / "fixtures"
SECTIONS = ("compliant", "violating", "unknown", "absent-violates", "absent-satisfies")
_CASE_KEYS = frozenset(
    {
        "resources",
        "waivers",
        "inputs",
        "environment",
        "config",
        "finds",
        "controls",
        "type",
        "name",
        "protect",
        "ignoreChanges",
        "deleteBeforeReplace",
        "replaceOnChanges",
        "retainOnDelete",
        "customTimeouts",
        "ignoresKnown",
        "leftOut",
        "removed",
    }
)
TODAY = datetime.date(2026, 11, 23)
UNROTATED = Waiver(
    rule="kms-rotate",
    urn="urn:pulumi:prod::shop::*::data",
    path="enableKeyRotation",
    owner="web",
    ticket="WEB-1",
    reason="moving",
    expires=TODAY + datetime.timedelta(days=120),
    value=False,
)
"""The waiver of a key that is not rotated."""


@dataclass(frozen=True)
class Ref:
    """A value that refers to another resource of the case: unknown (`ref`), or its known `id` or `arn`."""

    kind: str
    name: str


class _Loader(yaml.SafeLoader):
    pass


_Loader.add_constructor("!unknown", lambda _loader, _node: UNKNOWN)
_Loader.add_constructor("!secret", lambda loader, node: Secret(_value(loader, node)))
for _kind in ("ref", "id", "arn"):
    _Loader.add_constructor(f"!{_kind}", lambda loader, node, kind=_kind: Ref(kind, loader.construct_scalar(node)))


def _value(loader: yaml.SafeLoader, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node)


@dataclass(frozen=True)
class Case:
    """One example for a rule."""

    rule: Rule
    section: str
    number: int
    body: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.rule.id}-{self.section}-{self.number}"

    @property
    def is_long(self) -> bool:
        """Whether it has keys of its own, and is not just the inputs of one resource."""
        return bool(_CASE_KEYS & self.body.keys())

    @property
    def raw(self) -> list[Mapping[str, Any]]:
        """Return the resources as they are written."""
        if not self.is_long:
            return [{"inputs": self.body}]
        return self.body.get("resources") or [self.body]

    @property
    def finds(self) -> list[str] | None:
        """Return the property paths that must be found, where the case says so."""
        return self.body.get("finds")

    @property
    def controls(self) -> tuple[str, ...]:
        """Return the controls, in public catalogues, of whose definition the case is made."""
        return tuple(CONTROL.findall(self.body.get("controls", "")))

    @property
    def settings(self) -> Settings:
        config = {self.rule.id: self.body["config"]} if "config" in self.body else {}
        return Settings(
            environment=self.body.get("environment", "prod"), today=TODAY, config=config, waivers=self._waivers
        )

    @property
    def _waivers(self) -> list[Waiver]:
        return [Waiver(**each) for each in self.body.get("waivers", ())]

    @property
    def stack(self) -> Stack:
        urns = {each.get("name", "example"): self._urn(each) for each in reversed(self.raw)}
        return Stack(
            name="prod",
            resources=tuple(self._resource(each, urns) for each in self.raw),
            left_out=self.body.get("leftOut", 0),
            removed=tuple(self._resource(each, urns) for each in self.body.get("removed", ())),
        )

    def report(self) -> Any:
        return run(self.stack, self.settings, only=[self.rule])

    def _urn(self, raw: Mapping[str, Any]) -> str:
        return f"urn:pulumi:prod::example::{self._type(raw)}::{raw.get('name', 'example')}"

    def _type(self, raw: Mapping[str, Any]) -> str:
        return raw.get("type", self.rule.types[0].replace("*", ""))

    def _resource(self, raw: Mapping[str, Any], urns: Mapping[str, str]) -> Resource:
        inputs = raw.get("inputs") or {}
        name = raw.get("name", "example")
        return Resource(
            urn=self._urn(raw),
            type=self._type(raw),
            name=name,
            id=f"id-of-{name}",
            custom=self._type(raw).split(":")[0] in ("aws", "kubernetes", "pulumi"),
            external=raw.get("external", False),
            parent=urns.get(raw.get("parent", ""), ""),
            provider_urn=urns.get(raw.get("provider", ""), ""),
            property_dependencies={key: tuple(_references(value, urns)) for key, value in inputs.items()},
            protect=raw.get("protect", False),
            ignore_changes=tuple(raw.get("ignoreChanges", ())),
            delete_before_replace=raw.get("deleteBeforeReplace", False),
            replace_on_changes=tuple(raw.get("replaceOnChanges", ())),
            retain_on_delete=raw.get("retainOnDelete", False),
            custom_timeouts=raw.get("customTimeouts", {}),
            ignores_known=raw.get("ignoresKnown", True),
            read_inputs=functools.partial(_resolve, inputs),
            read_outputs=functools.partial(_resolve, {"arn": Ref("arn", name), **(raw.get("outputs") or {})}),
        )


def _references(value: Any, urns: Mapping[str, str]) -> Iterator[str]:
    match value:
        case Ref(name=name):
            yield urns[name]
        case Mapping():
            yield from (urn for item in value.values() for urn in _references(item, urns))
        case list():
            yield from (urn for item in value for urn in _references(item, urns))
        case _:
            pass


def _resolve(value: Any) -> Any:
    match value:
        case Ref(kind="id", name=name):
            return f"id-of-{name}"
        case Ref(kind="arn", name=name):
            return f"arn:aws:example:us-east-1:123456789012:{name}"
        case Ref():
            return UNKNOWN
        case Mapping():
            return {key: _resolve(item) for key, item in value.items()}
        case list():
            return [_resolve(item) for item in value]
        case _:
            return value


@functools.cache
def fixtures() -> Mapping[str, Mapping[str, list[Any]]]:
    """Return all fixtures by rule and section."""
    found: dict[str, Mapping[str, list[Any]]] = {}
    for file in sorted(FOLDER.glob("*.yaml")):
        found |= loaded(file.read_text()) or {}
    return found


def loaded(text: str) -> Any:
    """Return YAML with the tags of fixtures."""
    return yaml.load(text, Loader=_Loader)  # noqa: S506  # derives from the safe one


def cases(section: str) -> list[Case]:
    """Return the cases of one section of all rules."""
    return [
        Case(rule, section, number, body if isinstance(body, Mapping) else {})
        for rule in rules()
        for number, body in enumerate(fixtures().get(rule.id, {}).get(section, ()))
    ]
