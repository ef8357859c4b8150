"""Whatever settings.load() accepts builds a graph."""

import datetime
import json
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support import record_with

from prismctl.project import ROOT, Project
from recording.graph import UNKNOWN
from settings import network
from settings import stack as program_settings
from settings.section import SettingsError

TODAY = datetime.date(2026, 11, 23)

SHAPES = (
    ("c5.xlarge", "c5a.xlarge", "c6i.xlarge", "c6a.xlarge"),
    ("m5.large", "m6i.large", "t3.large", "m7i.large"),
    ("r5.2xlarge", "r6i.2xlarge", "r6a.2xlarge"),
)


@st.composite
def sizes(draw: st.DrawFn, least: int = 0) -> dict[str, int]:
    low, middle, high = sorted(draw(st.lists(st.integers(least, 40), min_size=3, max_size=3)))
    return {"min": low, "desired": middle, "max": max(high, 1)}


@st.composite
def sections(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a configuration, mostly sound: what is not is refused, and dropped."""
    kind = draw(st.sampled_from(("dev", "integration", "staging", "prod")))
    region = draw(st.sampled_from(("us-east-1", "eu-west-1", "ap-southeast-1")))
    letters = draw(st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=4, unique=True))
    nat_gateways = draw(st.sampled_from((1, len(letters))))
    endpoints = draw(st.lists(st.sampled_from(network.OPTIONAL_ENDPOINTS), unique=True, max_size=4))
    host = draw(st.from_regex(r"[a-z]{1,8}", fullmatch=True))
    return {
        "environment": {"kind": kind, "protect": draw(st.booleans()) or kind in ("staging", "prod")},
        "aws": {"account_id": draw(st.from_regex(r"[0-9]{12}", fullmatch=True)), "region": region},
        "network": {
            "cidr": f"10.{draw(st.integers(0, 255))}.0.0/{draw(st.integers(16, 21))}",
            "zones": [f"{region}{letter}" for letter in letters],
            "nat_gateways": nat_gateways,
            "nat_zone": f"{region}{letters[0]}" if nat_gateways == 1 else None,
            "endpoints": [*network.REQUIRED_ENDPOINTS, *endpoints],
            "vpn_gateway": draw(st.booleans()),
        },
        "cluster": {
            "version": draw(st.sampled_from(("1.35", "1.36"))),
            "zones": [f"{region}{letter}" for letter in letters[: draw(st.integers(2, 4))]],
            "public_access_cidrs": draw(st.lists(st.sampled_from(("198.51.100.0/24", "203.0.113.7/32")), unique=True)),
            "admins": draw(st.dictionaries(st.sampled_from(("platform", "on-call")), ROLES, min_size=1, max_size=2)),
        },
        "nodes": {
            "web": {"types": list(draw(st.sampled_from(SHAPES))[:2]), **draw(sizes(len(letters)))},
            "api": {
                "types": list(draw(st.sampled_from(SHAPES))[:3]),
                **draw(sizes()),
                "on_demand_fallback": draw(st.integers(0, 5)),
            },
            "gpu": {"types": ["g4dn.xlarge", "g5.xlarge"], **draw(sizes())},
        },
        "database": {
            "version": draw(st.sampled_from(("16.15", "17.11", "18.6"))),
            "instance_class": "db.r6g.large",
            "instances": draw(st.integers(1, 4)),
            "backup_days": draw(st.integers(7, 35)),
        },
        "cache": {
            "version": draw(st.sampled_from(("7.2", "8.2", "9.1"))),
            "node_type": "cache.t4g.small",
            "nodes": draw(st.integers(1, 4)),
        },
        "dns": {"zone": "example.com", "api_host": f"{host}.example.com"},
        "registry": {"images": draw(st.lists(st.from_regex(r"[a-z]{1,9}", fullmatch=True), min_size=1, max_size=4))},
        "delivery": {"repository": "company/infrastructure", "owns_oidc_provider": draw(st.booleans())},
        "observability": {
            "monthly_budget_usd": draw(st.integers(1, 10**6)),
            "log_days": draw(st.sampled_from((7, 30, 365))),
            "alert_emails": draw(st.lists(st.just("alerts@example.com"), max_size=1)),
        },
        "gitops": {
            "repository": "https://git.example.com/prism",
            "revision": draw(st.sampled_from(("main", "v1.2.3"))),
            "private": draw(st.booleans()),
            "single_sign_on": {"issuer": "https://login.example.com", "client_id": "argo-cd", "admins": "platform"},
        },
    }


ROLES = st.just("arn:aws:iam::123456789012:role/administrators")


@settings(max_examples=2)
@given(sections(), st.booleans())
def test_whatever_load_accepts_builds_a_graph(drawn: dict[str, Any], known: bool) -> None:
    builds_a_graph(drawn, known)


@pytest.mark.sweep
@settings(max_examples=25)
@given(sections(), st.booleans())
def test_whatever_load_accepts_builds_a_graph_many_times(drawn: dict[str, Any], known: bool) -> None:
    builds_a_graph(drawn, known)


def builds_a_graph(drawn: dict[str, Any], known: bool) -> None:
    texts = {name: json.dumps(section) for name, section in drawn.items()}
    config = Project(ROOT).config("dev") | {f"ai-prism:{name}": text for name, text in texts.items()}
    try:
        program_settings.parse("dev", config, today=TODAY)
    except SettingsError:
        assume(False)

    graph = record_with("dev", known=known, **texts)

    zones = drawn["network"]["zones"]
    assert len(graph.of_type("aws:ec2/subnet:Subnet")) == 3 * len(zones)
    assert len(graph.of_type("aws:ec2/natGateway:NatGateway")) == drawn["network"]["nat_gateways"]
    assert len(graph.of_type("aws:rds/clusterInstance:ClusterInstance")) == drawn["database"]["instances"]
    groups = len(zones) + 2 + (drawn["nodes"]["api"]["on_demand_fallback"] > 0)
    assert len(graph.of_type("aws:eks/nodeGroup:NodeGroup")) == groups
    assert len(graph.of_type("aws:ecr/repository:Repository")) == len(drawn["registry"]["images"])
    assert known is (UNKNOWN not in graph.outputs.values())
