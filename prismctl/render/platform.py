"""What the graph says about the platform, in the words of its drawing.

What lies in which subnet follows from what its properties depend on, so that it is told whether computed values are
known or not.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from prismctl.render.svg import Content, wrap
from prismctl.render.words import phrase
from recording.graph import Graph, Resource, Unknown

NETWORK, COMPUTE, DATABASE = "#7c3aed", "#d97706", "#2563eb"
_STORAGE, _SECURITY, _OPERATIONS, _MODELS = "#4d7c0f", "#dc2626", "#db2777", "#0d9488"
TIERS = {"public": "#f1f8ee", "private": "#eef5fc", "isolated": "#f5f2fb"}
"""From top to bottom, each with its colour."""
_ENGINES = {"aurora-postgresql": "Aurora PostgreSQL", "aurora-mysql": "Aurora MySQL", "valkey": "Valkey"}
_KEYS = {"asn": "network", "ip": "address", "ja3Fingerprint": "fingerprint", "ja4Fingerprint": "fingerprint"}
"""What a firewall may count requests by, beside addresses."""
_GITHUB = "token.actions.githubusercontent.com"


@dataclass(frozen=True)
class Platform:
    """Answers what the drawing asks of the graph."""

    graph: Graph

    def all(self, type_: str) -> list[Resource]:
        """Return resources by name: their order of registration may change between runs."""
        return sorted(self.graph.of_type(type_), key=lambda resource: resource.name)

    def first(self, type_: str) -> Resource | None:
        return next(iter(self.all(type_)), None)

    def roles(self, type_: str) -> list[str]:
        """Return the logical names without the component's, which says nothing new."""
        return [self.role(resource) for resource in self.all(type_)]

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
        return [*(tier for tier in TIERS if tier in found), *sorted(found - set(TIERS))]

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
        accounts = re.findall(r"\d{12}", text(provider, "allowedAccountIds")) if provider else []
        return ", ".join(accounts), text(provider, "region") if provider else ""

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
                return text(rule, "fromPort")
        return ""

    @cached_property
    def endpoints(self) -> Mapping[str, list[str]]:
        """Service names by kind of endpoint, without the region's prefix."""
        found: dict[str, list[str]] = {}
        for endpoint in self.all("aws:ec2/vpcEndpoint:VpcEndpoint"):
            service = text(endpoint, "serviceName").split(".", 3)[-1]
            found.setdefault(text(endpoint, "vpcEndpointType", "Gateway"), []).append(service)
        return dict(sorted(found.items()))

    def way(self, service: str) -> str:
        """Return how nodes reach a service: by which kind of endpoint, else through NAT; empty where they need not."""
        if service == "kms":
            return ""
        ways = (kind for kind, names in self.endpoints.items() if any(service in name for name in names))
        return next(ways, "NAT")

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
            if _GITHUB in text(role, "assumeRolePolicy")
            or any(
                _GITHUB in text(issuer, "url")
                for issuer in self.sources(
                    role, "assumeRolePolicy", "aws:iam/openIdConnectProvider:OpenIdConnectProvider"
                )
            )
        ]

    # What cards say.

    def names(self, balancer: Resource) -> list[str]:
        """Return the names under which users find a load balancer."""
        return [
            text(record, "name")
            for record in self.all("aws:route53/record:Record")
            if balancer.urn in record.property_dependencies.get("aliases", ())
        ]

    def balancer(self, balancer: Resource) -> Content:
        """Return a load balancer: its kind, from where it is reached, and on which ports."""
        listeners = [
            f"{text(listener, 'protocol')} {text(listener, 'port')}"
            for listener in self.all("aws:lb/listener:Listener")
        ]
        kind = text(balancer, "loadBalancerType", "application").capitalize()
        reach = "internal" if balancer.get("internal") is True else "internet-facing"
        return Content(f"{kind} load balancer", [_join(reach, ", ".join(listeners))], color=NETWORK)

    def firewall(self, room: float) -> Content | None:
        """Return the firewall and its limits, where it protects anything, with lines no wider than `room`."""
        acl = self.first("aws:wafv2/webAcl:WebAcl")
        if not acl or not self.all("aws:wafv2/webAclAssociation:WebAclAssociation"):
            return None
        rules = acl.get("rules")
        if not isinstance(rules, list | tuple):
            return Content("Firewall (WAF)", color=_SECURITY)
        lines = [count(len(rules), "rule")] if rules else []
        for rule in rules:
            if limit := _part(_part(rule, "statement"), "rateBasedStatement"):
                seconds = phrase(_part(limit, "evaluationWindowSec", 300))
                most = f"{phrase(_part(limit, 'limit'))} per {_counted_by(limit)} in {seconds} s"
                blocks = "count" not in _part(rule, "action", {})
                lines.extend(wrap([most] if blocks else [most, "counted only"], room))
        return Content("Firewall (WAF)", lines, color=_SECURITY)

    def cluster(self, cluster: Resource) -> list[Content]:
        """Return the control plane of a cluster, and below it the groups of nodes."""
        public = _part(cluster.get("vpcConfig"), "endpointPublicAccess")
        access = "private endpoint" if public is False else "public endpoint" if public is True else ""
        version = f"Kubernetes {text(cluster, 'version')}".strip()
        groups = [self._node_group(group) for group in self.all("aws:eks/nodeGroup:NodeGroup")]
        return [
            Content("EKS control plane", [_join(version, access)], color=COMPUTE),
            *sorted(groups, key=lambda group: group.title),
        ]

    def apps(self, room: float) -> Iterator[Content]:
        """Yield what is installed in the cluster and what it delivers, with lines no wider than `room`."""
        if releases := self.all("kubernetes:helm.sh/v3:Release"):
            names = wrap([text(release, "name") for release in releases], room)
            yield Content("Apps", names, count(len(releases), "chart"), _OPERATIONS)
        for application in self.all("kubernetes:argoproj.io/v1alpha1:Application"):
            source = _part(application.get("spec"), "source")
            lines = [_join(phrase(_part(source, "path")), phrase(_part(source, "targetRevision")))]
            yield Content(f"{application.name}, by Argo CD", lines, color=_MODELS)

    def _node_group(self, group: Resource) -> Content:
        """Return a group of nodes: how they are bought, of which types, and how many."""
        sizes = group.get("scalingConfig")
        least, most = phrase(_part(sizes, "minSize")), phrase(_part(sizes, "maxSize"))
        note = f"{least} nodes" if least == most else f"{least} to {most} nodes"
        capacity = text(group, "capacityType", "ON_DEMAND").replace("_", " ").lower()
        parent = self.graph.by_urn.get(group.parent or "")
        name = group.name.removesuffix("-nodes") if parent and parent.type.startswith("ai-prism:") else group.name
        lines = [_join(capacity, text(group, "instanceTypes"))]
        return Content(name, lines, note if isinstance(sizes, Mapping) else "", COMPUTE)

    def database_servers(self) -> list[Content]:
        """Return the writer, then the readers in the order in which they take over."""
        instances = self.all("aws:rds/clusterInstance:ClusterInstance")
        instances.sort(key=lambda instance: (text(instance, "promotionTier", 1), instance.name))
        return [
            Content("Reader" if number else "Writer", [text(instance, "instanceClass")], color=DATABASE)
            for number, instance in enumerate(instances)
        ]

    def delivery(self, room: float) -> Iterator[tuple[str, Content]]:
        """Yield what runs and watches the platform, with lines no wider than `room`."""
        if roles := self.github_roles():
            yield "roles", Content("IAM roles for GitHub", wrap(roles, room), color=_SECURITY)
        watched = _join(
            count(len(self.all("aws:cloudwatch/metricAlarm:MetricAlarm")), "alarm"),
            count(len(self.all("aws:cloudwatch/logGroup:LogGroup")), "log group"),
        )
        if watched:
            yield "watch", Content("CloudWatch", [watched], color=_OPERATIONS)
        if topics := self.roles("aws:sns/topic:Topic"):
            readers = count(len(self.all("aws:sns/topicSubscription:TopicSubscription")), "subscription")
            yield "topics", Content("SNS", wrap(topics, room), readers or "no subscriptions", _OPERATIONS)

    def services(self, room: float) -> Iterator[tuple[str, Content]]:
        """Yield what the platform uses outside of its VPC, by the name that endpoints have for it.

        Lines are no wider than `room`.
        """
        if buckets := self.roles("aws:s3/bucket:Bucket"):
            yield "s3", Content("S3", wrap(buckets, room), count(len(buckets), "bucket"), _STORAGE)
        if images := self.roles("aws:ecr/repository:Repository"):
            yield "ecr", Content("ECR", wrap(images, room), count(len(images), "repository", "repositories"), COMPUTE)
        database = self.first("aws:rds/cluster:Cluster")
        owner = ["database owner's password"] if database and database.get("manageMasterUserPassword") is True else []
        secrets = [*owner, *self.roles("aws:secretsmanager/secret:Secret")]
        reads = self.granted("secretsmanager:GetSecretValue")
        if secrets or reads:
            note = count(len(secrets), "secret")
            yield "secretsmanager", Content("Secrets Manager", wrap(secrets, room), note, _SECURITY)
        models = self.granted("bedrock:InvokeModel")
        if models is not False:
            # AWS has models without any resource of ours: only a grant tells that they are used.
            yield "bedrock", Content("Bedrock", [] if models else ["grants known after an update"], color=_MODELS)
        if keys := self.roles("aws:kms/key:Key"):
            yield "kms", Content("KMS", wrap(keys, room), count(len(keys), "key"), _SECURITY)


def cache_servers(cache: Resource) -> list[Content]:
    """Return the primary, then its replicas."""
    number, node = cache.get("numCacheClusters", 1), [text(cache, "nodeType")]
    names = ["Primary", *["Replica"] * (int(number) - 1)] if isinstance(number, int | float) else ["Nodes"]
    return [Content(name, node, color=DATABASE) for name in names]


def search_servers(domain: Resource) -> list[Content]:
    """Return the data nodes of a domain; AWS spreads them over its zones."""
    cluster, volumes = domain.get("clusterConfig"), domain.get("ebsOptions")
    number, kind = _part(cluster, "instanceCount", 1), phrase(_part(cluster, "instanceType"))
    size = phrase(_part(volumes, "volumeSize"))
    card = Content("Data node", [_join(kind, f"{size} GiB" if size else "")], color=DATABASE)
    return [card] * int(number) if isinstance(number, int | float) else [card]


def search_engine(domain: Resource) -> tuple[str, str]:
    """Return what a domain runs, and its version and encryption."""
    name, _, version = text(domain, "engineVersion").partition("_")
    encrypted = "encrypted" if _part(domain.get("encryptAtRest"), "enabled") is True else ""
    return name or "OpenSearch", _join(version, encrypted)


def engine(group: Resource) -> tuple[str, str]:
    """Return what a database or a cache runs, and its version, encryption and backups."""
    name, version = text(group, "engine"), text(group, "engineVersion")
    encrypted = "encrypted" if True in (group.get("storageEncrypted"), group.get("atRestEncryptionEnabled")) else ""
    days = group.get("backupRetentionPeriod", group.get("snapshotRetentionLimit", ""))
    backups = f"backups kept {phrase(days)} days" if days else ""
    return _ENGINES.get(name, name), _join(version, encrypted, backups)


def text(resource: Resource, key: str, default: object = "") -> str:
    """Return a property for people; nothing where it is not set."""
    value = resource.get(key)
    return phrase(default if value is None else value)


def count(number: int, one: str, many: str = "") -> str:
    """Return a number with what it counts; nothing where there is none."""
    return f"{number} {one if number == 1 else many or f'{one}s'}" if number else ""


def _tier_and_zone(subnet: Resource) -> tuple[str, str]:
    return phrase(_part(subnet.get("tags"), "Tier")) or "other", text(subnet, "availabilityZone")


def _part(value: Any, key: str, default: Any = "") -> Any:
    """Return an entry of a mapping; of what is secret or unknown as a whole, the whole."""
    return value.get(key, default) if isinstance(value, Mapping) else default if value is None else value


def _counted_by(limit: Any) -> str:
    """Return by what a rate-based statement counts requests, in a word.

    Source: https://docs.aws.amazon.com/waf/latest/APIReference/API_RateBasedStatementCustomKey.html
    """
    kind = _part(limit, "aggregateKeyType", "IP")
    if kind != "CUSTOM_KEYS":
        return {"IP": "address", "FORWARDED_IP": "forwarded address"}.get(kind, "match")
    keys = _part(limit, "customKeys", ())
    names = sorted({name for key in keys if isinstance(key, Mapping) for name in key if key[name] is not None})
    return " and ".join(_KEYS.get(str(name), str(name)) for name in names) or "key"


def _allowed(policy: str) -> set[str]:
    found: set[str] = set()
    statements = json.loads(policy)["Statement"]
    for statement in statements if isinstance(statements, list) else [statements]:
        if statement["Effect"] == "Allow":
            actions = statement.get("Action", [])
            found.update([actions] if isinstance(actions, str) else actions)
    return found


def _join(*parts: str) -> str:
    return " · ".join(part for part in parts if part)
