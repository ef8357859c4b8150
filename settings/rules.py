"""Rules between sections; each function is named after what it guarantees."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from settings.cluster import Cluster, Nodes
from settings.data_stores import Cache, Database
from settings.delivery import Gitops, Images
from settings.environment import Aws, Environment
from settings.exceptions import decisions_end_soon
from settings.naming import PROJECT
from settings.network import Network
from settings.observability import Observability
from settings.section import Problem, show
from settings.version_support import versions_are_listed

_PROD_BACKUP_DAYS = 30


def _zones_lie_in_the_region(aws: Aws, network: Network) -> Iterator[Problem]:
    for zone in network.zones:
        if not re.fullmatch(rf"{re.escape(aws.region)}[a-h]", zone):
            yield Problem(
                f"{PROJECT}:network.zones", f"must be zones of {aws.region} such as {aws.region}a", show(zone)
            )


def _the_control_plane_lies_in_the_network(cluster: Cluster, network: Network) -> Iterator[Problem]:
    for zone in cluster.zones:
        if zone not in network.zones:
            yield Problem(
                f"{PROJECT}:cluster.zones", f"must be among network.zones ({', '.join(network.zones)})", show(zone)
            )


def _logins_lie_where_the_cache_is(aws: Aws, images: Images) -> Iterator[Problem]:
    """https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache-creating-rule.html"""
    here = f"arn:aws:secretsmanager:{aws.region}:{aws.account_id}:"
    for name in ("docker_hub_login", "ghcr_login"):
        if (arn := getattr(images, name)) and not arn.startswith(here):
            rule = f"must be of this account and region, beginning with {here}"
            yield Problem(f"{PROJECT}:images.{name}", rule, show(arn))


def _every_zone_has_a_web_node(network: Network, nodes: Nodes) -> Iterator[Problem]:
    zones = len(network.zones)
    if nodes.web.min < zones:
        yield Problem(
            f"{PROJECT}:nodes.web.min",
            f"must be at least one per zone ({zones}): a pod with a volume can run only in the volume's zone",
            str(nodes.web.min),
        )


def _prod_survives_the_loss_of_a_zone(
    environment: Environment, network: Network, database: Database, cache: Cache
) -> Iterator[Problem]:
    if environment.kind != "prod":
        return
    zones = len(network.zones)
    least = (
        ("network.zones", zones, 3, "at least 3 zones"),
        ("network.nat_gateways", network.nat_gateways, zones, f"one per zone ({zones})"),
        ("database.instances", database.instances, 2, "at least 2"),
        ("cache.nodes", cache.nodes, 2, "at least 2"),
    )
    for path, value, wanted, words in least:
        if value < wanted:
            yield Problem(f"{PROJECT}:{path}", f"must be {words} in prod", str(value))


def _search_zones_are_of_the_network(network: Network, observability: Observability) -> Iterator[Problem]:
    for zone in observability.search.zones if observability.search else ():
        if zone not in network.zones:
            rule = f"must be among network.zones ({', '.join(network.zones)})"
            yield Problem(f"{PROJECT}:observability.search.zones", rule, show(zone))


_TAG = re.compile(r"v?\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?")


def _delivery_is_guarded(environment: Environment, gitops: Gitops) -> Iterator[Problem]:
    if environment.kind == "prod" and not _TAG.fullmatch(gitops.revision):
        yield Problem(f"{PROJECT}:gitops.revision", "must be a tag such as v1.2.3 in prod", show(gitops.revision))
    if environment.kind != "dev" and gitops.single_sign_on is None:
        yield Problem(
            f"{PROJECT}:gitops.single_sign_on", "is required outside dev: the local administrator is disabled"
        )


def _state_is_kept_where_it_matters(environment: Environment, database: Database) -> Iterator[Problem]:
    if environment.kind in ("staging", "prod") and not (environment.protect or environment.retiring):
        yield Problem(f"{PROJECT}:environment.protect", f"must be true in {environment.kind}", "false")
    if environment.kind == "prod" and database.backup_days < _PROD_BACKUP_DAYS:
        yield Problem(
            f"{PROJECT}:database.backup_days",
            f"must be at least {_PROD_BACKUP_DAYS} in prod",
            str(database.backup_days),
        )


def _somebody_hears_of_alarms(environment: Environment, observability: Observability) -> Iterator[Problem]:
    if environment.kind == "prod" and not observability.alert_emails:
        yield Problem(
            f"{PROJECT}:observability.alert_emails",
            "must have an address in prod, such as that of a pager or of the on-call engineer",
            "[]",
        )


_RULES: tuple[tuple[tuple[str, ...], Callable[..., Iterator[Problem]]], ...] = (
    (("aws", "network"), _zones_lie_in_the_region),
    (("aws", "images"), _logins_lie_where_the_cache_is),
    (("cluster", "network"), _the_control_plane_lies_in_the_network),
    (("network", "nodes"), _every_zone_has_a_web_node),
    (("environment", "network", "database", "cache"), _prod_survives_the_loss_of_a_zone),
    (("network", "observability"), _search_zones_are_of_the_network),
    (("environment", "database"), _state_is_kept_where_it_matters),
    (("environment", "gitops"), _delivery_is_guarded),
    (("database", "cache", "today"), decisions_end_soon),
    (("environment", "observability"), _somebody_hears_of_alarms),
    (("cluster", "database", "cache", "observability"), versions_are_listed),
)
"""Each rule with what it is called with: sections by name, and the day."""


def check(known: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what is wrong between sections. A rule runs once all sections that it looks at are sound."""
    for names, rule in _RULES:
        if all(name in known for name in names):
            yield from rule(*(known[name] for name in names))
