"""Changes of a recorded program, one at a time: what an attacker or a tired colleague would do."""

import copy
import dataclasses
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from policy.properties import opened, parse
from policy.registry import rules_for
from policy.runner import is_judged_below
from policy.view import Resource, Stack

GONE = object()
"""In place of a value: the property is taken out."""


@dataclass(frozen=True)
class Mutation:
    """One change of one resource; without a path the whole resource goes."""

    urn: str
    type: str
    path: str
    value: Any
    what: str

    def __str__(self) -> str:
        parts = (self.type.rpartition(":")[2], self.urn.rpartition("::")[2], self.path, self.what)
        return " ".join(part for part in parts if part)

    def applied(self, stack: Stack) -> Stack:
        kept = [each for each in stack.resources if self.path or each.urn != self.urn]
        return Stack(name=stack.name, resources=tuple(map(self._changed, kept)))

    def _changed(self, resource: Resource) -> Resource:
        if resource.urn != self.urn:
            return resource
        if self.path == "(protect)":
            return dataclasses.replace(resource, protect=self.value)
        if self.path == "(ignoreChanges)":
            return dataclasses.replace(resource, ignore_changes=(*resource.ignore_changes, self.value))
        inputs = put(resource.inputs.value, self.path, self.value)
        # What is no longer made from another resource does not depend on it either.
        needs = {key: urns for key, urns in resource.property_dependencies.items() if key != self.path}
        return dataclasses.replace(resource, read_inputs=lambda: inputs, property_dependencies=needs)


def put(inputs: Any, path: str, value: Any) -> Any:
    """Return a copy of `inputs` with another value at `path`, which may lead into a JSON document."""
    changed: Any = copy.deepcopy(dict(inputs))
    *parents, last = parse(path)
    documents: list[tuple[Any, Any, Any]] = []
    current = changed
    for step in parents:
        if step not in current if isinstance(current, dict) else len(current) <= step:
            current[step] = {}
        inner = opened(current[step])
        if isinstance(inner, str):
            parsed = json.loads(inner)
            documents.append((current, step, parsed))
            inner = parsed
        current = inner
    if value is GONE:
        del current[last]
    elif isinstance(current, list) and last == len(current):
        current.append(value)
    else:
        current[last] = value
    for holder, step, document in reversed(documents):
        holder[step] = json.dumps(document)
    return changed


def generated(stack: Stack, bad: Mapping[tuple[str, str], list[Any]]) -> Iterator[Mutation]:
    """Yield changes for the worse of the properties on which rules depend.

    Switches are turned; lists, objects and keys for encryption are taken out; documents allow everybody everything;
    and what a rule's fixtures call a violation (`bad`, by type and path) takes the place of what is there. What stands
    beside a resource and guards it goes as a whole.
    """
    seen: set[tuple[str, str, str, str]] = set()
    for resource in stack.resources:
        if resource.type in TAKEN_OUT:
            yield Mutation(resource.urn, resource.type, "", GONE, "is taken out")
        if resource.protect and resource.type in PROTECTED:
            yield Mutation(resource.urn, resource.type, "(protect)", False, "goes")
        for path, what, value in _changes(resource, stack, bad):
            # Of resources that are alike, a few will do.
            key = resource.type, re.sub(r"\[\d+\]", "[]", path), what
            number = sum((*key, str(each)) in seen for each in range(ALIKE))
            if number < ALIKE:
                seen.add((*key, str(number)))
                yield Mutation(resource.urn, resource.type, path, value, what)


PROTECTED = (
    "aws:rds/cluster:Cluster",
    "aws:kms/key:Key",
    "aws:s3/bucket:Bucket",
    "aws:eks/cluster:Cluster",
    "aws:elasticache/replicationGroup:ReplicationGroup",
)
TAKEN_OUT = (
    "aws:ec2/flowLog:FlowLog",
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
    "aws:wafv2/webAclAssociation:WebAclAssociation",
    "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
    "aws:s3/bucketVersioning:BucketVersioning",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    "aws:s3/bucketPolicy:BucketPolicy",
    "aws:s3/bucketLogging:BucketLogging",
    "aws:ecr/lifecyclePolicy:LifecyclePolicy",
    "aws:budgets/budget:Budget",
)
"""What stands beside a resource and guards it."""

REQUIRED = ("subnetIds",)
"""What the provider does not do without."""
ALIKE = 4
_EVERYTHING = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}


def _changes(
    resource: Resource, stack: Stack, bad: Mapping[tuple[str, str], list[Any]]
) -> Iterator[tuple[str, str, Any]]:
    # What a component is told reaches what it makes, and is changed there.
    judging = [rule for rule in rules_for(resource.type) if not is_judged_below(rule, resource, stack)]
    for read in sorted({read for rule in judging for read in rule.paths}):
        for path in _existing(resource.inputs.value, read):
            value = resource.peek(path)
            for worse in bad.get((resource.type, read), []):
                if worse != value:
                    yield path, f"= {json.dumps(worse)[:60]}", worse
            if isinstance(value, bool) or value in ("true", "false"):
                yield path, "is turned", (value is False or value == "false")
            elif isinstance(value, str) and value.startswith("{") and "Statement" in value:
                number = len(json.loads(value)["Statement"])
                yield f"{path}.Statement[{number}]", "allows everybody everything", _EVERYTHING
            elif path not in REQUIRED and (isinstance(value, list | dict) or "kms" in path.lower()):
                yield path, "is taken out", GONE


def _existing(inputs: Any, read: str) -> Iterator[str]:
    """Yield where the inputs have what a rule's path means, the first element of each list."""
    found = [("", inputs)]
    for part in re.findall(r'\["[^"]*"\]|\[\]|[^.\[\]]+', read):
        following = []
        for path, value in found:
            inner = opened(value)
            if part == "[]":
                if isinstance(inner, list) and inner:
                    following.append((f"{path}[0]", inner[0]))
                elif isinstance(inner, dict):
                    following.append((path, inner))
            elif isinstance(inner, dict):
                for key in list(inner)[:1] if part == "*" else [part.strip('[]"')]:
                    if key in inner:
                        step = f'["{key}"]' if re.search(r"[.\[\]/]", key) else f".{key}" if path else key
                        following.append((f"{path}{step}", inner[key]))
        found = following
    yield from (path for path, _ in found if path)


def by_hand(stack: Stack, changes: list[tuple[str, str, str, Any]]) -> Iterator[Mutation]:
    """Yield changes given as end of the type, name of the resource, path and value."""
    for kind, name, path, value in changes:
        found = [
            each for each in stack.resources if each.custom and each.type.endswith(f":{kind}") and each.name == name
        ]
        if len(found) != 1:
            raise LookupError(f"{len(found)} resources of kind {kind} are called {name}")
        shown = "is taken out" if value is GONE else f"= {json.dumps(value)[:60]}"
        yield Mutation(found[0].urn, found[0].type, path, value, shown)
