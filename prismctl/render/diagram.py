"""A drawing of the platform for design documents: zones and tiers of the VPC, what surrounds it, and who talks to whom.

Everything is read from the graph. What lies in which subnet follows from what its properties depend on, so that the
drawing is the same whether computed values are known or not.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

from prismctl.graph import Graph, Resource, Unknown
from prismctl.render.svg import Box, Content, Sketch, wrap
from prismctl.render.words import phrase

_NETWORK, _COMPUTE, _DATABASE, _STORAGE = "#7c3aed", "#d97706", "#2563eb", "#4d7c0f"
_SECURITY, _OPERATIONS, _MODELS = "#dc2626", "#db2777", "#0d9488"
_TIERS = {"public": "#f1f8ee", "private": "#eef5fc", "isolated": "#f5f2fb"}
"""From top to bottom, each with its colour."""
_ENGINES = {"aurora-postgresql": "Aurora PostgreSQL", "aurora-mysql": "Aurora MySQL", "valkey": "Valkey"}
_GITHUB = "token.actions.githubusercontent.com"

_MARGIN, _OUTSIDE, _EDGE, _ZONE, _ENDPOINTS, _SERVICES = 24, 150, 196, 250, 176, 220
"""Widths of the margin and of the columns, from left to right."""
_ACCOUNT_X = _MARGIN + _OUTSIDE + 50
_EDGE_X = _ACCOUNT_X + 16
_VPC_X = _EDGE_X + _EDGE + 56
_ZONES_X = _VPC_X + 56
_ZONE_GAP, _ROW_GAP, _HEADER, _GAP = 14, 28, 30, 12
_ACCOUNT_Y, _VPC_Y = 84, 122


def render(graph: Graph) -> str:
    """Return the platform as SVG."""
    return _Drawing(_Platform(graph)).draw()


@dataclass(frozen=True)
class _Platform:
    """Answers what the drawing asks of the graph."""

    graph: Graph

    def all(self, type_: str) -> list[Resource]:
        """Return resources by name: their order of registration may change between runs."""
        return sorted(self.graph.of_type(type_), key=lambda resource: resource.name)

    def first(self, type_: str) -> Resource | None:
        return next(iter(self.all(type_)), None)

    def roles(self, *types: str) -> list[str]:
        """Return the logical names without the component's, which says nothing new."""
        return [self.role(resource) for type_ in types for resource in self.all(type_)]

    def role(self, resource: Resource) -> str:
        parent = self.graph.by_urn.get(resource.parent or "")
        return resource.name.removeprefix(f"{parent.name}-") if parent else resource.name

    def sources(self, resource: Resource, key: str, type_: str) -> list[Resource]:
        """Return the resources of a type that a property comes from, be it through associations or groups."""
        found: dict[str, Resource] = {}
        seen: set[str] = set()
        todo = [*resource.property_dependencies.get(key, ())]
        while todo:
            urn = todo.pop()
            source = self.graph.by_urn.get(urn)
            if source is None or urn in seen:
                continue
            seen.add(urn)
            if source.type == type_:
                found[urn] = source
            else:
                todo.extend(urn for urns in source.property_dependencies.values() for urn in urns)
        return sorted(found.values(), key=lambda source: source.name)

    @cached_property
    def subnets(self) -> Mapping[tuple[str, str], Resource]:
        """By tier and zone."""
        found = {_tier_and_zone(subnet): subnet for subnet in self.all("aws:ec2/subnet:Subnet")}
        return dict(sorted(found.items()))

    @cached_property
    def tiers(self) -> list[str]:
        found = {tier for tier, _ in self.subnets}
        return [*(tier for tier in _TIERS if tier in found), *sorted(found - set(_TIERS))]

    @cached_property
    def zones(self) -> list[str]:
        return sorted({zone for _, zone in self.subnets})

    def place(self, resource: Resource, key: str) -> tuple[str, list[str]]:
        """Return the tier and the zones of the subnets that a property names; no tier where it names none."""
        places = [_tier_and_zone(subnet) for subnet in self.sources(resource, key, "aws:ec2/subnet:Subnet")]
        return (places[0][0], sorted({zone for _, zone in places})) if places else ("", [])

    @property
    def location(self) -> tuple[str, str]:
        """Account and region of the one AWS provider; empty where there is none."""
        provider = self.first("pulumi:providers:aws")
        accounts = re.findall(r"\d{12}", _text(provider, "allowedAccountIds")) if provider else []
        return ", ".join(accounts), _text(provider, "region") if provider else ""

    @property
    def https_port(self) -> str:
        ports = [listener for listener in self.all("aws:lb/listener:Listener") if listener.get("protocol") == "HTTPS"]
        return phrase(ports[0].get("port")) if ports else ""

    def port(self, type_: str, key: str) -> str:
        """Return the port that the security groups of a resource let in."""
        resource = self.first(type_)
        sources = self.sources(resource, key, "aws:ec2/securityGroup:SecurityGroup") if resource else []
        groups = {group.urn for group in sources}
        for rule in self.all("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"):
            if groups.intersection(rule.property_dependencies.get("securityGroupId", ())):
                return _text(rule, "fromPort")
        return ""

    @cached_property
    def endpoints(self) -> Mapping[str, list[str]]:
        """Service names by kind of endpoint, without the region's prefix."""
        found: dict[str, list[str]] = {}
        for endpoint in self.all("aws:ec2/vpcEndpoint:VpcEndpoint"):
            service = _text(endpoint, "serviceName").split(".", 3)[-1]
            found.setdefault(_text(endpoint, "vpcEndpointType", "Gateway"), []).append(service)
        return dict(sorted(found.items()))

    def granted(self, action: str) -> bool | None:
        """Return whether any role may do `action`; None where policies that may say so are not known yet."""
        policies = [policy.get("policy") for policy in self.all("aws:iam/rolePolicy:RolePolicy")]
        if any(isinstance(policy, str) and action in _allowed(policy) for policy in policies):
            return True
        return None if any(isinstance(policy, Unknown) for policy in policies) else False

    def github_roles(self) -> list[str]:
        """Return the roles that trust GitHub's issuer, whether the text of their trust is known or not."""
        return [
            self.role(role)
            for role in self.all("aws:iam/role:Role")
            if _GITHUB in _text(role, "assumeRolePolicy")
            or any(
                _GITHUB in _text(issuer, "url")
                for issuer in self.sources(
                    role, "assumeRolePolicy", "aws:iam/openIdConnectProvider:OpenIdConnectProvider"
                )
            )
        ]


def _tier_and_zone(subnet: Resource) -> tuple[str, str]:
    return phrase(_part(subnet.get("tags"), "Tier")) or "other", _text(subnet, "availabilityZone")


def _text(resource: Resource, key: str, default: object = "") -> str:
    """Return a property for people; nothing where it is not set."""
    value = resource.get(key)
    return phrase(default if value is None else value)


def _part(value: Any, key: str, default: Any = "") -> Any:
    """Return an entry of a mapping; of what is secret or unknown as a whole, the whole."""
    return value.get(key, default) if isinstance(value, Mapping) else default if value is None else value


def _allowed(policy: str) -> set[str]:
    found: set[str] = set()
    statements = json.loads(policy)["Statement"]
    for statement in statements if isinstance(statements, list) else [statements]:
        if statement["Effect"] == "Allow":
            actions = statement.get("Action", [])
            found.update([actions] if isinstance(actions, str) else actions)
    return found


def _join(*parts: object) -> str:
    return " · ".join(text for text in map(str, parts) if text)


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or f'{one}s'}" if number else ""


def _between_rows(box: Box) -> float:
    """Return the baseline of a text in the gap above the subnets in which `box` lies."""
    return box.y - _HEADER - _ROW_GAP / 2 + 4


def _node_group(group: Resource, platform: _Platform) -> Content:
    """Return a group of nodes: how they are bought, of which types, and how many."""
    sizes = group.get("scalingConfig")
    least, most = phrase(_part(sizes, "minSize")), phrase(_part(sizes, "maxSize"))
    note = f"{least} nodes" if least == most else f"{least} to {most} nodes"
    capacity = _text(group, "capacityType", "ON_DEMAND").replace("_", " ").lower()
    parent = platform.graph.by_urn.get(group.parent or "")
    name = parent.name if parent and parent.type.startswith("ai-prism:") else group.name
    return Content(
        name, [_join(capacity, _text(group, "instanceTypes"))], note if isinstance(sizes, Mapping) else "", _COMPUTE
    )


def _firewall(acl: Resource) -> Content:
    rules = acl.get("rules")
    if not isinstance(rules, list | tuple):
        return Content("Firewall (WAF)", color=_SECURITY)
    lines = [_count(len(rules), "rule")] if rules else []
    for rule in rules:
        if limit := _part(_part(rule, "statement"), "rateBasedStatement"):
            seconds = phrase(_part(limit, "evaluationWindowSec", 300))
            lines.append(f"{phrase(_part(limit, 'limit'))} per address in {seconds} s")
    return Content("Firewall (WAF)", lines, color=_SECURITY)


def _services(platform: _Platform) -> Iterator[tuple[str, Content]]:
    """Yield what the platform uses outside of its VPC, by the name that endpoints have for it."""
    room = _SERVICES - 30
    if buckets := platform.roles("aws:s3/bucket:Bucket"):
        yield "s3", Content("S3", wrap(buckets, room), _count(len(buckets), "bucket"), _STORAGE)
    if images := platform.roles("aws:ecr/repository:Repository"):
        yield "ecr", Content("ECR", wrap(images, room), _count(len(images), "repository", "repositories"), _COMPUTE)
    database = platform.first("aws:rds/cluster:Cluster")
    owner = ["database owner's password"] if database and database.get("manageMasterUserPassword") is True else []
    reads = platform.granted("secretsmanager:GetSecretValue")
    if owner or reads:
        yield "secretsmanager", Content("Secrets Manager", owner, color=_SECURITY)
    models = platform.granted("bedrock:InvokeModel")
    if models is not False:
        # AWS has models without any resource of ours: only a grant tells that they are used.
        yield "bedrock", Content("Bedrock", [] if models else ["grants known after an update"], color=_MODELS)
    if keys := platform.roles("aws:kms/key:Key"):
        yield "kms", Content("KMS", wrap(keys, room), _count(len(keys), "key"), _SECURITY)


class _Drawing:
    """Places everything, and remembers where, so that arrows are drawn only between things that exist."""

    def __init__(self, platform: _Platform) -> None:
        self._platform = platform
        self._sketch = Sketch()
        self._boxes: dict[str, Box] = {}
        self._services: list[str] = []
        self._zones = {zone: _ZONES_X + (_ZONE + _ZONE_GAP) * n for n, zone in enumerate(platform.zones)}
        self._zones_right = _ZONES_X + (_ZONE + _ZONE_GAP) * len(self._zones) - _ZONE_GAP
        self._bus = 0.0
        """Height at which NAT gateways meet on their way out."""

    def draw(self) -> str:
        self._draw_vpc()
        self._draw_entrance()
        self._draw_delivery()
        self._draw_services()
        self._draw_requests()
        self._draw_ways_out()
        self._draw_data()
        return self._finish()

    def _place(self, name: str, box: Box, content: Content) -> Box:
        self._boxes[name] = box
        self._sketch.card(box, content)
        return box

    # The VPC, from the inside out: a frame lies below what was drawn before it.

    def _draw_vpc(self) -> None:
        vpc = self._platform.first("aws:ec2/vpc:Vpc")
        if not vpc:
            return
        elements = (self._draw_balancer, self._draw_gateways, self._draw_cluster, self._draw_database, self._draw_cache)
        top = _VPC_Y + 30
        y = top + 26
        for tier in self._platform.tiers:
            row = y
            y += _HEADER
            for draw in elements:
                y = draw(tier, y)
            for (name, zone), subnet in self._platform.subnets.items():
                if name == tier:
                    box = Box(self._zones[zone] + 8, row, _ZONE - 16, y - row)
                    cidr = _text(subnet, "cidrBlock")
                    self._sketch.frame(box, tier, fill=_TIERS.get(tier, "#f8fafc"), stroke="#cbd5e1", detail=cidr)
            y += _ROW_GAP
        bottom = y - _ROW_GAP + 8 if self._platform.tiers else y
        for zone, x in self._zones.items():
            self._sketch.frame(Box(x, top, _ZONE, bottom - top), zone, fill="none", stroke="#94a3b8", dashed=True)
        endpoints = self._boxes.get("Gateway") or self._boxes.get("Interface")
        right = endpoints.right if endpoints else self._zones_right
        self._boxes["vpc"] = box = Box(_VPC_X, _VPC_Y, right + 16 - _VPC_X, bottom + 14 - _VPC_Y)
        self._sketch.frame(box, "VPC", fill="#ffffff", stroke=_NETWORK, detail=_text(vpc, "cidrBlock"))

    def _across(self, zones: Sequence[str], y: float, height: float) -> Box:
        """Return a box that reaches over all these zones' subnets."""
        left, right = self._zones[zones[0]] + 16, self._zones[zones[-1]] + _ZONE - 16
        return Box(left, y, right - left, height)

    def _draw_balancer(self, tier: str, y: float) -> float:
        balancer = self._platform.first("aws:lb/loadBalancer:LoadBalancer")
        where, zones = self._platform.place(balancer, "subnets") if balancer else ("", [])
        if not balancer or where != tier:
            return y
        listeners = [
            f"{_text(listener, 'protocol')} {_text(listener, 'port')}"
            for listener in self._platform.all("aws:lb/listener:Listener")
        ]
        kind = _text(balancer, "loadBalancerType", "application").capitalize()
        reach = "internal" if balancer.get("internal") is True else "internet-facing"
        content = Content(f"{kind} load balancer", [_join(reach, ", ".join(listeners))], color=_NETWORK)
        return self._place("balancer", self._across(zones, y, content.height + 2), content).bottom + _GAP

    def _draw_gateways(self, tier: str, y: float) -> float:
        bottom = y
        for gateway in self._platform.all("aws:ec2/natGateway:NatGateway"):
            where, zones = self._platform.place(gateway, "subnetId")
            if where == tier:
                self._bus = y + 22
                # As far right as there is room: the way up from the nodes passes the subnet's title.
                box = Box(self._zones[zones[0]] + 150, self._bus + 14, 72, 34)
                bottom = self._place(f"nat {zones[0]}", box, Content("NAT", color=_NETWORK)).bottom + _GAP
        return bottom

    def _draw_cluster(self, tier: str, y: float) -> float:
        cluster = self._platform.first("aws:eks/cluster:Cluster")
        where, zones = self._platform.place(cluster, "vpcConfig") if cluster else ("", [])
        if not cluster or where != tier:
            return y
        public = _part(cluster.get("vpcConfig"), "endpointPublicAccess")
        access = "private endpoint" if public is False else "public endpoint" if public is True else ""
        version = f"Kubernetes {_text(cluster, 'version')}".strip()
        cards = [Content("EKS control plane", [_join(version, access)], color=_COMPUTE)]
        groups = [_node_group(group, self._platform) for group in self._platform.all("aws:eks/nodeGroup:NodeGroup")]
        cards += sorted(groups, key=lambda group: group.title)
        box = self._across(zones, y, 28 + sum(card.height + 8 for card in cards) + 4)
        box = Box(box.x, y, box.width, max(box.height, self._draw_endpoints(y) - y + 32))
        at = y + 28
        for card in cards:
            self._sketch.card(Box(box.x + 8, at, box.width - 16, card.height), card)
            at += card.height + 8
        name = _text(cluster, "name")
        self._sketch.frame(box, "Cluster", fill="#ffffff", stroke=_COMPUTE, dashed=True, detail=name)
        self._boxes["cluster"] = box
        return box.bottom + _GAP

    def _draw_endpoints(self, y: float) -> float:
        """Draw the VPC's endpoints beside its zones; returns where they end."""
        for kind, services in self._platform.endpoints.items():
            lines = wrap(services, _ENDPOINTS - 30)
            content = Content(f"{kind} endpoint{'s' if len(services) > 1 else ''}", lines, color=_NETWORK)
            box = Box(self._zones_right + 44, y, _ENDPOINTS, content.height)
            y = self._place(kind, box, content).bottom + _GAP
        return y

    def _draw_database(self, tier: str, y: float) -> float:
        cluster = self._platform.first("aws:rds/cluster:Cluster")
        where, zones = self._platform.place(cluster, "dbSubnetGroupName") if cluster else ("", [])
        if not cluster or where != tier:
            return y
        instances = self._platform.all("aws:rds/clusterInstance:ClusterInstance")
        instances.sort(key=lambda instance: (_text(instance, "promotionTier", 1), instance.name))
        cards = [
            Content("Reader" if number else "Writer", [_text(instance, "instanceClass")], color=_DATABASE)
            for number, instance in enumerate(instances)
        ]
        return self._spread_over("database", cluster, cards, zones, y)

    def _draw_cache(self, tier: str, y: float) -> float:
        cache = self._platform.first("aws:elasticache/replicationGroup:ReplicationGroup")
        where, zones = self._platform.place(cache, "subnetGroupName") if cache else ("", [])
        if not cache or where != tier:
            return y
        number, node = cache.get("numCacheClusters", 1), [_text(cache, "nodeType")]
        names = ["Primary", *["Replica"] * (int(number) - 1)] if isinstance(number, int | float) else ["Nodes"]
        return self._spread_over("cache", cache, [Content(name, node, color=_DATABASE) for name in names], zones, y)

    def _spread_over(
        self, name: str, group: Resource, cards: Sequence[Content], zones: Sequence[str], y: float
    ) -> float:
        """Draw servers, one zone after the other, and a frame around them."""
        height = max((card.height for card in cards), default=0) + 8
        for number, card in enumerate(cards):
            row, zone = divmod(number, len(zones))
            self._sketch.card(Box(self._zones[zones[zone]] + 24, y + 28 + height * row, _ZONE - 48, height - 8), card)
        box = self._across(zones, y, 28 + height * -(-len(cards) // len(zones)) + 2)
        engine = _text(group, "engine")
        title, version = _ENGINES.get(engine, engine), _text(group, "engineVersion")
        encrypted = "encrypted" if True in (group.get("storageEncrypted"), group.get("atRestEncryptionEnabled")) else ""
        days = group.get("backupRetentionPeriod", group.get("snapshotRetentionLimit", ""))
        backups = f"backups kept {phrase(days)} days" if days else ""
        detail = _join(version, encrypted, backups)
        self._sketch.frame(box, title, fill="#ffffff", stroke=_DATABASE, dashed=True, detail=detail)
        self._boxes[name] = box
        return box.bottom + _GAP

    # What surrounds the VPC.

    def _draw_entrance(self) -> None:
        """Draw what is on the way from and to the internet, level with what it leads to."""
        balancer, network = self._boxes.get("balancer"), self._platform.first("aws:lb/loadBalancer:LoadBalancer")
        if balancer and network:
            self._place("users", Box(_MARGIN, balancer.center - 20, _OUTSIDE, 40), Content("Users"))
            for record in self._platform.all("aws:route53/record:Record"):
                if network.urn in record.property_dependencies.get("aliases", ()):
                    content = Content("Route 53", [_text(record, "name")], color=_NETWORK)
                    self._place("dns", Box(_EDGE_X, _VPC_Y, _EDGE, content.height), content)
            acl = self._platform.first("aws:wafv2/webAcl:WebAcl")
            if acl and self._platform.all("aws:wafv2/webAclAssociation:WebAclAssociation"):
                content = _firewall(acl)
                box = Box(_EDGE_X, balancer.center - content.height / 2, _EDGE, content.height)
                self._place("firewall", box, content)
        if self._bus and self._platform.first("aws:ec2/internetGateway:InternetGateway"):
            content = Content("Internet gateway", color=_NETWORK)
            self._place("gateway", Box(_EDGE_X, self._bus - 16, _EDGE, 32), content)
            self._place("internet", Box(_MARGIN, self._bus - 16, _OUTSIDE, 32), Content("Internet"))

    def _draw_delivery(self) -> None:
        """Draw what runs and watches the platform, below the entrance."""
        platform, cards = self._platform, dict[str, Content]()
        if roles := platform.github_roles():
            cards["roles"] = Content("IAM roles for GitHub", wrap(roles, _EDGE - 30), color=_SECURITY)
        watched = _join(
            _count(len(platform.all("aws:cloudwatch/metricAlarm:MetricAlarm")), "alarm"),
            _count(len(platform.all("aws:cloudwatch/logGroup:LogGroup")), "log group"),
        )
        if watched:
            cards["watch"] = Content("CloudWatch", [watched], color=_OPERATIONS)
        if topics := platform.roles("aws:sns/topic:Topic"):
            readers = _count(len(platform.all("aws:sns/topicSubscription:TopicSubscription")), "subscription")
            cards["topics"] = Content(
                "SNS", [_join(", ".join(topics), readers or "no subscriptions")], color=_OPERATIONS
            )
        top = max([self._boxes[name].bottom for name in ("gateway", "firewall") if name in self._boxes], default=_VPC_Y)
        self._stack(cards, Box(_EDGE_X, top + 60, _EDGE, self._bottom - top - 60))
        if "roles" in self._boxes:
            box = Box(_MARGIN, self._boxes["roles"].center - 20, _OUTSIDE, 40)
            self._place("github", box, Content("GitHub Actions"))

    @property
    def _bottom(self) -> float:
        return self._boxes["vpc"].bottom if "vpc" in self._boxes else _VPC_Y + 480

    def _stack(self, cards: Mapping[str, Content], column: Box) -> None:
        """Place cards below each other over the height of a column."""
        space = column.height - sum(card.height for card in cards.values())
        y = column.y
        for name, card in cards.items():
            y = self._place(name, Box(column.x, y, column.width, card.height), card).bottom
            y += max(_GAP, space / max(1, len(cards) - 1))

    def _draw_services(self) -> None:
        """Draw AWS's services at the right: those with an endpoint first, so that no paths cross."""
        cards = dict(_services(self._platform))
        ways = ("Gateway", "Interface", "NAT", "")
        self._services = sorted(cards, key=lambda name: ways.index(self._way(name)))
        x = self._boxes["vpc"].right + 64 if "vpc" in self._boxes else _VPC_X
        self._stack({name: cards[name] for name in self._services}, Box(x, _VPC_Y, _SERVICES, self._bottom - _VPC_Y))

    def _way(self, service: str) -> str:
        """Return how nodes reach a service: by which kind of endpoint, else through NAT; empty where they need not."""
        if service == "kms":
            return ""
        ways = (kind for kind, names in self._platform.endpoints.items() if any(service in name for name in names))
        return next(ways, "NAT")

    # Who talks to whom.

    def _draw_requests(self) -> None:
        """Draw the way of a request to the nodes, and of a deployment to its role."""
        boxes, arrow = self._boxes, self._sketch.arrow
        if "dns" in boxes:
            users, dns = boxes["users"], boxes["dns"]
            arrow((users.middle, users.y), (users.middle, dns.center), (dns.x, dns.center), dashed=True)
        port = self._platform.https_port
        for start, end in pairwise(boxes[name] for name in ("users", "firewall", "balancer") if name in boxes):
            arrow((start.right, start.center), (end.x, start.center), label=port)
        if "balancer" in boxes and "cluster" in boxes:
            x, end = boxes["balancer"].right - 5, boxes["cluster"]
            arrow((x, boxes["balancer"].bottom), (x, end.y))
            target = self._platform.first("aws:lb/targetGroup:TargetGroup")
            self._sketch.text(x - 6, _between_rows(end), _text(target, "port") if target else "", anchor="end")
        if "github" in boxes:
            github, roles = boxes["github"], boxes["roles"]
            arrow((github.right, github.center), (roles.x, github.center), label="OIDC")
        if "watch" in boxes and "topics" in boxes:
            watch, topics = boxes["watch"], boxes["topics"]
            arrow((watch.middle, watch.bottom), (watch.middle, topics.y))

    def _draw_ways_out(self) -> None:
        """Draw what nodes reach through NAT gateways and endpoints."""
        boxes, arrow = self._boxes, self._sketch.arrow
        cluster, gateway = boxes.get("cluster"), boxes.get("gateway")
        for nat in (box for name, box in boxes.items() if name.startswith("nat ")):
            if cluster:
                arrow((nat.middle, cluster.y), (nat.middle, nat.bottom))
            if gateway:
                arrow((nat.middle, nat.y), (nat.middle, self._bus), (gateway.right, self._bus))
        if gateway:
            arrow((gateway.x, self._bus), (boxes["internet"].right, self._bus))
        if not cluster:
            return
        for kind in ("Gateway", "Interface"):
            if kind in boxes:
                start = boxes[kind]
                arrow((cluster.right, start.center), (start.x, start.center))
        for service in self._services:
            way, end = self._way(service), boxes[service]
            if way:
                y, start = (cluster.bottom - 14, cluster) if way == "NAT" else (boxes[way].center, boxes[way])
                x = boxes["vpc"].right + (40 if way == "Interface" else 22)
                arrow((start.right, y), (x, y), (x, end.center), (end.x, end.center), dashed=way == "NAT")

    def _draw_data(self) -> None:
        """Draw the ways from the nodes to what they keep their data in."""
        cluster, database, cache = (self._boxes.get(name) for name in ("cluster", "database", "cache"))
        if cluster and database:
            x = database.x + 190
            self._sketch.arrow((x, cluster.bottom), (x, database.y))
            port = self._platform.port("aws:rds/cluster:Cluster", "vpcSecurityGroupIds")
            self._sketch.text(x + 6, _between_rows(database), port)
        if cluster and cache:
            x, y = _VPC_X + 14, cluster.bottom - 14
            self._sketch.arrow((cluster.x, y), (x, y), (x, cache.center), (cache.x, cache.center))
            port = self._platform.port("aws:elasticache/replicationGroup:ReplicationGroup", "securityGroupIds")
            self._sketch.text(x + 5, cache.center - 5, port)

    def _finish(self) -> str:
        """Draw the account's frame, the heading and the legend."""
        graph, draw = self._platform.graph, self._sketch
        right = max(box.right for box in [*self._boxes.values(), Box(_EDGE_X, 0, 520, 0)]) + 16
        bottom = self._bottom + 16
        account, region = self._platform.location
        title = f"AWS account {account}" if account else "AWS account"
        draw.frame(
            Box(_ACCOUNT_X, _ACCOUNT_Y, right - _ACCOUNT_X, bottom - _ACCOUNT_Y),
            title, fill="#fcfcfd", stroke="#94a3b8", detail=region,
        )  # fmt: skip
        heading = f"{graph.project}: {graph.stack}"
        draw.text(_MARGIN, 40, heading, style="heading")
        protected = sum(resource.protect for resource in graph.resources)
        draw.text(
            _MARGIN, 62, f"{_count(len(graph.resources) - 1, 'resource') or 'no resources'}, {protected} protected"
        )
        y = bottom + 26
        draw.arrow((_ACCOUNT_X, y), (_ACCOUNT_X + 40, y))
        draw.text(_ACCOUNT_X + 50, y + 4, "request, with its port")
        draw.arrow((_ACCOUNT_X + 220, y), (_ACCOUNT_X + 260, y), dashed=True)
        draw.text(_ACCOUNT_X + 270, y + 4, "name lookup, or request through NAT to a public address of AWS")
        draw.text(_ACCOUNT_X, y + 24, "AWS chooses in which of its zones each server of a database or cache runs.")
        return draw.document(right + _MARGIN, y + 44, heading, self._describe())

    def _describe(self) -> str:
        """Return in words what the drawing shows."""
        platform = self._platform
        zones, tiers = ", ".join(platform.zones), ", ".join(platform.tiers)
        nodes = len(platform.all("aws:eks/nodeGroup:NodeGroup"))
        return f"{platform.graph.project} {platform.graph.stack}: " + "; ".join(
            part
            for part in (
                f"{tiers} subnets in {zones}" if zones else "",
                _count(sum(name.startswith("nat ") for name in self._boxes), "NAT gateway"),
                _count(nodes, "node group"),
                _count(len(platform.all("aws:rds/clusterInstance:ClusterInstance")), "database instance"),
            )
            if part
        )
