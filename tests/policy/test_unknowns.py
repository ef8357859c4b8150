"""What every rule makes of not knowing: each part of each fixture is taken away once, whatever it is.

An unknown value may turn out to be the one that stood there. So a compliant example of which a part is unknown is
never violated, and a violating one never passes in silence; either may be undetermined.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from policy_cases import SECTIONS, Case, cases

from policy.findings import Result
from policy.properties import join
from policy.registry import Rule, rules
from recording.graph import UNKNOWN, Secret

GOOD = ("compliant", "absent-satisfies")
BAD = ("violating", "absent-violates")
FEW = (UNKNOWN, None, "")
"""What is not taken away: nothing at all is what people write, and no resource makes it."""

_BY_NAME = "whoever takes a name that is not known yet depends on its owner, and does not write it out"
KNOWN = {
    "ecr-lifecycle-compliant-1 web name": _BY_NAME,
    "eks-addons-compliant-0 cluster name": _BY_NAME,
    "eks-addons-compliant-2 cluster name": _BY_NAME,
    "eks-addons-compliant-3 cluster name": _BY_NAME,
    "ng-no-ssh-violating-3 nodes name": _BY_NAME,
    "rds-multi-az-compliant-2 data clusterIdentifier": _BY_NAME,
    "ng-private-violating-1 web subnetIds[0]": "the engine always tells from what an unknown part was made",
    "s3-tls-violating-1 example policy.Statement[0].Resource": "it is made from the bucket's ARN",
    "k8s-nonroot-violating-2 example spec.template.spec.containers[1].securityContext.runAsUser": "root is refused",
}
"""What is taken for known, and why."""
NEVER_UNKNOWN = {"secret-literal": "what is not known yet is computed, and stands nowhere in plain text"}
"""Rules for which nothing unknown can be wrong, and why."""


def parts(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the path of each known part of a value, and the value without that part."""
    match value:
        case Secret(inner):
            yield from ((where, Secret(item)) for where, item in parts(inner, path))
        case Mapping():
            for key, item in value.items():
                if item not in FEW:
                    yield join(path, str(key)), {**value, key: UNKNOWN}
                yield from ((where, {**value, key: one}) for where, one in parts(item, join(path, str(key))))
        case list():
            for index, item in enumerate(value):
                before, after = value[:index], value[index + 1 :]
                if item not in FEW:
                    yield join(path, index), [*before, UNKNOWN, *after]
                yield from ((where, [*before, one, *after]) for where, one in parts(item, join(path, index)))
        case _:
            pass


def darkened(case: Case) -> Iterator[tuple[str, Case]]:
    """Yield a case once for each part of its inputs, which is unknown there."""
    rest = {key: value for key, value in case.body.items() if case.is_long and key not in ("resources", "inputs")}
    for number, resource in enumerate(case.raw):
        name = resource.get("name", "example")
        for path, inputs in parts(resource.get("inputs") or {}):
            resources = [*case.raw]
            resources[number] = {**resource, "inputs": inputs}
            yield f"{case} {name} {path}", dataclasses.replace(case, body={**rest, "resources": resources})


def of(rule: Rule, *sections: str) -> Iterator[tuple[str, Case]]:
    for section in sections:
        for case in cases(section):
            if case.rule is rule:
                yield from darkened(case)


def results(case: Case) -> set[Result]:
    return {finding.result for finding in case.report().findings}


@pytest.fixture(params=rules(), ids=lambda each: each.id)
def each(request: pytest.FixtureRequest) -> Rule:
    return request.param


def test_what_may_be_right_is_never_called_wrong(each: Rule) -> None:
    wrong = [where for where, case in of(each, *GOOD) if results(case) - {Result.UNDETERMINED}]
    assert [where for where in wrong if where not in KNOWN] == []


def test_what_may_be_wrong_never_passes_in_silence(each: Rule) -> None:
    silent = [where for where, case in of(each, *BAD) if not results(case) and each.id not in NEVER_UNKNOWN]
    assert [where for where in silent if where not in KNOWN] == []


def test_no_unknown_part_breaks_a_rule(each: Rule) -> None:
    assert [where for where, case in of(each, *SECTIONS) if Result.CRASHED in results(case)] == []


def test_what_is_taken_for_known_is_part_of_a_fixture() -> None:
    there = {where for rule in rules() for where, _ in of(rule, *SECTIONS)}
    assert KNOWN.keys() - there == set()
