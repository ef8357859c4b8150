"""Rules may not import the program, so what they know of versions is held to `versions.yaml` here."""

import datetime
from collections.abc import Mapping

import pytest

from policy.findings import Result
from policy.registry import Settings, rules
from policy.runner import run
from policy.view import Resource, Stack
from settings import versions
from settings.versions import Release

KNOWN = versions.load()
RELEASES = [
    ("eks-version", "aws:eks/cluster:Cluster", {}, "version", KNOWN.kubernetes),
    (
        "rds-version",
        "aws:rds/cluster:Cluster",
        {"engine": "aurora-postgresql"},
        "engineVersion",
        KNOWN.aurora_postgresql,
    ),
    (
        "ec-engine",
        "aws:elasticache/replicationGroup:ReplicationGroup",
        {"engine": "valkey"},
        "engineVersion",
        KNOWN.valkey,
    ),
]
CASES = [
    pytest.param(id_, type_, {**inputs, path: version}, release, id=f"{id_}-{version}")
    for id_, type_, inputs, path, releases in RELEASES
    for version, release in releases.items()
]


def results(id_: str, type_: str, inputs: Mapping[str, str], today: datetime.date) -> list[Result]:
    resource = Resource(
        urn=f"urn:pulumi:prod::shop::{type_}::example", type=type_, name="example", read_inputs=lambda: inputs
    )
    only = [rule for rule in rules() if rule.id == id_]
    settings = Settings(environment="prod", today=today)
    report = run(Stack(name="prod", resources=(resource,)), settings, only=only)
    return [finding.result for finding in report.findings]


@pytest.mark.parametrize(("id_", "type_", "inputs", "release"), CASES)
def test_a_version_that_stacks_may_choose_is_supported_as_long_as_the_program_says(
    id_: str, type_: str, inputs: Mapping[str, str], release: Release
) -> None:
    assert results(id_, type_, inputs, KNOWN.checked) == []
    if release.support_ends:
        assert results(id_, type_, inputs, release.support_ends) == []
        assert results(id_, type_, inputs, release.support_ends + datetime.timedelta(days=1)) == [Result.VIOLATED]
