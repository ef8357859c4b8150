import functools
import importlib
import subprocess
import sys
import time
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pulumi import _types
from support import STACKS, recorded

from fakes.aws.problems import Problem
from fakes.aws.shapes import CLOSED, Shapes, read
from recording.graph import UNKNOWN, Reference, Resource, Secret

VPC = "aws:ec2/vpc:Vpc"
CLUSTER = "aws:eks/cluster:Cluster"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
INSTANCE = "aws:rds/clusterInstance:ClusterInstance"
FREE = {"tags", "labels", "dimensions"}
"""Properties of the program whose keys are nobody's to check."""

TYPES = sorted({r.type for r in recorded("prod", known=True).resources if r.type.startswith("aws:")})


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("shapes")
    for type_ in TYPES:
        Shapes(folder).known(type_)
    return folder


@pytest.fixture(scope="module")
def shapes(cache) -> Shapes:
    return Shapes(cache)


def of_aws(stack: str, *, known: bool) -> list[Resource]:
    return [resource for resource in recorded(stack, known=known).resources if resource.type.startswith("aws:")]


def cluster(**inputs: Any) -> dict[str, Any]:
    return {"roleArn": "arn", "vpcConfig": {"subnetIds": ["subnet-1"]}, **inputs}


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("stack", STACKS)
def test_all_that_the_program_gives_is_taken(shapes, stack, known):
    resources = of_aws(stack, known=known)
    assert len(resources) > 100
    assert not [(r.type, r.name, str(p)) for r in resources for p in shapes.check(r.type, r.inputs)]


def test_an_unknown_property_is_refused_with_the_one_that_was_meant(shapes):
    assert shapes.check(VPC, {"cidrBlok": "10.0.0.0/16"}) == [
        Problem("cidrBlok", "Invalid or unknown key. Did you mean 'cidrBlock'?")
    ]


def test_an_unknown_property_like_no_other_is_refused_without_a_guess(shapes):
    assert shapes.check(VPC, {"zzzz": 1}) == [Problem("zzzz", "Invalid or unknown key")]


def test_an_unknown_property_is_refused_inside_objects_lists_and_secrets(shapes):
    inputs = {"blockDeviceMappings": [{}, Secret({"ebs": {"volumeSise": 5}})]}
    assert [problem.path for problem in shapes.check(TEMPLATE, inputs)] == ["blockDeviceMappings[1].ebs.volumeSise"]


def test_python_names_are_not_wire_names(shapes):
    assert [problem.path for problem in shapes.check(VPC, {"cidr_block": "10.0.0.0/16"})] == ["cidr_block"]


def test_a_missing_property_is_refused_where_it_is_required(shapes):
    assert shapes.check(CLUSTER, {"roleArn": "arn"}) == [Problem("vpcConfig", "Missing required property")]
    assert shapes.check(CLUSTER, cluster(vpcConfig={})) == [Problem("vpcConfig.subnetIds", "Missing required property")]
    assert [problem.path for problem in shapes.check(CLUSTER, cluster(roleArn=None))] == ["roleArn"]


def test_what_is_not_known_yet_or_null_is_never_refused(shapes):
    assert not shapes.check(CLUSTER, {"roleArn": UNKNOWN, "vpcConfig": UNKNOWN, "name": None, "misspelt": None})
    assert not shapes.check(CLUSTER, cluster(vpcConfig={"subnetIds": [UNKNOWN]}, encryptionConfig=Secret(UNKNOWN)))
    assert not shapes.check(VPC, {"tags": Reference("urn:vpc", "vpc-1"), "cidrBlock": Secret(UNKNOWN)})


@pytest.mark.parametrize(
    ("type_", "inputs", "path", "reason"),
    [
        (CLUSTER, cluster(vpcConfig="x"), "vpcConfig", 'expected object type, got "x" of type string'),
        (CLUSTER, cluster(vpcConfig=[{}]), "vpcConfig", "expected object type, got [{}] of type []"),
        (CLUSTER, cluster(enabledClusterLogTypes="api"), "enabledClusterLogTypes", 'expected array type, got "api"'),
        (CLUSTER, cluster(enabledClusterLogTypes=[["api"]]), "enabledClusterLogTypes[0]", "expected string type, got"),
        (CLUSTER, cluster(name={"a": 1}), "name", 'expected string type, got {"a": 1} of type object'),
        (CLUSTER, cluster(deletionProtection="yes"), "deletionProtection", 'expected boolean type, got "yes"'),
        (CLUSTER, cluster(deletionProtection=1), "deletionProtection", "expected boolean type, got 1 of type number"),
        (VPC, {"ipv4NetmaskLength": "large"}, "ipv4NetmaskLength", 'expected number type, got "large" of type string'),
        (VPC, {"ipv4NetmaskLength": True}, "ipv4NetmaskLength", "expected number type, got true of type bool"),
        (VPC, {"tags": ["a"]}, "tags", 'expected object type, got ["a"] of type []'),
        (VPC, {"tags": {"a": {"b": "c"}}}, "tags.a", 'expected string type, got {"b": "c"} of type object'),
        (VPC, {"cidrBlock": ["x" * 99]}, "cidrBlock", f'expected string type, got ["{"x" * 25}... of type []'),
        ("aws:iam/rolePolicy:RolePolicy", {"role": "a", "policy": []}, "policy", "expected string or object type, got"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(shapes, type_, inputs, path, reason):
    (problem,) = shapes.check(type_, inputs)
    assert problem.path == path
    assert problem.reason.startswith(reason)


@pytest.mark.parametrize(
    "inputs",
    [
        {"enableDnsSupport": "true"},
        {"enableDnsSupport": "false"},
        {"ipv4NetmaskLength": "5"},
        {"ipv4NetmaskLength": 5.0},
        {"cidrBlock": 5},
        {"tags": {"encrypted": True, "size": 5, "__defaults": []}},
        {"__defaults": ["cidrBlock"]},
    ],
)
def test_what_the_provider_converts_or_passes_over_is_taken(shapes, inputs):
    assert not shapes.check(VPC, inputs)


def test_a_secret_is_looked_into_and_not_shown(shapes):
    (found,) = shapes.check(CLUSTER, cluster(vpcConfig=Secret("hunter2")))
    assert found == Problem("vpcConfig", "expected object type, got [secret] of type string")
    (found,) = shapes.check(CLUSTER, cluster(name=[Secret("hunter2")]))
    assert "hunter2" not in str(found)


@pytest.mark.parametrize(
    ("type_", "inputs", "path"),
    [
        ("aws:wafv2/webAcl:WebAcl", {"scope": "GLOBAL"}, "scope"),
        ("aws:eks/nodeGroup:NodeGroup", {"taints": [{"key": "a", "effect": "NoSchedule"}]}, "taints[0].effect"),
        # Where the SDK's type itself is closed.
        ("aws:autoscaling/notification:Notification", {"notifications": ["autoscaling:LAUNCH"]}, "notifications[0]"),
    ],
)
def test_a_value_outside_a_closed_list_is_refused(shapes, type_, inputs, path):
    found = [problem for problem in shapes.check(type_, inputs) if problem.reason.startswith("expected one of ")]
    assert [problem.path for problem in found] == [path]


def test_engines_are_those_of_the_provider_and_not_those_of_the_sdk(shapes):
    def check(engine: Any) -> list[Problem]:
        return shapes.check(INSTANCE, {"clusterIdentifier": "a", "instanceClass": "db.r6g.large", "engine": engine})

    assert not check("aurora-postgresql")
    assert not check("custom-oracle-ee")
    assert not check(UNKNOWN)
    assert [problem.path for problem in check("aurora")] == ["engine"]


def test_a_list_that_lags_behind_aws_refuses_nothing(shapes):
    assert not shapes.check("aws:ec2/instance:Instance", {"instanceType": "z9.huge", "ami": "ami-1"})


@pytest.mark.parametrize(("type_", "path"), CLOSED)
def test_closed_lists_are_those_in_the_documentation_of_the_sdk(type_, path):
    found = read(type_)
    assert found
    shape = found["inputs"]
    for step in path.replace("[]", "").split("."):
        module, _, name = shape.get("list", shape)["object"].rpartition(".")
        cls = getattr(importlib.import_module(module), name)
        shape = found["objects"][f"{module}.{name}"]["properties"][step]
    python_name = next(python for python, wire in _types.input_type_py_to_pulumi_names(cls).items() if wire == step)
    text = getattr(cls, python_name).__doc__
    assert all(f"`{value}`" in text for value in CLOSED[type_, path].split("|") if not value.endswith(".*"))


def test_a_type_that_the_provider_does_not_have_is_not_known(shapes, cache):
    for type_ in ("aws:ec2/vcp:Vpc", "aws:ec2/vpc:vpc", "aws:ec2/vpc", "kubernetes:core/v1:Pod", "aws", ""):
        assert not shapes.known(type_)
        assert not Shapes(cache).known(type_)
    with pytest.raises(LookupError, match="the SDK has no type aws:ec2/vcp:Vpc"):
        shapes.check("aws:ec2/vcp:Vpc", {})


def test_a_resource_whose_arguments_share_their_name_with_a_property_is_read(shapes):
    assert "versioningConfiguration" in shapes.inputs("aws:s3/bucketVersioning:BucketVersioning")


def test_tags_are_taken_by_those_that_have_them(shapes):
    assert shapes.takes_tags(VPC)
    assert not shapes.takes_tags("aws:ec2/route:Route")
    # Its tags are those that it gives to instances, in a form of their own.
    assert not shapes.takes_tags("aws:autoscaling/group:Group")


def test_outputs_are_inputs_and_what_aws_computes(shapes):
    assert {"arn", "endpoint", "vpcConfig"} <= shapes.outputs(CLUSTER)
    assert not {"id", "urn"} & shapes.outputs(CLUSTER)
    assert "endpoint" not in shapes.inputs(CLUSTER)


def test_without_a_folder_nothing_is_kept_and_the_answers_are_the_same(shapes):
    assert Shapes().check(VPC, {"cidr": 1}) == shapes.check(VPC, {"cidr": 1})


def test_kept_types_are_answered_at_once_and_without_the_sdk(cache):
    script = (
        "import sys; from pathlib import Path; from fakes.aws.shapes import Shapes\n"
        "shapes = Shapes(Path(sys.argv[1]))\n"
        "assert all(shapes.known(type_) for type_ in sys.argv[2:])\n"
        "assert not any(name.startswith('pulumi') for name in sys.modules)"
    )
    path = str(Path(__file__).parents[2]), str(Path(__file__).parents[3])
    command = [sys.executable, "-c", script, str(cache), *TYPES]
    subprocess.run(command, check=True, env={"PYTHONPATH": ":".join(path)})  # noqa: S603

    def seconds() -> float:
        start = time.perf_counter()
        shapes = Shapes(cache)
        assert all(shapes.known(type_) for type_ in TYPES)
        return time.perf_counter() - start

    assert len(TYPES) > 50
    assert min(seconds() for _ in range(5)) < 0.05


def names(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path to every property name in a resource's inputs."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield (*path, key)
            if key not in FREE:
                yield from names(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from names(item, (*path, index))


def written(path: tuple[Any, ...]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


def misspell(name: str, position: int, letter: str, way: str) -> str:
    before, at, after = name[:position], name[position : position + 1], name[position + 1 :]
    ways = {"drop": after, "add": letter + at + after, "change": letter + after, "swap": after[:1] + at + after[1:]}
    return before + ways[way]


read_once = functools.cache(read)


@given(data=st.data())
def test_a_misspelt_property_is_found_wherever_it_is(shapes, data):
    resource = data.draw(st.sampled_from([r for r in of_aws("prod", known=True) if r.inputs]))
    inputs = deepcopy(dict(resource.inputs))
    *to, name = data.draw(st.sampled_from(list(names(inputs))))
    way, letter = data.draw(st.sampled_from(["drop", "add", "change", "swap"])), data.draw(st.sampled_from("aeinrstxS"))
    typo = misspell(name, data.draw(st.integers(0, len(name) - 1)), letter, way)
    place = inputs
    for step in to:
        place = place[step]
    known = {key for object_ in read_once(resource.type)["objects"].values() for key in object_["properties"]}
    assume(typo not in known)
    place[typo] = place.pop(name)

    found = shapes.check(resource.type, inputs)
    wrong = [problem.path for problem in found if problem.reason.startswith("Invalid or unknown key")]
    assert wrong == [written((*to, typo))]
    missing = [problem.path for problem in found if problem.reason == "Missing required property"]
    assert missing in ([], [written((*to, name))])
    assert len(found) == len(wrong) + len(missing)
