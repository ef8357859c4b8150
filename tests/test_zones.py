"""Zones are a set: neither their order in a stack file nor a zone that comes first moves what stands in the others."""

import json
from typing import Any

import pytest
from support import configured, record_with, recorded, sample

from prismctl.project import ROOT, Project
from recording.graph import Graph

WITH_ZONES = ("network", "cluster", "observability")


def sections(stack: str) -> dict[str, Any]:
    config = Project(ROOT).config(stack)
    return {name: json.loads(config[f"ai-prism:{name}"]) for name in (*WITH_ZONES, "nodes")}


def record(stack: str, edited: dict[str, Any]) -> Graph:
    return record_with(stack, **{name: json.dumps(section) for name, section in edited.items()})


def inputs(graph: Graph) -> dict[str, Any]:
    return {resource.urn: resource.inputs for resource in graph.resources}


@pytest.mark.parametrize("stack", sample(("dev", "prod"), "dev"))
def test_the_order_in_which_a_stack_file_names_its_zones_changes_nothing(stack: str) -> None:
    edited = sections(stack)
    named = [
        each for name in WITH_ZONES for each in (edited[name], edited[name].get("search") or {}) if "zones" in each
    ]
    assert len(named) == (3 if stack == "prod" else 2)
    for section in named:
        section["zones"].reverse()
    assert inputs(record(stack, edited)) == inputs(recorded(stack, known=True))


GROWS = {
    "aws:cloudwatch/dashboard:Dashboard": "the new zone's NAT gateway",
    "aws:ec2/vpcEndpoint:VpcEndpoint": "an interface in the new zone",
    "aws:eks/nodeGroup:NodeGroup": "nodes in the new zone: new groups come before old ones go",
    "aws:elasticache/subnetGroup:SubnetGroup": "room for replicas in the new zone",
    "aws:lb/loadBalancer:LoadBalancer": "an address in the new zone",
    "aws:rds/subnetGroup:SubnetGroup": "room for readers in the new zone",
    "kubernetes:networking.k8s.io/v1:NetworkPolicy": "the load balancer's addresses in the new zone",
}
"""What reaches into every zone, and so changes with them."""


def test_a_zone_that_comes_first_moves_nothing_that_holds_data_or_an_address() -> None:
    edited = sections("prod")
    region = configured("prod", "aws")["region"]
    three = [f"{region}{letter}" for letter in "bcd"]
    edited["network"] |= {"zones": three, "nat_gateways": 3}
    edited["cluster"]["zones"] = edited["observability"]["search"]["zones"] = three
    web = edited["nodes"]["web"]
    web |= {size: max(web[size], 4) for size in ("min", "desired", "max")}
    before = inputs(record("prod", edited))

    edited["network"] |= {"zones": [f"{region}a", *three], "nat_gateways": 4}
    after = inputs(record("prod", edited))

    assert before.keys() <= after.keys()
    changed = {urn for urn in before if before[urn] != after[urn]}
    assert {urn.split("::")[2].rpartition("$")[2] for urn in changed} == GROWS.keys()
