"""The configuration of each stack: what is accepted, what is refused, and in which words."""

import datetime
import functools
import json
import operator
from typing import get_args

import pulumi
import pytest
import sound
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st

from prismctl.project import ROOT, Project
from settings import stack as settings
from settings.cluster import NodeGroup
from settings.section import Section, SettingsError

TODAY = datetime.date(2026, 11, 23)
STACKS = Project(ROOT).stacks()
REMOVED = object()
"""In place of a value: the key is taken out."""


@functools.cache
def parsed(kind):
    return settings.parse(kind, sound.configuration(kind), today=TODAY)


def edited(kind, edits):
    """Return a sound configuration with the values at dotted paths (`network.zones`) replaced."""
    sections = {f"ai-prism:{name}": values for name, values in sound.sections(kind).items()}
    for path, value in edits.items():
        *parents, last = f"ai-prism:{path}".split(".")
        place = functools.reduce(operator.getitem, parents, sections)
        if value is REMOVED:
            del place[last]
        else:
            place[last] = value
    zones = edits.get("network.zones")
    if "cluster.zones" not in edits and isinstance(zones, list):
        named = [zone for zone in dict.fromkeys(zones) if isinstance(zone, str)]
        sections["ai-prism:cluster"]["zones"] = named if len(named) > 1 else ["us-east-1a", "us-east-1b"]
    return {key: json.dumps(value) for key, value in sections.items()}


def accepted(edits, stack="dev", today=TODAY):
    return settings.parse(stack, edited(stack, edits), today=today)


def refused(edits, stack="dev", today=TODAY):
    """Return the lines of the message with which the edited configuration is refused."""
    with pytest.raises(SettingsError) as error:
        settings.parse(stack, edited(stack, edits), today=today)
    first, *lines = str(error.value).split("\n")
    assert first == f"Pulumi.{stack}.yaml: {len(lines)} problem{'' if len(lines) == 1 else 's'}"
    assert all(line.startswith("  ") for line in lines)
    return [line.removeprefix("  ") for line in lines]


def leaves(value, path=()):
    """Yield the path and value of each leaf of a configuration or of what was parsed from it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    else:
        yield path, value


@pytest.mark.parametrize("kind", sound.KINDS)
def test_each_value_that_is_configured_is_what_the_program_gets(kind):
    for path, value in leaves(sound.sections(kind)):
        found = parsed(kind)
        for key in path:
            found = found[key] if isinstance(found, dict) else getattr(found, key)
        if isinstance(value, list):
            assert list(found) == value, path
        else:
            assert str(found) == str(value), path


def test_what_is_not_configured_has_a_safe_default():
    found = parsed("dev")
    assert found.environment.retiring is False
    assert found.database.backup_window == "03:00-04:00"
    assert (found.cache.snapshot_days, found.cache.snapshot_window) == (7, "03:00-05:00")


@pytest.mark.parametrize("stack", STACKS)
def test_the_settings_accept_each_stack_file(stack):
    found = settings.parse(stack, Project(ROOT).config(stack), today=TODAY)
    assert found.stack == stack


NOBODY = "ai-prism:observability.alert_emails: empty: alarms notify nobody unless something else subscribes"


@pytest.mark.parametrize(
    ("stack", "warnings"), [("dev", ()), ("integration", ()), ("staging", (NOBODY,)), ("prod", ())]
)
def test_a_stack_knows_its_name_and_warns_of_nothing_but_that_alarms_reach_nobody(stack, warnings):
    assert parsed(stack).stack == stack
    assert parsed(stack).warnings == warnings


def test_no_two_stacks_share_an_address():
    networks = [settings.parse(stack, Project(ROOT).config(stack), today=TODAY).network.cidr for stack in STACKS]
    assert [
        pair for pair in ((a, b) for a in networks for b in networks if a is not b) if pair[0].overlaps(pair[1])
    ] == []


def test_settings_cannot_be_changed():
    with pytest.raises(AttributeError):
        parsed("dev").stack = "prod"


@pytest.mark.parametrize("region", ["eu-west-1", "ap-southeast-1"])
def test_another_region_needs_nothing_but_its_name_and_zones(region):
    found = accepted(
        {"aws.region": region, "network.zones": [f"{region}a", f"{region}b"], "network.nat_zone": f"{region}a"}
    )
    assert found.aws.region == region


ENDPOINTS = ["ecr.api", "ecr.dkr", "sts", "logs", "secretsmanager"]
KNOWN_ENDPOINTS = ", ".join(
    [*ENDPOINTS, "ssm", "kms", "elasticloadbalancing", "autoscaling", "ec2", "eks", "eks-auth", "bedrock-runtime"]
)
SECTIONS = (
    "aws, environment, network, cluster, nodes, database, cache, dns, firewall, "
    "registry, delivery, observability, gitops, charts, images"
)
IMAGE = "must be words of lower-case letters and digits, 30 at most in each, joined with hyphens, such as image-resizer"
OPTIONAL = ("charts", "firewall", "images", "registry")
"""Sections in which everything has a default."""
LOGIN = "arn:aws:secretsmanager:us-east-1"
HERE = f"{LOGIN}:111122223333:"
"""What the ARN of a secret of this account and region begins with."""
OF_HERE = f"must be of this account and region, beginning with {HERE}"
A_LOGIN = (
    'must be the ARN of a secret whose name begins with ecr-pullthroughcache/, or "" for none, '
    f"such as {HERE}secret:ecr-pullthroughcache/hub-AbCdEf"
)
UNUSED_LOGIN = "requires source cache: nodes pull without a login"
PLACE_OF_CHARTS = "must be local, or a registry, such as oci://registry.example.com/charts"
REPOSITORY = "must be OWNER/REPOSITORY, or OWNER@ID/REPOSITORY@ID where GitHub's tokens carry ids"
HTTPS = (
    "must be an https:// address without login, port, query or fragment, its host in lower case, "
    "such as https://git.example.com/platform"
)
SINGLE_SIGN_ON = sound.SINGLE_SIGN_ON
HOST = "must be a host name in lower case with a dot in it, such as api.example.com"
KEYS = "cidr, zones, nat_gateways, nat_zone, endpoints, image_accounts, vpn_gateway"
ACCOUNT = "must be 12 digits, such as 111122223333"
REGION = "must be the name of a region, such as us-east-1"
ROLE = "must be the ARN of an IAM role, such as arn:aws:iam::111122223333:role/platform"

SEARCH = {
    "instance_type": "r6g.large.search",
    "zones": ["us-east-1a", "us-east-1b"],
    "nodes": 2,
    "volume_gb": 100,
    "version": "3.5",
}

# What is wrong: (edits of the dev stack, the one line that says so).
ONE_PROBLEM = {
    "an account id with too few digits": (
        {"aws.account_id": "1234"},
        f"ai-prism:aws.account_id: {ACCOUNT}, got 1234",
    ),
    "an account id with hyphens": (
        {"aws.account_id": "1111-2222-3333"},
        f"ai-prism:aws.account_id: {ACCOUNT}, got 1111-2222-3333",
    ),
    "a region that is none": (
        {"aws.region": "useast1"},
        f"ai-prism:aws.region: {REGION}, got useast1",
    ),
    "a kind that is none": (
        {"environment.kind": "qa"},
        "ai-prism:environment.kind: must be 'dev', 'integration', 'staging' or 'prod', got qa",
    ),
    "a misspelt key": (
        {"network.nat_gateway": 1},
        'ai-prism:network.nat_gateway: unknown key; did you mean "nat_gateways"?',
    ),
    "a misspelt key two levels down": (
        {"nodes.web.dsk_gb": 50},
        'ai-prism:nodes.web.dsk_gb: unknown key; did you mean "disk_gb"?',
    ),
    "a key that resembles none": (
        {"network.password": "hunter2"},
        f"ai-prism:network.password: unknown key; known are {KEYS}",
    ),
    "a repository that is read without encryption": (
        {"gitops.repository": "http://git.example.com/prism"},
        f"ai-prism:gitops.repository: {HTTPS}, got http://git.example.com/prism",
    ),
    "a login of another account": (
        {"images": {"docker_hub_login": f"{LOGIN}:444455556666:secret:ecr-pullthroughcache/hub"}},
        f"ai-prism:images.docker_hub_login: {OF_HERE}, got {LOGIN}:444455556666:secret:ecr-pullthroughcache/hub",
    ),
    "a login that ECR would not read": (
        {"images": {"ghcr_login": f"{HERE}secret:ghcr"}},
        f"ai-prism:images.ghcr_login: {A_LOGIN}",
    ),
    "a login without a cache": (
        {"images": {"source": "registries", "ghcr_login": f"{HERE}secret:ecr-pullthroughcache/a"}},
        f"ai-prism:images.ghcr_login: {UNUSED_LOGIN}, got {HERE}secret:ecr-pullthroughcache/a",
    ),
    "a place of charts that is neither a word nor a registry": (
        {"charts": {"source": "https://charts.example.com"}},
        f"ai-prism:charts.source: {PLACE_OF_CHARTS}, got https://charts.example.com",
    ),
    "an issuer that is no address": (
        {"gitops.single_sign_on": {**SINGLE_SIGN_ON, "issuer": "login.example.com"}},
        f"ai-prism:gitops.single_sign_on.issuer: {HTTPS}, got login.example.com",
    ),
    "a misspelt section": ({"netwrok": {}}, 'ai-prism:netwrok: unknown key; did you mean "network"?'),
    "a section that resembles none": ({"zzz": {}}, f"ai-prism:zzz: unknown key; known are {SECTIONS}"),
    "a section of an earlier version": (
        {"api": {"max_replicas": 3}},
        f"ai-prism:api: {settings.REMOVED['api']}",
    ),
    "a word for a number": (
        {"nodes.web.min": "one"},
        "ai-prism:nodes.web.min: must be a whole number, got one",
    ),
    "a word for a truth": (
        {"environment.protect": "no"},
        "ai-prism:environment.protect: must be true or false, got no",
    ),
    "one value for several": (
        {"nodes.web.types": "t3.medium"},
        "ai-prism:nodes.web.types: must be a list, got t3.medium",
    ),
    "a missing key": ({"network.cidr": REMOVED}, "ai-prism:network.cidr: is required"),
    "a missing key two levels down": ({"nodes.gpu.max": REMOVED}, "ai-prism:nodes.gpu.max: is required"),
    "a missing section": ({"network": REMOVED}, "ai-prism:network: is required"),
    "a missing section two levels down": ({"nodes.gpu": REMOVED}, "ai-prism:nodes.gpu: is required"),
    "a section that is no mapping": (
        {"network": "10.10.0.0/16"},
        f"ai-prism:network: must be a mapping of {KEYS}",
    ),
    "a section that is empty": (
        {"network": None},
        f"ai-prism:network: must be a mapping of {KEYS}",
    ),
    "a section that is no mapping two levels down": (
        {"nodes.web": 3},
        "ai-prism:nodes.web: must be a mapping of types, min, desired, max, disk_gb",
    ),
    "a public network": (
        {"network.cidr": "8.8.0.0/16"},
        "ai-prism:network.cidr: must be a private range (10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16), got 8.8.0.0/16",
    ),
    "a network that is partly public": (
        {"network.cidr": "172.32.0.0/16"},
        "ai-prism:network.cidr: must be a private range (10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16), got 172.32.0.0/16",
    ),
    "a network that is too large": (
        {"network.cidr": "10.0.0.0/15"},
        "ai-prism:network.cidr: must be between /16 and /21 so that 3 tiers fit in every zone, got 10.0.0.0/15",
    ),
    "a network that is too small": (
        {"network.cidr": "10.0.0.0/22"},
        "ai-prism:network.cidr: must be between /16 and /21 so that 3 tiers fit in every zone, got 10.0.0.0/22",
    ),
    "a zone of another region": (
        {"network.zones": ["us-east-1a", "eu-west-1b"]},
        "ai-prism:network.zones: must be zones of us-east-1 such as us-east-1a, got eu-west-1b",
    ),
    "a zone without addresses": (
        {"network.zones": ["us-east-1a", "us-east-1i"]},
        "ai-prism:network.zones: must be zones of us-east-1 such as us-east-1a, got us-east-1i",
    ),
    "a zone twice": (
        {"network.zones": ["us-east-1a", "us-east-1a"]},
        'ai-prism:network.zones: must name each zone once, got ["us-east-1a", "us-east-1a"]',
    ),
    "two NAT gateways for three zones": (
        {"network.zones": ["us-east-1a", "us-east-1b", "us-east-1c"], "network.nat_gateways": 2},
        "ai-prism:network.nat_gateways: must be 1 or one per zone (3), got 2",
    ),
    "no NAT gateway": (
        {"network.nat_gateways": 0},
        "ai-prism:network.nat_gateways: must be greater than or equal to 1, got 0",
    ),
    "missing endpoints": (
        {"network.endpoints": ["ecr.api", "sts", "logs"]},
        'ai-prism:network.endpoints: must include ecr.dkr, secretsmanager, got ["ecr.api", "sts", "logs"]',
    ),
    "an unknown endpoint": (
        {"network.endpoints": [*ENDPOINTS, "s3"]},
        f"ai-prism:network.endpoints: must be among {KNOWN_ENDPOINTS}, got s3",
    ),
    "an endpoint twice": (
        {"network.endpoints": [*ENDPOINTS, "sts"]},
        (
            'ai-prism:network.endpoints: must name each service once, got ["ecr.api", "ecr.dkr", "sts", "logs", '
            '"secretsmanager", "sts"]'
        ),
    ),
    "an API open to the world": (
        {"cluster.public_access_cidrs": ["0.0.0.0/0"]},
        "ai-prism:cluster.public_access_cidrs: must be named networks of /16 or smaller, got 0.0.0.0/0",
    ),
    "an administrator who is no role": (
        {"cluster.admins": {"ops": "arn:aws:iam::111122223333:user/x"}},
        (f"ai-prism:cluster.admins.ops: {ROLE}, got arn:aws:iam::111122223333:user/x"),
    ),
    "an administrator with an unfit name": (
        {"cluster.admins": {"On Call": "arn:aws:iam::111122223333:role/ops"}},
        "ai-prism:cluster.admins: names must be lower-case words joined with hyphens, got On Call",
    ),
    "an administrator twice": (
        {"cluster.admins": dict.fromkeys(("ops", "on-call"), "arn:aws:iam::111122223333:role/ops")},
        ('ai-prism:cluster.admins: must name each role once: it has one access entry, got ["ops", "on-call"]'),
    ),
    "an administrator with the name of the deployment role": (
        {"cluster.admins": {"delivery": "arn:aws:iam::111122223333:role/ops"}},
        "ai-prism:cluster.admins.delivery: must have another name: delivery is an administrator already",
    ),
    "an administrator with the name of the preview role": (
        {"cluster.admins": {"preview": "arn:aws:iam::111122223333:role/ops"}},
        "ai-prism:cluster.admins.preview: must have another name: preview is the preview role, which is read-only",
    ),
    "administrators without names": (
        {"cluster.admins": ["arn:aws:iam::111122223333:role/ops"]},
        'ai-prism:cluster.admins: must be a mapping, got ["arn:aws:iam::111122223333:role/ops"]',
    ),
    "fewer nodes wanted than the least": (
        {"nodes.web.min": 3},
        "ai-prism:nodes.web.desired: must be at least min (3), got 2",
    ),
    "a zone without a node for the volumes that lie there": (
        {"nodes.web.min": 1},
        (
            "ai-prism:nodes.web.min: must be at least one per zone (2): a pod with a volume can run only in "
            "the volume's zone, got 1"
        ),
    ),
    "more nodes wanted than the most": (
        {"nodes.web.desired": 5},
        "ai-prism:nodes.web.max: must be at least desired (5), got 4",
    ),
    "a negative number of nodes": (
        {"nodes.gpu.min": -1},
        "ai-prism:nodes.gpu.min: must be greater than or equal to 0, got -1",
    ),
    "GPUs of another maker": (
        {"nodes.gpu.types": ["g4ad.xlarge"]},
        "ai-prism:nodes.gpu.types: must be instance types with NVIDIA GPUs such as g4dn.xlarge, got g4ad.xlarge",
    ),
    "a zone of the control plane twice": (
        {"cluster.zones": ["us-east-1a", "us-east-1a"]},
        'ai-prism:cluster.zones: must name each zone once, got ["us-east-1a", "us-east-1a"]',
    ),
    "a zone of the control plane outside the network": (
        {"cluster.zones": ["us-east-1a", "us-east-1f"]},
        "ai-prism:cluster.zones: must be among network.zones (us-east-1a, us-east-1b), got us-east-1f",
    ),
    "an instance type twice": (
        {"nodes.web.types": ["t3.medium", "t3.medium"]},
        'ai-prism:nodes.web.types: must name each type once, got ["t3.medium", "t3.medium"]',
    ),
    "something that is no instance type": (
        {"nodes.web.types": ["medium"]},
        "ai-prism:nodes.web.types: must be instance types such as c6i.xlarge, got medium",
    ),
    "two spot types": (
        {"nodes.api.types": ["c5.large", "c5a.large"]},
        (
            "ai-prism:nodes.api.types: must be at least 3 types of the same size for spot capacity, "
            'got ["c5.large", "c5a.large"]'
        ),
    ),
    "spot types of unlike size": (
        {"nodes.api.types": ["c5.large", "c5a.large", "c5.2xlarge"]},
        (
            "ai-prism:nodes.api.types: must have the same size, because the autoscaler assumes it, "
            'got ["c5.large", "c5a.large", "c5.2xlarge"]'
        ),
    ),
    "types of unlike memory": (
        {"nodes.web.types": ["m5.large", "r5.large"]},
        (
            "ai-prism:nodes.web.types: must have the same size, because the autoscaler assumes it, "
            'got ["m5.large", "r5.large"]'
        ),
    ),
    "an ARM type": (
        {"nodes.web.types": ["t4g.medium"]},
        "ai-prism:nodes.web.types: must be x86_64, as node images and container images are, got t4g.medium",
    ),
    "a GPU group without GPUs": (
        {"nodes.gpu.types": ["m5.xlarge"]},
        "ai-prism:nodes.gpu.types: must be instance types with NVIDIA GPUs such as g4dn.xlarge, got m5.xlarge",
    ),
    "a database class that is none": (
        {"database.instance_class": "r6g.large"},
        "ai-prism:database.instance_class: must be an instance class of RDS, such as db.r6g.large, got r6g.large",
    ),
    "no database": (
        {"database.instances": 0},
        "ai-prism:database.instances: must be greater than or equal to 1, got 0",
    ),
    "too few backup days": (
        {"database.backup_days": 6},
        "ai-prism:database.backup_days: must be greater than or equal to 7, got 6",
    ),
    "too many backup days": (
        {"database.backup_days": 36},
        "ai-prism:database.backup_days: must be less than or equal to 35, got 36",
    ),
    "a backup during maintenance": (
        {"database.backup_window": "05:30-06:30"},
        "ai-prism:database.maintenance_window: must not overlap backup_window (05:30-06:30), got sun:05:00-sun:06:00",
    ),
    "a malformed backup window": (
        {"database.backup_window": "3am-4am"},
        "ai-prism:database.backup_window: must be a daily window in UTC such as 03:00-04:00, got 3am-4am",
    ),
    "a malformed maintenance window": (
        {"database.maintenance_window": "sunday"},
        "ai-prism:database.maintenance_window: must be a weekly window in UTC such as sun:05:00-sun:06:00, got sunday",
    ),
    "a backup window that is too short": (
        {"database.backup_window": "03:00-03:29"},
        "ai-prism:database.backup_window: must last at least 30 minutes, got 03:00-03:29",
    ),
    "a maintenance window that is too short": (
        {"database.maintenance_window": "sun:05:00-sun:05:29"},
        "ai-prism:database.maintenance_window: must last at least 30 minutes, got sun:05:00-sun:05:29",
    ),
    "a cache node type that is none": (
        {"cache.node_type": "t4g.small"},
        "ai-prism:cache.node_type: must be a node type of ElastiCache, such as cache.r7g.large, got t4g.small",
    ),
    "a snapshot during the cache's maintenance": (
        {"cache.maintenance_window": "wed:04:00-wed:06:00"},
        "ai-prism:cache.maintenance_window: must not overlap snapshot_window (03:00-05:00), got wed:04:00-wed:06:00",
    ),
    "a snapshot window that is too short": (
        {"cache.snapshot_window": "03:00-03:59"},
        "ai-prism:cache.snapshot_window: must last at least 60 minutes, got 03:00-03:59",
    ),
    "a cache's maintenance window that is too short": (
        {"cache.maintenance_window": "sun:06:00-sun:06:59"},
        "ai-prism:cache.maintenance_window: must last at least 60 minutes, got sun:06:00-sun:06:59",
    ),
    "a malformed snapshot window": (
        {"cache.snapshot_window": "03:00"},
        "ai-prism:cache.snapshot_window: must be a daily window in UTC such as 03:00-04:00, got 03:00",
    ),
    "an API outside its zone": (
        {"dns.api_host": "api.example.com"},
        "ai-prism:dns.api_host: must lie in the zone dev.ai-prism.com, got api.example.com",
    ),
    "an API in the zone above": (
        {"dns.api_host": "api.ai-prism.com"},
        "ai-prism:dns.api_host: must lie in the zone dev.ai-prism.com, got api.ai-prism.com",
    ),
    "an API in a zone that only ends alike": (
        {"dns.api_host": "not-dev.ai-prism.com"},
        "ai-prism:dns.api_host: must lie in the zone dev.ai-prism.com, got not-dev.ai-prism.com",
    ),
    "a host with an address for a name": (
        {"dns.api_host": "https://api.ai-prism.com"},
        f"ai-prism:dns.api_host: {HOST}, got https://api.ai-prism.com",
    ),
    "a host that is too long": (
        {"dns.api_host": f"{'a.' * 119}dev.ai-prism.com"},
        f"ai-prism:dns.api_host: must be shorter, got {'a.' * 39}a…",
    ),
    "an image twice": (
        {"registry": {"images": ["api", "api"]}},
        'ai-prism:registry.images: must name each image once, got ["api", "api"]',
    ),
    "an image with a long word": (
        {"registry": {"images": ["a" * 31]}},
        f"ai-prism:registry.images.0: {IMAGE}, got {'a' * 31}",
    ),
    "an image with two hyphens in a row": (
        {"registry": {"images": ["api", "web--page"]}},
        f"ai-prism:registry.images.1: {IMAGE}, got web--page",
    ),
    "an image that is too long": (
        {"registry": {"images": [f"{'a' * 30}-{'b' * 30}"]}},
        f"ai-prism:registry.images.0: must be shorter, got {'a' * 30}-{'b' * 30}",
    ),
    "a repository without an owner": (
        {"delivery.repository": "infrastructure"},
        f"ai-prism:delivery.repository: {REPOSITORY}, got infrastructure",
    ),
    "a repository with letters that GitHub does not know": (
        {"delivery.repository": "société/infrastructure"},
        f"ai-prism:delivery.repository: {REPOSITORY}, got société/infrastructure",
    ),
    "a repository with an id for its owner alone": (
        {"delivery.repository": "company@123456/infrastructure"},
        f"ai-prism:delivery.repository: {REPOSITORY}, got company@123456/infrastructure",
    ),
    "a repository with an id that is no number": (
        {"delivery.repository": "company@main/infrastructure@456789"},
        f"ai-prism:delivery.repository: {REPOSITORY}, got company@main/infrastructure@456789",
    ),
    "a retirement in quotes": (
        {"environment.retiring": "true"},
        "ai-prism:environment.retiring: must be true or false without quotes, got true",
    ),
    "a retention that CloudWatch does not know": (
        {"observability.log_days": 15},
        "ai-prism:observability.log_days: must be 7, 14, 30, 60, 90, 120, 150, 180, 365, 400 or 731, got 15",
    ),
    "an address for alerts twice": (
        {"observability.alert_emails": ["ops@example.com", "ops@example.com"]},
        "ai-prism:observability.alert_emails: must name each address once",
    ),
    "a version of Kubernetes that is not listed": (
        {"cluster.version": "1.28"},
        "ai-prism:cluster.version: must be a version that versions.yaml lists (1.34, 1.35, 1.36), got 1.28",
    ),
    "a version of PostgreSQL that is not listed": (
        {"database.version": "15.3"},
        (
            "ai-prism:database.version: must be a version that versions.yaml lists "
            "(16.15, 17.7, 17.10, 17.11, 18.4, 18.6), got 15.3"
        ),
    ),
    "a version of Valkey that is not listed": (
        {"cache.version": "7.1"},
        "ai-prism:cache.version: must be a version that versions.yaml lists (7.2, 8.0, 8.1, 8.2, 9.0, 9.1), got 7.1",
    ),
    "a decision without a reason": (
        {"database.apply_immediately": {"until": "2026-12-01", "reason": "", "owner": "on-call"}},
        'ai-prism:database.apply_immediately.reason: must have at least 10 characters, got ""',
    ),
    "a decision that lasts too long": (
        {"cache.apply_immediately": {"until": "2026-12-25", "reason": "memory is full", "owner": "on-call"}},
        (
            "ai-prism:cache.apply_immediately.until: must be at most 31 days ahead: exceptions are temporary, "
            "got 2026-12-25"
        ),
    ),
    "an upgrade to an older version": (
        {"database.upgrade": {"to": "16.15", "until": "2026-12-01", "reason": "a mistake of mine", "owner": "data"}},
        "ai-prism:database.upgrade.to: must not be older than version (17.11): AWS cannot downgrade, got 16.15",
    ),
    "an upgrade to a version that is not listed": (
        {"database.upgrade": {"to": "19.1", "until": "2026-12-01", "reason": "the newest of all", "owner": "data"}},
        (
            "ai-prism:database.upgrade.to: must be a version that versions.yaml lists "
            "(16.15, 17.7, 17.10, 17.11, 18.4, 18.6), got 19.1"
        ),
    ),
    "a restore from nothing": (
        {"database.restore_from": {}},
        "ai-prism:database.restore_from.snapshot: exactly one of snapshot and time must be set",
    ),
    "a restore from two things": (
        {"database.restore_from": {"snapshot": "before", "time": "latest"}},
        "ai-prism:database.restore_from.snapshot: exactly one of snapshot and time must be set",
    ),
    "a restore of a cache from nothing": (
        {"cache.restore_from": {}},
        "ai-prism:cache.restore_from.snapshot: must name a snapshot",
    ),
    "an unlisted search version": (
        {"observability.search": {**SEARCH, "version": "1.3"}},
        (
            "ai-prism:observability.search.version: must be a version that versions.yaml lists (2.19, 3.1, 3.3, 3.5), "
            "got 1.3"
        ),
    ),
    "a search domain outside of the network": (
        {"observability.search": {**SEARCH, "zones": ["us-east-1a", "us-east-1f"]}},
        "ai-prism:observability.search.zones: must be among network.zones (us-east-1a, us-east-1b), got us-east-1f",
    ),
    "a search domain that is twice in a zone": (
        {"observability.search": {**SEARCH, "zones": ["us-east-1a", "us-east-1a"]}},
        'ai-prism:observability.search.zones: must name each zone once, got ["us-east-1a", "us-east-1a"]',
    ),
    "search nodes that do not fill their zones": (
        {"observability.search": {**SEARCH, "nodes": 3}},
        "ai-prism:observability.search.nodes: must be a multiple of the zones (2), got 3",
    ),
}


@pytest.mark.parametrize("wrong", ONE_PROBLEM)
def test_each_mistake_is_told_in_one_line(wrong):
    edits, line = ONE_PROBLEM[wrong]
    assert refused(edits) == [line]


# What prod refuses and dev accepts: (edits of the prod stack, the one line that says so).
PROD = {
    "fewer than three zones": (
        {
            "network.zones": ["us-east-1a", "us-east-1b"],
            "network.nat_gateways": 2,
            "observability.search.zones": ["us-east-1a", "us-east-1b"],
            "observability.search.nodes": 2,
        },
        "ai-prism:network.zones: must be at least 3 zones in prod, got 2",
    ),
    "one NAT gateway for all zones": (
        {"network.nat_gateways": 1, "network.nat_zone": "us-east-1a"},
        "ai-prism:network.nat_gateways: must be one per zone (3) in prod, got 1",
    ),
    "a database without a reader": (
        {"database.instances": 1},
        "ai-prism:database.instances: must be at least 2 in prod, got 1",
    ),
    "a cache without a replica": ({"cache.nodes": 1}, "ai-prism:cache.nodes: must be at least 2 in prod, got 1"),
    "no protection": (
        {"environment.protect": False},
        "ai-prism:environment.protect: must be true in prod, got false",
    ),
    "a branch, which moves": (
        {"gitops.revision": "main"},
        "ai-prism:gitops.revision: must be a tag such as v1.2.3 in prod, got main",
    ),
    "backups for less than thirty days": (
        {"database.backup_days": 29},
        "ai-prism:database.backup_days: must be at least 30 in prod, got 29",
    ),
}


@pytest.mark.parametrize("wrong", PROD)
def test_prod_refuses_what_would_not_survive_the_loss_of_a_zone_or_of_data(wrong):
    edits, line = PROD[wrong]
    assert refused(edits, "prod") == [line]


@pytest.mark.parametrize("wrong", PROD)
def test_what_prod_refuses_is_right_where_less_is_at_stake(wrong):
    edits, _ = PROD[wrong]
    assert accepted({**edits, "environment.kind": "dev"}, "prod")


def test_the_kind_of_environment_decides_and_not_the_stacks_name():
    assert refused({"environment.kind": "prod"})[0] == "ai-prism:network.zones: must be at least 3 zones in prod, got 2"


@pytest.mark.parametrize("stack", ["integration", "staging", "prod"])
def test_nobody_logs_in_as_the_local_administrator_outside_dev(stack):
    assert refused({"gitops.single_sign_on": None}, stack) == [
        "ai-prism:gitops.single_sign_on: is required outside dev: the local administrator is disabled"
    ]
    assert accepted({"gitops.single_sign_on": SINGLE_SIGN_ON})


def test_staging_is_protected_too():
    assert refused({"environment.protect": False}, "staging") == [
        "ai-prism:environment.protect: must be true in staging, got false"
    ]


@pytest.mark.parametrize("stack", ["staging", "prod"])
def test_what_is_retiring_may_go_without_protection(stack):
    retiring = accepted({"environment.retiring": True, "environment.protect": False}, stack).environment
    assert (retiring.retiring, retiring.protect) == (True, False)
    assert accepted({"environment.retiring": True}, stack).environment.protect


@pytest.mark.parametrize("stack", ["staging", "prod"])
def test_what_is_not_retiring_is_refused_without_protection(stack):
    assert refused({"environment.retiring": False, "environment.protect": False}, stack) == [
        f"ai-prism:environment.protect: must be true in {stack}, got false"
    ]


@pytest.mark.parametrize("wrong", [wrong for wrong in PROD if wrong != "no protection"])
def test_what_is_retiring_keeps_every_other_rule_of_prod(wrong):
    edits, line = PROD[wrong]
    assert refused({**edits, "environment.retiring": True, "environment.protect": False}, "prod") == [line]


@pytest.mark.parametrize("stack", ["staging", "prod"])
def test_an_address_for_alerts_leaves_nothing_to_warn_of(stack):
    assert accepted({"observability.alert_emails": ["ops@example.com"]}, stack).warnings == ()


@pytest.mark.parametrize(("kind", "warnings"), [("dev", ()), ("integration", ()), ("staging", (NOBODY,))])
def test_the_kind_of_environment_decides_whether_it_warns_of_alarms_that_reach_nobody(kind, warnings):
    assert accepted({"environment.kind": kind, "observability.alert_emails": []}, "prod").warnings == warnings


def test_prod_is_refused_while_its_alarms_reach_nobody():
    (line,) = refused({"observability.alert_emails": []}, "prod")
    assert line.startswith("ai-prism:observability.alert_emails: must have an address in prod")


@pytest.mark.parametrize("wrong", ["db.serverless", "db.m5.large", "db.r6g.2large", "db.t4g.huge"])
def test_a_database_class_whose_memory_nobody_knows_has_no_thresholds(wrong):
    (line,) = refused({"database.instance_class": wrong})
    assert line.startswith("ai-prism:database.instance_class: ")


def test_one_zone_is_too_few():
    assert refused({"network.zones": ["us-east-1a"], "network.nat_gateways": 1}) == [
        'ai-prism:network.zones: must have at least 2, got ["us-east-1a"]'
    ]


def test_arm_types_are_told_one_by_one():
    rule = "must be x86_64, as node images and container images are"
    assert refused({"nodes.api.types": ["c6g.large", "c7g.large", "c8g.large"]}) == [
        f"ai-prism:nodes.api.types: {rule}, got {name}" for name in ("c6g.large", "c7g.large", "c8g.large")
    ]


@pytest.mark.parametrize(
    "edits",
    [
        {"network.cidr": "172.16.0.0/16"},
        {"network.cidr": "192.168.8.0/21"},
        {"network.zones": ["us-east-1f", "us-east-1h"], "network.nat_zone": "us-east-1h"},
        {"network.nat_gateways": 2},
        {"network.endpoints": ENDPOINTS},
        {"network.vpn_gateway": True},
        {"cluster.public_access_cidrs": ["203.0.113.0/24"]},
        {"cluster.admins": {"on-call": "arn:aws:iam::111122223333:role/on-call"}},
        {"cluster.admins": {who: f"arn:aws:iam::111122223333:role/{who}" for who in ("ops", "deliverer")}},
        {"nodes.web.min": 2, "nodes.web.desired": 3},
        {"nodes.api.types": ["c5.large", "c5a.large", "c6i.large"]},
        {"nodes.gpu.types": ["p3.2xlarge"]},
        {"database.backup_window": "06:00-06:30"},
        {"dns.api_host": "dev.ai-prism.com"},
        {"environment.retiring": True},
        {"dns.api_host": f"{'a.' * 118}dev.ai-prism.com"},
        {"registry": {"images": ["api"]}},
        {"registry": {"images": ["2-web-pages", f"{'a' * 30}-{'b' * 29}"]}},
        {"delivery.repository": "My_Company-2/infra.structure"},
        {"delivery.repository": "My_Company-2@123456/infra.structure@456789"},
        {"observability.alert_emails": ["ops@example.com"]},
    ],
    ids=str,
)
def test_what_keeps_to_the_rules_is_accepted(edits):
    assert accepted(edits).warnings == ()


DECISION = {"until": "2026-11-25", "reason": "writes wait for the disk", "owner": "on-call"}


@pytest.mark.parametrize("store", ["database", "cache"])
def test_a_decision_holds_until_its_last_day_is_over_and_then_counts_for_nothing(store):
    edits = {f"{store}.apply_immediately": DECISION}

    held = accepted(edits, today=datetime.date(2026, 11, 25))
    ended = accepted(edits, today=datetime.date(2026, 11, 26))

    assert getattr(held, store).apply_immediately.owner == "on-call"
    assert held.warnings == ()
    assert getattr(ended, store).apply_immediately is None
    assert ended.warnings == (f"ai-prism:{store}.apply_immediately: ended on 2026-11-25 and has no effect: remove it",)


def test_an_upgrade_that_is_over_leaves_its_version():
    ended = accepted({"database.upgrade": {**DECISION, "to": "18.6"}}, today=datetime.date(2026, 11, 26))

    assert (ended.database.version, ended.database.upgrade) == ("18.6", None)
    assert ended.warnings == (
        (
            "ai-prism:database.upgrade: ended on 2026-11-25 and has no effect: remove it, "
            "and set database.version to 18.6"
        ),
    )


def test_a_minor_version_to_which_aws_moved_by_itself_is_told_and_stops_nothing():
    assert accepted({"database.version": "17.12", "cache.version": "8.3"}).warnings == (
        (
            "ai-prism:database.version: Aurora PostgreSQL 17.12 is newer than what versions.yaml lists: "
            "add it there, with its source"
        ),
        "ai-prism:cache.version: Valkey 8.3 is newer than what versions.yaml lists: add it there, with its source",
    )


KUBERNETES_ENDS = datetime.date(2027, 8, 2)


def test_a_version_out_of_support_is_told_and_stops_nothing():
    edits = {"cluster.version": "1.34"}
    said = "ai-prism:cluster.version: Kubernetes 1.34 left support on 2026-12-02; supported are 1.35, 1.36"
    assert said not in accepted(edits, today=datetime.date(2026, 12, 2)).warnings
    assert said in accepted(edits, today=datetime.date(2026, 12, 3)).warnings


@pytest.mark.parametrize("days", [90, 1, 0])
def test_a_version_that_leaves_within_ninety_days_is_a_warning(days):
    today = KUBERNETES_ENDS - datetime.timedelta(days=days)
    left = "1 day" if days == 1 else f"{days} days"
    assert accepted({}, today=today).warnings == (
        f"ai-prism:cluster.version: Kubernetes 1.36 leaves support on 2027-08-02, in {left}",
    )


def test_a_version_that_leaves_in_ninety_one_days_is_no_warning():
    assert accepted({}, today=KUBERNETES_ENDS - datetime.timedelta(days=91)).warnings == ()


def test_a_version_that_leaves_is_told_before_alarms_that_reach_nobody():
    today = KUBERNETES_ENDS - datetime.timedelta(days=1)
    assert accepted({}, "staging", today).warnings == (
        "ai-prism:cluster.version: Kubernetes 1.36 leaves support on 2027-08-02, in 1 day",
        NOBODY,
    )


def test_each_version_out_of_support_is_a_line_of_its_own():
    lines = accepted({"database.version": "18.4"}, today=datetime.date(2028, 1, 1)).warnings
    assert [line.split(" ")[0] for line in lines] == ["ai-prism:cluster.version:", "ai-prism:database.version:"]
    assert lines[1] == (
        "ai-prism:database.version: Aurora PostgreSQL 18.4 left support on 2027-12-31;"
        " supported are 16.15, 17.7, 17.11, 18.6"
    )


def test_a_message_has_no_hole_where_no_listed_version_is_supported():
    assert accepted({}, today=KUBERNETES_ENDS + datetime.timedelta(days=1)).warnings == (
        (
            "ai-prism:cluster.version: Kubernetes 1.36 left support on 2027-08-02;"
            " add a later one to versions.yaml, with its source"
        ),
    )


@pytest.mark.parametrize("stack", ["d", "Dev", "dev-1", "1dev", "a" * 17])
def test_a_stack_name_that_names_cannot_carry_is_refused(stack):
    with pytest.raises(SettingsError) as error:
        settings.parse(stack, sound.configuration("dev"), today=TODAY)
    assert str(error.value) == (
        f"Pulumi.{stack}.yaml: 1 problem\n"
        f"  stack: must be 2 to 16 lower-case letters and digits, the first a letter, got {stack}"
    )


def test_a_secret_is_refused_without_showing_it():
    config = edited("dev", {"database.password": "hunter2"})
    with pytest.raises(SettingsError) as error:
        settings.parse("dev", config, secret_keys=frozenset({"ai-prism:database"}), today=TODAY)
    assert str(error.value) == (
        "Pulumi.dev.yaml: 1 problem\n"
        "  ai-prism:database: must not hold a secret: keep it in AWS Secrets Manager and refer to it"
    )


def test_a_secret_under_an_unknown_section_is_refused_without_showing_it():
    config = {**sound.configuration("dev"), "ai-prism:password": "hunter2"}
    with pytest.raises(SettingsError) as error:
        settings.parse("dev", config, secret_keys=frozenset({"ai-prism:password"}), today=TODAY)
    assert "ai-prism:password: " in str(error.value)
    assert "hunter2" not in str(error.value)


def test_keys_of_other_packages_are_none_of_the_programs_business():
    assert settings.parse("dev", {**sound.configuration("dev"), "aws:region": "eu-west-1"}, today=TODAY) == parsed(
        "dev"
    )


def test_several_problems_are_told_at_once_in_the_order_of_the_sections():
    edits = {
        "zzz": {},
        "network.hunter": "secret",
        "nodes.web.min": 7,
        "dns.api_host": "api.example.com",
        "aws.account_id": "1",
        "registry": {"images": "api"},
        "cluster.version": "1.28",
    }
    assert refused(edits) == [
        f"ai-prism:aws.account_id: {ACCOUNT}, got 1",
        f"ai-prism:network.hunter: unknown key; known are {KEYS}",
        "ai-prism:nodes.web.desired: must be at least min (7), got 2",
        "ai-prism:dns.api_host: must lie in the zone dev.ai-prism.com, got api.example.com",
        "ai-prism:registry.images: must be a list, got api",
        f"ai-prism:zzz: unknown key; known are {SECTIONS}",
        "ai-prism:cluster.version: must be a version that versions.yaml lists (1.34, 1.35, 1.36), got 1.28",
    ]


def test_an_empty_configuration_is_told_everything_that_it_needs():
    with pytest.raises(SettingsError) as error:
        settings.parse("dev", {}, today=TODAY)
    needed = [name for name in SECTIONS.split(", ") if name not in OPTIONAL]
    assert str(error.value) == "\n".join(
        ["Pulumi.dev.yaml: 11 problems", *(f"  ai-prism:{name}: is required" for name in needed)]
    )


def test_the_error_is_one_that_pulumi_prints_without_a_stack_trace():
    with pytest.raises(pulumi.RunError):
        settings.parse("dev", {}, today=TODAY)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


KNOWN_KEYS = {*settings.SECTIONS, *NodeGroup.model_fields}.union(
    *(section.model_fields for section in settings.SECTIONS.values())
)
UNKNOWN_KEYS = st.text(st.characters(exclude_characters=".", exclude_categories=["C", "Z"]), min_size=1, max_size=12)


@given(
    where=st.sampled_from(["", *(f"{name}." for name in settings.SECTIONS if name not in OPTIONAL), "nodes.web."]),
    key=UNKNOWN_KEYS.filter(lambda key: key not in KNOWN_KEYS),
    value=VALUES | st.text("abcdef0123456789", min_size=12),
)
@budget(max_examples=50)
def test_what_is_typed_under_an_unknown_key_never_changes_the_message(where, key, value):
    (line,) = refused({f"{where}{key}": 0})
    assert line.startswith(f"ai-prism:{where}{key}: unknown key; ")
    assert refused({f"{where}{key}": value}) == [line]


@given(st.text("abcdef0123456789", min_size=12))
@budget(max_examples=50)
def test_a_password_under_a_wrong_key_is_not_shown(password):
    edits = {"password": password, "database.password": password, "nodes.api.password": password}
    lines = refused(edits)
    assert len(lines) == 3
    assert password not in "".join(lines)


@pytest.fixture
def running(monkeypatch):
    """Stand in for the engine: the dev stack's configuration, and a list of what is logged."""
    warnings = []
    monkeypatch.setattr(pulumi, "get_stack", lambda: "dev")
    monkeypatch.setattr(pulumi.log, "warn", warnings.append)
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps(sound.configuration("dev")))
    monkeypatch.setenv("PULUMI_CONFIG_SECRET_KEYS", "[]")
    monkeypatch.setenv("AI_PRISM_TODAY", "2026-11-23")
    return warnings


def test_a_running_program_gets_what_the_engine_hands_it(running):
    assert settings.load() == parsed("dev")
    assert running == []


def test_a_running_program_warns_of_versions_that_leave(running, monkeypatch):
    monkeypatch.setenv("AI_PRISM_TODAY", "2027-07-31")
    settings.load()
    assert running == ["ai-prism:cluster.version: Kubernetes 1.36 leaves support on 2027-08-02, in 2 days"]


def test_a_running_program_warns_of_alarms_that_reach_nobody(running, monkeypatch):
    edits = {"environment.kind": "staging", "environment.protect": True, "gitops.single_sign_on": SINGLE_SIGN_ON}
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps(edited("dev", edits)))
    settings.load()
    assert running == [NOBODY]


def test_a_given_day_goes_before_the_environments(running):
    settings.load(today=datetime.date(2027, 7, 31))
    assert len(running) == 1


@pytest.mark.usefixtures("running")
def test_a_running_program_refuses_what_the_engine_marks_as_secret(monkeypatch):
    monkeypatch.setenv("PULUMI_CONFIG_SECRET_KEYS", '["ai-prism:database"]')
    with pytest.raises(SettingsError, match="ai-prism:database: must not hold a secret"):
        settings.load()


@pytest.mark.usefixtures("running")
def test_a_day_that_is_none_is_refused(monkeypatch):
    monkeypatch.setenv("AI_PRISM_TODAY", "tomorrow")
    with pytest.raises(pulumi.RunError) as error:
        settings.load()
    assert str(error.value) == "AI_PRISM_TODAY: must be a day such as 2026-11-23, got tomorrow"


@pytest.mark.parametrize(
    ("edits", "line"),
    [
        (
            {"aws.account_id": "١١١١٢٢٢٢٣٣٣٣"},
            f"ai-prism:aws.account_id: {ACCOUNT}, got ١١١١٢٢٢٢٣٣٣٣",
        ),
        (
            {"aws.region": "us-east-٣"},
            f"ai-prism:aws.region: {REGION}, got us-east-٣",
        ),
        (
            {"cluster.admins": {"ops": "arn:aws:iam::١١١١٢٢٢٢٣٣٣٣:role/ops"}},
            (f"ai-prism:cluster.admins.ops: {ROLE}, got arn:aws:iam::١١١١٢٢٢٢٣٣٣٣:role/ops"),
        ),
    ],
    ids=str,
)
def test_digits_that_aws_would_not_read_are_refused(edits, line):
    assert refused(edits) == [line]


NETWORK = "must be an IPv4 network without host bits, such as 10.0.0.0/16"


@pytest.mark.parametrize(
    ("edits", "line"),
    [
        ({"network.zones": ["us-east-1a"]}, 'ai-prism:network.zones: must have at least 2, got ["us-east-1a"]'),
        ({"network.zones": []}, "ai-prism:network.zones: must have at least 2, got []"),
        ({"nodes.web.types": []}, "ai-prism:nodes.web.types: must have at least 1, got []"),
        ({"network.cidr": "10.10.0.1/16"}, f"ai-prism:network.cidr: {NETWORK}, got 10.10.0.1/16"),
        ({"network.cidr": "10.10.0.0/33"}, f"ai-prism:network.cidr: {NETWORK}, got 10.10.0.0/33"),
        ({"network.cidr": "everything"}, f"ai-prism:network.cidr: {NETWORK}, got everything"),
        (
            {"cluster.public_access_cidrs": ["203.0.113.0/24", "office"]},
            f"ai-prism:cluster.public_access_cidrs.1: {NETWORK}, got office",
        ),
    ],
    ids=str,
)
def test_messages_are_in_the_words_of_the_file(edits, line):
    assert refused(edits) == [line]


@pytest.mark.parametrize(
    ("edits", "line"),
    [
        (
            {"network.zones": ["us-east-1a", 5]},
            "ai-prism:network.zones.1: must be text: put it in quotes, got 5",
        ),
        ({"network.zones": [5]}, "ai-prism:network.zones.0: must be text: put it in quotes, got 5"),
        (
            {"registry": {"images": ["Api"]}},
            f"ai-prism:registry.images.0: {IMAGE}, got Api",
        ),
    ],
    ids=str,
)
def test_a_wrong_item_is_told_once(edits, line):
    assert refused(edits) == [line]


@pytest.mark.parametrize(
    ("edits", "line"),
    [
        ({"cluster.version": 1.36}, "ai-prism:cluster.version: must be text: put it in quotes, got 1.36"),
        ({"aws.account_id": 111122223333}, "ai-prism:aws.account_id: must be text: put it in quotes, got 111122223333"),
        ({"cache.version": 8}, "ai-prism:cache.version: must be text: put it in quotes, got 8"),
        ({"network.cidr": 10}, "ai-prism:network.cidr: must be text: put it in quotes, got 10"),
        ({"cluster.admins": {"ops": 1}}, "ai-prism:cluster.admins.ops: must be text: put it in quotes, got 1"),
    ],
    ids=str,
)
def test_a_number_where_text_belongs_is_told_to_be_quoted(edits, line):
    assert refused(edits) == [line]


@pytest.mark.parametrize(
    ("edits", "line"),
    [
        ({"nodes.web.min": "1"}, "ai-prism:nodes.web.min: must be a whole number without quotes, got 1"),
        (
            {"environment.protect": "true"},
            "ai-prism:environment.protect: must be true or false without quotes, got true",
        ),
        ({"nodes.web.min": 1.5}, "ai-prism:nodes.web.min: must be a whole number, got 1.5"),
        ({"environment.protect": 1}, "ai-prism:environment.protect: must be true or false, got 1"),
    ],
    ids=str,
)
def test_text_where_none_belongs_is_told_to_lose_its_quotes(edits, line):
    assert refused(edits) == [line]


def test_an_unfit_network_is_told_beside_other_mistakes_of_its_section():
    assert refused({"network.cidr": "8.8.0.0/16", "network.nat_gateways": 0}) == [
        "ai-prism:network.cidr: must be a private range (10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16), got 8.8.0.0/16",
        "ai-prism:network.nat_gateways: must be greater than or equal to 1, got 0",
    ]


@pytest.mark.parametrize(("value", "shown"), [(True, "true"), (None, "null")])
def test_what_quotes_would_not_mend_is_not_told_to_be_quoted(value, shown):
    assert refused({"cluster.version": value}) == [f"ai-prism:cluster.version: must be text, got {shown}"]


@pytest.mark.parametrize(
    ("admins", "said"),
    [
        ({}, "ai-prism:cluster.admins: must name at least one role: the first update runs as one of them, got none"),
        (REMOVED, "ai-prism:cluster.admins: is required"),
    ],
)
def test_a_cluster_without_administrators_is_a_mistake(admins, said):
    (line,) = refused({"cluster.admins": admins})
    assert line.startswith(said)


@pytest.mark.parametrize("zone", [REMOVED, "us-east-1c"])
def test_one_nat_gateway_has_a_zone_by_name(zone):
    (line,) = refused({"network.nat_zone": zone})
    assert line.startswith("ai-prism:network.nat_zone: must be one of the zones (us-east-1a, us-east-1b), where")


OPTIONAL_BLOCKS = [
    (section, name)
    for section, model in settings.SECTIONS.items()
    for name, field in model.model_fields.items()
    if any(isinstance(each, type) and issubclass(each, Section) for each in get_args(field.annotation))
]


@pytest.mark.parametrize(("section", "name"), OPTIONAL_BLOCKS)
@pytest.mark.parametrize("value", ["hunter2", [], {"no_such_key": "hunter2"}])
def test_no_mistake_in_an_optional_block_ends_in_a_stack_trace_or_repeats_a_secret(section, name, value):
    told = refused({f"{section}.{name}": value}, stack="prod")
    assert any(f"ai-prism:{section}.{name}" in line for line in told)
    assert "hunter2" not in "".join(told)


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("images", {"docker_hub_login": "joe:hunter2"}, "must be the ARN of a secret"),
        ("gitops.repository", "https://joe:hunter2@github.com/company/x", "must be an https:// address without login"),
    ],
)
def test_a_secret_where_none_belongs_is_not_repeated(key, value, told):
    (line,) = refused({key: value})
    assert told in line
    assert "hunter2" not in line


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        (
            "database.restore_from",
            {"time": "2026-13-40T04:00:00Z", "stage": "beside"},
            "time: must be an existing date and time",
        ),
        ("gitops.time_zone", "Europe/Berln", "must be an existing time zone"),
        ("cluster.public_access_cidrs", ["203.0.113.7/32", "203.0.113.7/32"], "must name each network once"),
        ("cluster.public_access_cidrs", ["10.10.1.0/24"], "must be public networks, got 10.10.1.0/24"),
        (
            "registry",
            {"images": ["api", "quay"]},
            "must not have the names of the third-party image repositories",
        ),
    ],
)
def test_what_only_aws_would_refuse_is_refused_here(key, value, told):
    assert any(told in line for line in refused({key: value}))
