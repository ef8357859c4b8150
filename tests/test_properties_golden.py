"""What the files of inputs show to a reviewer, on small graphs."""

from typing import Any

import properties_golden
import pytest
import yaml

from recording.graph import UNKNOWN, Graph, Reference, Resource, Secret

pytestmark = pytest.mark.golden
URN = "urn:pulumi:dev::ai-prism::"


def resource(type_: str, name: str, inputs: dict[str, Any], **more: Any) -> Resource:
    outputs = more.pop("outputs", {})
    more = {"parent": f"{URN}pulumi:pulumi:Stack::root", "custom": not type_.startswith("ai-prism:")} | more
    return Resource(
        urn=f"{URN}{type_}::{name}",
        type=type_,
        name=name,
        read_inputs=lambda: inputs,
        read_outputs=lambda: {**inputs, **outputs},
        **more,
    )


ROOT = resource("pulumi:pulumi:Stack", "root", {}, parent=None)
NETWORK = resource("ai-prism:aws:Network", "network", {})


def graph(*resources: Resource, outputs: dict[str, Any] | None = None, known: bool) -> Graph:
    return Graph(
        project="ai-prism", stack="dev", resources=(ROOT, NETWORK, *resources), outputs=outputs or {}, known=known
    )


def vpc(cidr: str, *, known: bool, **options: Any) -> Resource:
    inputs = {"cidrBlock": cidr}
    made = {"id": "vpc-0123456789", "outputs": {"arn": "arn:aws:ec2:::vpc/vpc-0123456789"}} if known else {}
    return resource("aws:ec2/vpc:Vpc", "network-vpc", inputs, parent=NETWORK.urn, **made, **options)


def of_one(key: str, unknown: Any, known: Any, **options: Any) -> str:
    """Return the text of one resource with one property that depends on the VPC, without the VPC's."""
    options = {"parent": NETWORK.urn, "property_dependencies": {key: (vpc("", known=False).urn,)}} | options
    previewed, updated = (
        graph(vpc("10.0.0.0/16", known=kind), resource("aws:x/y:Thing", "thing", {key: value}, **options), known=kind)
        for kind, value in ((False, unknown), (True, known))
    )
    text = properties_golden.texts(previewed, updated)["network"]
    return text[text.index("aws:x/y:Thing") :]


def test_a_changed_property_changes_a_line_of_its_component() -> None:
    before, after = (
        properties_golden.texts(graph(vpc(cidr, known=False), known=False), graph(vpc(cidr, known=True), known=True))
        for cidr in ("10.0.0.0/16", "10.1.0.0/16")
    )
    assert before["network"].replace("10.0.0.0/16", "10.1.0.0/16") == after["network"]
    assert before["network"] != after["network"]


def test_a_computed_value_is_written_as_the_output_that_it_comes_from() -> None:
    assert "vpcId: ${Vpc network-vpc.id}\n" in of_one("vpcId", UNKNOWN, "vpc-0123456789")
    assert "url: https://${Vpc network-vpc.id}.example.com\n" in of_one(
        "url", UNKNOWN, "https://vpc-0123456789.example.com"
    )
    assert "word: !unknown abcdef\n" in of_one("word", UNKNOWN, "abcdef")
    assert "count: !unknown 3\n" in of_one("count", UNKNOWN, 3)


def test_a_value_that_the_program_gives_is_not_mistaken_for_an_output() -> None:
    assert "name: vpc-0123456789\n" in of_one("name", "vpc-0123456789", "vpc-0123456789")


def test_documents_are_trees_also_where_a_part_of_them_is_computed() -> None:
    text = '{"Statement": [{"Action": "s3:GetObject", "Resource": "vpc-0123456789"}]}'
    shown = of_one("policy", UNKNOWN, text)
    assert "policy: !json\n" in shown
    assert "- Action: s3:GetObject\n        Resource: ${Vpc network-vpc.id}\n" in shown


def test_a_secret_is_marked_and_not_shown() -> None:
    shown = of_one("password", Secret(UNKNOWN), Secret("hunter2"))
    assert "password: !secret" in shown
    assert "hunter2" not in shown


def test_a_resource_as_a_value_is_marked() -> None:
    reference = Reference(urn=vpc("", known=False).urn, id="vpc-0123456789")
    assert "role: !resource Vpc network-vpc\n" in of_one("role", reference, reference)


def test_what_decides_the_fate_of_a_resource_stands_beside_its_inputs() -> None:
    shown = of_one(
        "name",
        "a",
        "a",
        protect=True,
        dependencies=(vpc("", known=False).urn,),
        ignore_changes=("desired",),
        replace_on_changes=("name",),
        delete_before_replace=True,
        retain_on_delete=True,
        deleted_with=vpc("", known=False).urn,
        custom_timeouts={"create": "60m"},
        aliases=("other",),
    )
    content = yaml.safe_load(shown)["aws:x/y:Thing thing"]
    assert content == {
        "inputs": {"name": "a"},
        "protect": True,
        "dependsOn": ["Vpc network-vpc"],
        "ignoreChanges": ["desired"],
        "replaceOnChanges": ["name"],
        "deleteBeforeReplace": True,
        "retainOnDelete": True,
        "deletedWith": "Vpc network-vpc",
        "customTimeouts": {"create": "60m"},
        "aliases": ["other"],
    }
