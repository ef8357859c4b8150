"""Policy documents of IAM and of resources (keys, buckets, queues), in whatever style they were written.

Elements may be one or a list, keys `Statement`, `statement` or `statements`; actions compare without case, as in AWS:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from policy.conditions import Condition, is_positive, is_wild, matches
from policy.properties import MISSING, Properties, Undetermined, join, opened, plain
from recording.graph import Unknown


@dataclass(frozen=True)
class Statement:
    """One statement of a policy; reads its elements one by one, so that an unknown resource hides no principal."""

    node: Properties

    @property
    def path(self) -> str:
        return self.node.path

    @property
    def allows(self) -> bool:
        effect = str(self._element("Effect", "Allow")).lower()
        if effect not in ("allow", "deny"):
            raise Undetermined(self.at("Effect"), "is neither Allow nor Deny")
        return effect == "allow"

    @property
    def actions(self) -> tuple[str, ...]:
        """Return the allowed or denied actions in lower case."""
        return tuple(action.lower() for action in _texts(self._element("Action", [])))

    @property
    def not_actions(self) -> tuple[str, ...]:
        return tuple(action.lower() for action in _texts(self._element("NotAction", [])))

    @property
    def resources(self) -> tuple[str, ...]:
        return _texts(self._element("Resource", []))

    @property
    def not_resources(self) -> tuple[str, ...]:
        return _texts(self._element("NotResource", []))

    @property
    def principals(self) -> tuple[tuple[str, str], ...]:
        """Return kind and name of each principal; `*` alone is `("AWS", "*")`."""
        return _principals(self._element("Principal", {}))

    @property
    def not_principals(self) -> tuple[tuple[str, str], ...]:
        return _principals(self._element("NotPrincipal", {}))

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Return all conditions."""
        found, unknown = self.known_conditions()
        if unknown:
            raise unknown
        return found

    def known_conditions(self) -> tuple[tuple[Condition, ...], Undetermined | None]:
        """Return the conditions that are known, and what is not known of the others: each of them only narrows."""
        found: list[Condition] = []
        unknown = None
        for operator, keys in self._part("Condition"):
            path = join(self.at("Condition"), operator)
            if isinstance(keys, Unknown):
                unknown = Undetermined(path)
            elif isinstance(keys, Mapping):
                for key, values in keys.items():
                    try:
                        texts = _texts(plain(values, join(path, str(key))))
                    except Undetermined as one:
                        unknown = one
                    else:
                        found.append(Condition(operator.lower(), str(key).lower(), texts))
        return tuple(found), unknown

    def known_principals(self, element: str, kind: str = "") -> tuple[tuple[tuple[str, str], ...], Undetermined | None]:
        """Return the principals (of a kind) that are known, and what is not known of the others: each is one more."""
        value = self._raw(element)
        if isinstance(value, Unknown):
            return (), Undetermined(self.at(element))
        kinds = value.items() if isinstance(value, Mapping) else [("AWS", [] if value is None else value)]
        found: list[tuple[str, str]] = []
        unknown = None
        for each, names in kinds:
            names_ = opened(names)
            if kind and str(each).lower() != kind:
                continue
            for name in names_ if isinstance(names_, list) else [names_]:
                try:
                    found.append((str(each), str(plain(name, self.at(element)))))
                except Undetermined as one:
                    unknown = one
        return tuple(found), unknown

    def covers(self, action: str) -> bool:
        """Whether the statement is about an action such as `kms:Decrypt`, by name, by wildcard or by NotAction."""
        action = action.lower()
        if self.not_actions:
            return not any(matches(pattern, action) for pattern in self.not_actions)
        return any(matches(pattern, action) for pattern in self.actions)

    def is_narrowed(self, *keys: str) -> bool:
        """Whether a condition requires a value without wildcards for a key that begins like one of these."""
        return any(
            is_positive(each.operator)
            and each.key.startswith(keys)
            and all(value and not is_wild(value) for value in each.values)
            for each in self.conditions
        )

    def has(self, element: str) -> bool:
        """Whether an element is there and not empty, whatever is known of it."""
        return self._raw(element) not in (None, {}, [])

    def at(self, element: str) -> str:
        """Return the path of an element, as it is spelt there."""
        return join(self.path, _spelling(self.node.value, element) or element)

    def _element(self, name: str, default: Any) -> Any:
        found = self._raw(name)
        return default if found is None else plain(found, self.at(name))

    def _part(self, name: str) -> Iterator[tuple[str, Any]]:
        """Yield key and value of an element that is an object."""
        found = self._raw(name)
        if isinstance(found, Unknown):
            raise Undetermined(self.at(name))
        if isinstance(found, Mapping):
            yield from ((str(key), opened(value)) for key, value in found.items())

    def _raw(self, name: str) -> Any:
        value = self.node.value
        if isinstance(value, Unknown):
            raise Undetermined(self.path)
        if not isinstance(value, Mapping):
            raise Undetermined(self.path, "is no statement")
        key = _spelling(value, name)
        return opened(value[key]) if key is not None else None


def statements(resource: Any, path: str) -> Iterator[Statement]:
    """Yield the statements of the document at `path`; raises Undetermined where it is unknown or no document."""
    document = resource.document(path)
    if document.value == {}:
        return
    key = _spelling(document.value, "Statement")
    if key is None:
        raise Undetermined(document.path, "is no policy document")
    listed = opened(document.value[key])
    if isinstance(listed, Unknown):
        raise Undetermined(document.at(key))
    if not isinstance(listed, list):
        yield Statement(Properties(listed, document.at(key)))
        return
    for index, item in enumerate(listed):
        yield Statement(Properties(opened(item), join(document.at(key), index)))


def _spelling(value: Any, name: str) -> str | None:
    """Return the key of a mapping that means `name`: case, underscores and a plural's `s` do not matter."""
    if isinstance(value, Unknown):
        raise Undetermined("")
    if not isinstance(value, Mapping):
        return None
    if name in value:
        return name
    return next((key for key in value if _bare(key) == _bare(name)), None)


def _bare(key: str) -> str:
    return key.replace("_", "").lower().removesuffix("s")


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(item) for item in (value if isinstance(value, list) else [value]))


def _principals(value: Any) -> tuple[tuple[str, str], ...]:
    if value is MISSING or value == {}:
        return ()
    if not isinstance(value, Mapping):
        return tuple(("AWS", name) for name in _texts(value))
    return tuple((str(kind), name) for kind, names in value.items() for name in _texts(names))
