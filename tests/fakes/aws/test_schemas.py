import functools
import importlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from support import STACKS, record_with, recorded, sample

from fakes.aws import schemas
from fakes.aws.schemas import check, convert
from fakes.aws.schemas_conversion import Counterpart
from fakes.aws.schemas_mapping import COUNTERPARTS, UNTAGGED, WITHOUT_COUNTERPART
from prismctl.project import ROOT, Project
from recording import synthetic
from recording.graph import UNKNOWN, Graph, Reference, Resource, Secret

CLUSTER = "aws:rds/cluster:Cluster"
INSTANCE = "aws:rds/clusterInstance:ClusterInstance"
CACHE = "aws:elasticache/replicationGroup:ReplicationGroup"
NODES = "aws:eks/nodeGroup:NodeGroup"
CONTROL_PLANE = "aws:eks/cluster:Cluster"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
LISTENER = "aws:lb/listener:Listener"
ROLE = "aws:iam/role:Role"

AURORA = {"engine": "aurora-postgresql"}
VALKEY = {"engine": "valkey", "description": "cache", "transitEncryptionEnabled": True}
NODE_GROUP = {"clusterName": "c", "nodeRoleArn": UNKNOWN, "subnetIds": UNKNOWN}
PLANE = {"roleArn": UNKNOWN, "vpcConfig": {"subnetIds": UNKNOWN}}
RULE = {"securityGroupId": UNKNOWN, "ipProtocol": "tcp", "fromPort": 443, "toPort": 443}
HTTPS = {"loadBalancerArn": UNKNOWN, "defaultActions": [{"type": "forward", "targetGroupArn": UNKNOWN}]}


def described(type_: str, inputs: Mapping[str, Any], region: str = "us-east-1") -> list[str]:
    return [str(problem) for problem in check(type_, inputs, region)]


def resources(graph: Graph) -> Iterator[Resource]:
    return (resource for resource in graph.resources if resource.type.startswith("aws:"))


DECISION = {"until": "2026-12-01", "reason": "what the test is about", "owner": "tests"}
OPTIONS: Sequence[Mapping[str, Mapping[str, Any]]] = (
    {
        "network": {"vpn_gateway": True},
        "observability": {"alert_emails": ["platform@example.com"]},
        "database": {"upgrade": {**DECISION, "to": "17.11"}, "apply_immediately": DECISION},
        "cache": {"upgrade": {**DECISION, "to": "9.1"}, "apply_immediately": DECISION},
    },
    {
        "database": {"restore_from": {"time": "latest", "source": "cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ"}},
        "cache": {"restore_from": {"snapshot": "before-it"}},
    },
    {"database": {"restore_from": {"time": "2026-11-20T04:00:00Z"}}},
    {"database": {"restore_from": {"snapshot": "before-it"}}},
)
"""What no stack of this repository asks for in quiet times: an upgrade, and each kind of restore."""


@functools.cache
def with_options(number: int) -> Graph:
    config = Project(ROOT).config("dev")
    edited = {
        name: json.dumps({**json.loads(config[f"ai-prism:{name}"]), **keys}) for name, keys in OPTIONS[number].items()
    }
    return record_with("dev", **edited)


@pytest.fixture(scope="module")
def program() -> tuple[Resource, ...]:
    graphs = [*(recorded(stack, known=True) for stack in STACKS), *map(with_options, range(len(OPTIONS)))]
    return tuple(resource for graph in graphs for resource in resources(graph))


@pytest.mark.parametrize("number", range(len(OPTIONS)))
def test_an_upgrade_or_a_restore_gets_as_far_as_aws_in_the_engines_scenarios(number: int) -> None:
    data_stores = ("aws:rds/", "aws:elasticache/")
    refused = {
        resource.urn: problems
        for resource in resources(with_options(number))
        if resource.type.startswith(data_stores) and (problems := described(resource.type, resource.inputs))
    }
    assert refused == {}


@pytest.fixture(scope="module")
def used(program: tuple[Resource, ...]) -> frozenset[tuple[str, str]]:
    """Every type of the program with every property it gives, lists left out of the path."""
    return frozenset((resource.type, path) for resource in program for path in paths(resource.inputs))


def paths(value: Any, prefix: str = "") -> Iterator[str]:
    match value:
        case Secret(inner):
            yield from paths(inner, prefix)
        case Mapping():
            for name, item in value.items():
                path = f"{prefix}.{name}" if prefix else name
                yield path
                yield from paths(item, path)
        case list():
            for item in value:
                yield from paths(item, prefix)


@pytest.mark.parametrize("stack", sample(STACKS, "dev"))
def test_aws_takes_every_resource_of_the_program(stack: str) -> None:
    refused = {
        resource.urn: problems
        for resource in resources(recorded(stack, known=True))
        if (problems := described(resource.type, resource.inputs))
    }
    assert refused == {}


@pytest.mark.parametrize("stack", sample(("dev", "prod"), "dev"))
def test_nothing_is_refused_for_being_unknown_in_a_preview(stack: str) -> None:
    refused = {
        resource.urn: problems
        for resource in resources(recorded(stack, known=False))
        if (problems := described(resource.type, resource.inputs))
    }
    assert refused == {}


@pytest.mark.parametrize(
    ("type_", "inputs", "region", "path", "reason"),
    [
        (CLUSTER, {**AURORA, "engineVersion": "17.99"}, "us-east-1", "engineVersion", "'17.99' is not one of"),
        (CLUSTER, {**AURORA, "backupRetentionPeriod": 99}, "us-east-1", "backupRetentionPeriod", "maximum of 35"),
        (CLUSTER, {"engine": "aurora-postgres"}, "us-east-1", "engine", "'aurora-postgres' is not one of"),
        (CLUSTER, {**AURORA, "clusterIdentifier": "x" * 64}, "us-east-1", "clusterIdentifier", "longer than 63"),
        (INSTANCE, {**AURORA, "instanceClass": "db.r6gg.large"}, "us-east-1", "instanceClass", "'db.r6gg.large' is"),
        (CACHE, {**VALKEY, "nodeType": "cache.r6g.huge"}, "us-east-1", "nodeType", "'cache.r6g.huge' is not one of"),
        (CACHE, {**VALKEY, "engineVersion": "8.7"}, "us-east-1", "engineVersion", "'8.7' is not one of"),
        (
            NODES,
            {**NODE_GROUP, "instanceTypes": ["t3.medium", "p5.48xlarge"]},
            "eu-central-2",
            "instanceTypes[1]",
            "in 'eu-central-2'",
        ),
        (NODES, {**NODE_GROUP, "amiType": "AL2023"}, "us-east-1", "amiType", "'AL2023' is not one of"),
        (
            CONTROL_PLANE,
            {**PLANE, "enabledClusterLogTypes": ["api", "audits"]},
            "us-east-1",
            "enabledClusterLogTypes[1]",
            "'audits' is not one of",
        ),
        (CONTROL_PLANE, {**PLANE, "version": "136"}, "us-east-1", "version", "does not match"),
        ("aws:ec2/subnet:Subnet", {"vpcId": UNKNOWN, "cidrBlock": "10.10.0.0/40"}, "us-east-1", "cidrBlock", "ipv4"),
        ("aws:ec2/subnet:Subnet", {"vpcId": "vpc-1"}, "us-east-1", "vpcId", "AWS::EC2::VPC.Id"),
        (NODES, {**NODE_GROUP, "subnetIds": "subnet-1"}, "us-east-1", "subnetIds", "is not of type 'array'"),
        ("aws:route53/record:Record", {"name": "a", "type": "AAAAA"}, "us-east-1", "type", "known values"),
        (INGRESS, {**RULE, "cidrIpv4": "10.0.0/8"}, "us-east-1", "cidrIpv4", "is not a 'ipv4-network'"),
        ("aws:cloudwatch/logGroup:LogGroup", {"retentionInDays": 17}, "us-east-1", "retentionInDays", "17 is not one"),
        ("aws:cloudwatch/logGroup:LogGroup", {"name": "x" * 513}, "us-east-1", "name", "longer than 512"),
        ("aws:kms/key:Key", {"deletionWindowInDays": 3}, "us-east-1", "deletionWindowInDays", "minimum of 7"),
        ("aws:ecr/repository:Repository", {"name": "Company/api"}, "us-east-1", "name", "'Company/api' does not match"),
        (LISTENER, {**HTTPS, "sslPolicy": "ELBSecurityPolicy-TLS13-1-4"}, "us-east-1", "sslPolicy", "known values"),
        (ROLE, {"assumeRolePolicy": UNKNOWN, "name": "x" * 65}, "us-east-1", "name", "longer than 64"),
        (ROLE, {"assumeRolePolicy": "{"}, "us-east-1", "assumeRolePolicy", "not JSON"),
        (
            ROLE,
            {"assumeRolePolicy": '{"Statement": [{"Effect": "Alow", "Principal": "*", "Action": "sts:AssumeRole"}]}'},
            "us-east-1",
            "assumeRolePolicy.Statement[0].Effect",
            "'Alow' is not one of",
        ),
        (ROLE, {}, "us-east-1", "", "'AssumeRolePolicyDocument' is a required property"),
        ("aws:ec2/vpc:Vpc", {"cidrBlock": "10.0.0.0/16", "tags": {"x" * 129: "1"}}, "us-east-1", None, "longer than"),
        (
            "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
            {"rules": [{"status": "Enabled", "expiration": {"days": 14}}, {"status": "On"}]},
            "us-east-1",
            "rules[1].status",
            "'On' is not one of",
        ),
        (
            "aws:budgets/budget:Budget",
            {"budgetType": "COST", "timeUnit": "MONTHLY", "limitAmount": "many", "limitUnit": "USD"},
            "us-east-1",
            "limitAmount",
            "'many' is not of type 'number'",
        ),
    ],
)
def test_aws_refuses(type_: str, inputs: Mapping[str, Any], region: str, path: str | None, reason: str) -> None:
    found = check(type_, inputs, region)
    assert any(path in (None, problem.path) and reason in problem.reason for problem in found), found


def test_what_one_region_offers_another_may_not() -> None:
    inputs = {**NODE_GROUP, "instanceTypes": ["p5.48xlarge"]}
    assert check(NODES, inputs, "us-east-1") == []
    assert check(NODES, inputs, "eu-central-2") != []


def test_what_is_wrong_beside_an_unknown_value_is_found_nevertheless() -> None:
    inputs = {"engine": UNKNOWN, "engineVersion": "17.99", "backupRetentionPeriod": 99, "kmsKeyId": Reference("u", "i")}
    assert [problem.path for problem in check(CLUSTER, inputs, "us-east-1")] == ["backupRetentionPeriod"]


@pytest.mark.parametrize("part", sample(range(4), 0))
def test_any_property_of_the_program_may_be_unknown(part: int) -> None:
    all_types = {resource.type: resource for resource in resources(recorded("dev", known=True))}
    one_of_each = dict(sorted(all_types.items())[part::4])
    refused = {
        f"{type_} {name}": problems
        for type_, resource in one_of_each.items()
        for name in resource.inputs
        if (problems := described(type_, {**resource.inputs, name: UNKNOWN}))
    }
    assert refused == {}


@pytest.mark.parametrize("value", [UNKNOWN, Secret(UNKNOWN), [UNKNOWN], [{"name": UNKNOWN, "values": UNKNOWN}], []])
@pytest.mark.parametrize("name", ["notifications", "costFilters", "limitAmount"])
def test_what_is_unknown_may_be_unknown_at_any_depth(name: str, value: Any) -> None:
    found = check("aws:budgets/budget:Budget", {"budgetType": "COST", "timeUnit": "MONTHLY", name: value}, "us-east-1")
    assert [problem for problem in found if "is not" in problem.reason and name not in problem.path] == []


def test_two_unknown_values_are_not_the_same_twice() -> None:
    assert check("aws:lb/loadBalancer:LoadBalancer", {"subnets": [UNKNOWN, UNKNOWN]}, "us-east-1") == []
    assert check("aws:lb/loadBalancer:LoadBalancer", {"subnets": ["subnet-12345678"] * 2}, "us-east-1") != []


@pytest.mark.parametrize(
    ("type_", "inputs", "path"),
    [
        (CLUSTER, {**AURORA, "masterUsername": Secret("1-hush")}, "masterUsername"),
        (CLUSTER, {**AURORA, "engineVersion": Secret("1-hush")}, "engineVersion"),
        (CACHE, {**VALKEY, "nodeType": Secret("1-hush")}, "nodeType"),
        (LISTENER, {**HTTPS, "sslPolicy": Secret("1-hush")}, "sslPolicy"),
        (ROLE, {"assumeRolePolicy": Secret('{"Statement": [{"Effect": "1-hush"}]}')}, "assumeRolePolicy.Statement[0]"),
    ],
)
def test_a_secret_is_looked_into_and_not_shown(type_: str, inputs: Mapping[str, Any], path: str) -> None:
    found = check(type_, inputs, "us-east-1")
    assert any(problem.path.startswith(path) for problem in found), found
    assert "hush" not in str(found)


def test_one_resource_says_nothing_about_the_next() -> None:
    endpoint = {"vpcId": "vpc-12345678", "serviceName": "com.amazonaws.us-east-1.logs", "vpcEndpointType": "Interface"}
    for _ in range(2):
        assert check("aws:ec2/vpcEndpoint:VpcEndpoint", {**endpoint, "privateDnsEnabled": True}, "us-east-1") == []


def test_a_type_that_nobody_declared_is_an_error() -> None:
    with pytest.raises(LookupError, match="sqs/queue"):
        check("aws:sqs/queue:Queue", {}, "us-east-1")


def test_every_type_is_mapped_or_listed_with_a_reason(program: tuple[Resource, ...]) -> None:
    types = {resource.type for resource in program} | {type_ for type_ in synthetic.OUTPUTS if type_.startswith("aws:")}
    assert types == {*COUNTERPARTS, *WITHOUT_COUNTERPART}
    assert not {*COUNTERPARTS} & {*WITHOUT_COUNTERPART}


def test_every_property_of_the_program_is_mapped_or_listed_with_a_reason(program: tuple[Resource, ...]) -> None:
    forgotten = {
        f"{resource.type} {path}"
        for resource in program
        if resource.type in COUNTERPARTS
        for path in convert(resource.type, resource.inputs).undeclared
    }
    assert forgotten == set()


ADDED = {"name", "identifier", "bucket", "tags"}
"""What the provider adds where the program says nothing: names it makes up, and default tags."""


def entries(counterpart: Counterpart) -> Iterator[str]:
    yield from (*counterpart.renamed, *counterpart.unmapped, *counterpart.values, *counterpart.open)
    for probe in counterpart.probes:
        yield from probe.properties


def test_no_entry_is_stale(used: frozenset[tuple[str, str]]) -> None:
    stale = {
        f"{type_} {path}"
        for type_, counterpart in COUNTERPARTS.items()
        for path in entries(counterpart)
        if (type_, path) not in used and path not in ADDED
    }
    assert stale == set()


@pytest.mark.parametrize("type_", sorted(COUNTERPARTS))
def test_every_mapped_property_is_in_the_schema(type_: str) -> None:
    counterpart = COUNTERPARTS[type_]
    for path in counterpart.renamed:
        if "." not in path:
            assert convert(type_, {path: UNKNOWN}).undeclared == []
    assert set(counterpart.given) <= set(schemas.schema(counterpart.type)["properties"])
    for probe in counterpart.probes:
        assert {*probe.properties.values(), *probe.given} <= set(schemas.schema(probe.type)["properties"])


def sdk_takes_tags(type_: str) -> bool:
    """Tell whether the installed SDK gives a type tags of its own, and their sum with the provider's."""
    module, _, name = type_.removeprefix("aws:").rpartition(":")
    resource = getattr(importlib.import_module(f"pulumi_aws.{module.partition('/')[0]}"), name)
    return hasattr(resource, "tags") and hasattr(resource, "tags_all")


def test_default_tags_are_added_to_those_types_to_which_the_sdk_gives_tags() -> None:
    types = {*COUNTERPARTS, *WITHOUT_COUNTERPART}

    assert {type_ for type_ in types if not sdk_takes_tags(type_)} == UNTAGGED


@pytest.mark.parametrize("path", ["cidrBlok", "cidr_block"])
def test_a_property_that_aws_does_not_have_is_refused_where_it_stands(path: str) -> None:
    assert path in [problem.path for problem in check("aws:ec2/vpc:Vpc", {path: "10.0.0.0/16"}, "us-east-1")]
    inputs = {**PLANE, "vpcConfig": {"subnetIds": UNKNOWN, path: "10.0.0.0/16"}}
    assert f"vpcConfig.{path}" in [problem.path for problem in check(CONTROL_PLANE, inputs, "us-east-1")]


def test_what_has_the_same_name_needs_no_entry() -> None:
    needless = {
        f"{type_} {path}"
        for type_, counterpart in COUNTERPARTS.items()
        for path, target in counterpart.renamed.items()
        if "." not in path and path.lower() == target.lower()
    }
    assert needless == set()


def test_what_has_no_place_would_not_find_one_by_its_name() -> None:
    found = {
        f"{type_} {path}"
        for type_, counterpart in COUNTERPARTS.items()
        for path in counterpart.unmapped
        if path.lower() in {name.lower() for name in schemas.schema(counterpart.type)["properties"]}
    }
    assert found == set()


def test_where_anything_is_said_to_go_anything_goes() -> None:
    odd = f"1.99-{'x' * 40}"
    closed = {
        f"{type_} {path}"
        for type_, counterpart in COUNTERPARTS.items()
        for path in counterpart.open
        for value in ([{"name": odd, "value": odd}] if path == "parameters" else odd,)
        if any(problem.path == path for problem in check(type_, {path: value}, "us-east-1"))
    }
    assert closed == set()


def test_cfn_lint_is_not_loaded_before_the_first_check() -> None:
    code = "import sys, fakes.aws.schemas; sys.exit('cfnlint' in sys.modules)"
    tests = Path(__file__).parents[2]
    environment = {"PYTHONPATH": f"{tests}:{ROOT}"}
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, env=environment)  # noqa: S603  # no input
