"""The stack's configuration as frozen, typed sections: the only reader of Pulumi configuration.

`load()` either returns settings from which the platform can be built, or raises one SettingsError that lists every
problem. The rules within a section live on the section, those between sections at the end of this module.
"""

import datetime
import inspect
import ipaddress
import re
import zoneinfo
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pulumi
import pulumi.runtime.config
from pydantic import AfterValidator, Field

from settings import versions
from settings.address_plan import TIERS, largest_prefix, smallest_prefix
from settings.image_registries import UPSTREAMS
from settings.instance_types import InstanceShape, database_memory_gib
from settings.naming import PROJECT, STACK_NAME
from settings.section import Form, Problem, Section, SettingsError, parse_section, require, show, unknown_key
from settings.windows import window_rules

PRIVATE_RANGES = tuple(ipaddress.IPv4Network(cidr) for cidr in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))

_WIDEST_NAMED_NETWORK = 16
_SPOT_POOLS = 3
"""https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-best-practices.html: be flexible about instance types."""
_PROD_BACKUP_DAYS = 30

REQUIRED_ENDPOINTS = ("ecr.api", "ecr.dkr", "sts", "logs", "secretsmanager")
"""Without these a private node can neither pull an image, nor get credentials or secrets, once NAT is gone."""
OPTIONAL_ENDPOINTS = ("ssm", "kms", "elasticloadbalancing", "autoscaling", "ec2", "eks", "eks-auth", "bedrock-runtime")


Count = Annotated[int, Field(ge=0, le=1000)]

_Zones = Annotated[tuple[str, ...], AfterValidator(lambda zones: tuple(sorted(zones)))]
"""Names of availability zones, as in `us-east-1a`. In which order a stack file has them says nothing: whatever is made
for some of them names these, or it would move once another comes first."""


class Environment(Section):
    """What kind of environment the stack is, and how hard it is to lose."""

    kind: Literal["dev", "integration", "staging", "prod"]
    protect: bool
    """Deletion protection in AWS and `protect` in Pulumi, on everything that holds state."""
    retiring: bool = False
    """Lets staging and prod go without protection, for the update before their last."""


_AccountId = Annotated[str, Form(r"[0-9]{12}", "12 digits", "111122223333")]


class Aws(Section):
    """Where the stack lives. The provider refuses to work on any other account."""

    account_id: _AccountId
    region: Annotated[str, Form(r"[a-z]{2}(-[a-z]+)+-[0-9]", "the name of a region", "us-east-1")]
    service_roles: tuple[Literal["elasticache", "opensearch", "rds"], ...] = ("elasticache", "opensearch", "rds")
    """Services whose service-linked role this stack makes. An account has one each: leave out those that it has."""


def _room_for_all_tiers(cidr: ipaddress.IPv4Network) -> ipaddress.IPv4Network:
    ranges = ", ".join(str(private) for private in PRIVATE_RANGES)
    private = any(cidr.subnet_of(private) for private in PRIVATE_RANGES)
    require(true=private, rule=f"must be a private range ({ranges})")
    largest, smallest = largest_prefix(), smallest_prefix()
    room = f"must be between /{largest} and /{smallest} so that {len(TIERS)} tiers fit in every zone"
    require(true=largest <= cidr.prefixlen <= smallest, rule=room)
    return cidr


class Network(Section):
    """The VPC: its addresses, zones and ways out."""

    cidr: Annotated[ipaddress.IPv4Network, AfterValidator(_room_for_all_tiers)]
    zones: Annotated[_Zones, Field(min_length=2)]
    """Names of availability zones, as in `us-east-1a`; a zone's letter decides its addresses."""
    nat_gateways: Annotated[int, Field(ge=1)]
    """One for all zones, or one for each."""
    nat_zone: str | None = None
    """Zone of the gateway where one serves all. Named, since it stays there with its address when zones are added."""
    endpoints: tuple[str, ...] = REQUIRED_ENDPOINTS
    """Interface endpoints by service. Each costs by the hour and zone; traffic to the others goes through NAT."""
    image_accounts: tuple[_AccountId, ...] = ()
    """Accounts, beside this one and EKS's, whose ECR repositories nodes may pull from, as of a company's registry."""
    vpn_gateway: bool = False

    def rules(self) -> Iterator[Problem]:
        if len(set(self.zones)) != len(self.zones):
            yield Problem("zones", "must name each zone once", show(self.zones))
        if self.nat_gateways not in (1, len(self.zones)):
            yield Problem("nat_gateways", f"must be 1 or one per zone ({len(self.zones)})", str(self.nat_gateways))
        if self.nat_zone not in ((*self.zones,) if self.nat_gateways == 1 else (*self.zones, None)):
            rule = f"must be one of the zones ({', '.join(self.zones)}), where the one gateway stays as zones are added"
            yield Problem("nat_zone", rule, show(self.nat_zone) if self.nat_zone else "none")
        for service in self.endpoints:
            if service not in (*REQUIRED_ENDPOINTS, *OPTIONAL_ENDPOINTS):
                known = ", ".join((*REQUIRED_ENDPOINTS, *OPTIONAL_ENDPOINTS))
                yield Problem("endpoints", f"must be among {known}", show(service))
        if missing := [service for service in REQUIRED_ENDPOINTS if service not in self.endpoints]:
            yield Problem("endpoints", f"must include {', '.join(missing)}", show(self.endpoints))
        if len(set(self.endpoints)) != len(self.endpoints):
            yield Problem("endpoints", "must name each service once", show(self.endpoints))


_RoleArn = Annotated[
    str,
    Form(r"arn:aws:iam::[0-9]{12}:role/\S+", "the ARN of an IAM role", "arn:aws:iam::111122223333:role/platform"),
]


_PRIVATE = tuple(map(ipaddress.IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
"""https://www.rfc-editor.org/rfc/rfc1918"""


def _named_networks(networks: Sequence[ipaddress.IPv4Network]) -> Iterator[Problem]:
    """Yield what is wrong with networks that may reach the cluster's API from outside."""
    if len(set(networks)) < len(networks):
        yield Problem("public_access_cidrs", "must name each network once", show(networks))
    for network in networks:
        # Nobody comes from there by the public endpoint.
        if any(network.subnet_of(each) for each in _PRIVATE):
            yield Problem("public_access_cidrs", "must be public networks", str(network))
        if network.prefixlen < _WIDEST_NAMED_NETWORK:
            yield Problem(
                "public_access_cidrs",
                f"must be named networks of /{_WIDEST_NAMED_NETWORK} or smaller",
                str(network),
            )


class Cluster(Section):
    """The EKS control plane."""

    version: str
    zones: Annotated[_Zones, Field(min_length=2)]
    """Zones in which the control plane has its network interfaces. AWS fixes them when it makes the control plane, so
    they stay as they are when `network.zones` grows; nodes and pods run in the new zone all the same."""
    public_access_cidrs: tuple[ipaddress.IPv4Network, ...] = ()
    """Networks that may reach the API endpoint from outside the VPC; none turns the public endpoint off."""
    admins: Mapping[str, _RoleArn]
    """IAM roles with cluster administration, path and all, by the name that explains who they are.

    Whoever runs an update must be one of them, or the deployment role, which the first update makes.
    """

    def rules(self) -> Iterator[Problem]:
        if len(set(self.zones)) != len(self.zones):
            yield Problem("zones", "must name each zone once", show(self.zones))
        yield from _named_networks(self.public_access_cidrs)
        if not self.admins:
            yield Problem("admins", "must name at least one role: the first update runs as one of them", "none")
        if len(set(self.admins.values())) < len(self.admins):
            yield Problem("admins", "must name each role once: an access entry is one role's", show(list(self.admins)))
        if "delivery" in self.admins:
            yield Problem("admins.delivery", "must have another name: the deployment role is an administrator already")
        if "preview" in self.admins:
            yield Problem("admins.preview", "must have another name: it is the preview role's, which only looks")
        for name in self.admins:
            if not re.fullmatch(r"[a-z][a-z0-9-]{0,30}", name):
                yield Problem("admins", "must be named by lower-case words joined with hyphens", show(name))


class NodeGroup(Section):
    """One tier of nodes, in all zones together. The autoscaler owns the number between `min` and `max` later on."""

    types: Annotated[tuple[str, ...], Field(min_length=1)]
    """Instance types, most wanted first."""
    min: Count
    desired: Count
    max: Annotated[int, Field(ge=1, le=1000)]
    disk_gb: Annotated[int, Field(ge=20, le=16384)] = 50

    def rules(self) -> Iterator[Problem]:
        if self.desired < self.min:
            yield Problem("desired", f"must be at least min ({self.min})", str(self.desired))
        if self.max < self.desired:
            yield Problem("max", f"must be at least desired ({self.desired})", str(self.max))
        if len(set(self.types)) != len(self.types):
            yield Problem("types", "must name each type once", show(self.types))
        shapes = {name: InstanceShape.of(name) for name in self.types}
        for name, shape in shapes.items():
            if shape is None:
                yield Problem("types", "must be instance types such as c6i.xlarge", show(name))
            elif shape.arm:
                yield Problem("types", "must be x86_64: node images and container images are", show(name))
        if len({shape for shape in shapes.values() if shape}) > 1:
            yield Problem("types", "must be of like size, or the autoscaler misjudges a new node", show(self.types))


class SpotNodes(NodeGroup):
    """Spot nodes for the API; enough pools of like size to survive the loss of one."""

    on_demand_fallback: Count = 0
    """Most on-demand nodes that may stand in while no spot capacity is to be had; 0 makes no fallback group."""

    def rules(self) -> Iterator[Problem]:
        yield from super().rules()
        if len(self.types) < _SPOT_POOLS:
            yield Problem(
                "types", f"must be at least {_SPOT_POOLS} types of like size for spot capacity", show(self.types)
            )


class GpuNodes(NodeGroup):
    """Tainted nodes for document analysis."""

    def rules(self) -> Iterator[Problem]:
        yield from super().rules()
        for name in self.types:
            shape = InstanceShape.of(name)
            if shape is not None and not shape.nvidia:
                yield Problem("types", "must be instance types with NVIDIA GPUs such as g4dn.xlarge", show(name))


class Nodes(Section):
    """The three tiers of nodes."""

    web: NodeGroup
    """On-demand nodes for web traffic and the platform's controllers, which have volumes: at least one in each zone."""
    api: SpotNodes
    gpu: GpuNodes


LONGEST_DECISION = datetime.timedelta(days=31)
"""The policies allow no longer one either."""


class Decision(Section):
    """An exception that somebody has decided on, and that ends by itself: after its last day it counts for nothing."""

    until: datetime.date
    """The last day on which it holds, in quotes, such as `"2026-12-01"`."""
    reason: Annotated[str, Field(min_length=10)]
    owner: Annotated[str, Field(min_length=1)]
    """Who answers for it."""


class Upgrade(Decision):
    """Brings what stands to another version at once, a major one too; AWS never goes back."""

    to: str


class CacheRestore(Section):
    """A second store made from a backup, beside the one that stands; `stage` leads from one to the other."""

    snapshot: str = ""
    """Name or ARN of the snapshot."""
    stage: Literal["beside", "serving", "released"] = "beside"
    """`beside`: it is made, and nobody uses it. `serving`: it is handed over. `released`: the other may go."""

    def rules(self) -> Iterator[Problem]:
        if not self.snapshot:
            yield Problem("snapshot", "must name a snapshot")


class DatabaseRestore(CacheRestore):
    """A second database made from a snapshot or from a point in time; see the stages above."""

    time: Annotated[
        str,
        Form(
            r"(latest|\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z)?",
            'latest or a time in UTC as YYYY-MM-DDThh:mm:ssZ, or "" for a snapshot',
            "2026-11-30T04:00:00Z",
        ),
    ] = ""
    """In UTC such as `2026-11-30T04:00:00Z`, or `latest`; of the database that stands, unless of `source`."""
    source: Annotated[
        str,
        Form(
            r"(cluster-[A-Z0-9]+)?",
            'a cluster\'s resource id, or "" for the cluster that stands',
            "cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        ),
    ] = ""
    """Resource id of a deleted cluster whose automated backups are kept."""

    def rules(self) -> Iterator[Problem]:
        if bool(self.snapshot) == bool(self.time):
            yield Problem("snapshot", "must be given, or else time, not both")
        if self.source and not self.time:
            yield Problem("source", "is for a point in time: give time, too", show(self.source))
        if self.time not in ("", "latest") and not _is_a_time(self.time):
            yield Problem("time", "must be a day and a time of day that there are", show(self.time))


def _is_a_time(text: str) -> bool:
    try:
        datetime.datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


class Database(Section):
    """Aurora PostgreSQL."""

    version: str
    """What a new cluster runs. One that stands gets minor versions from AWS, and others by `upgrade`."""
    instance_class: Annotated[str, Form(r"db\.[a-z0-9-]+\.[a-z0-9]+", "an instance class of RDS", "db.r6g.large")]
    instances: Annotated[int, Field(ge=1, le=15)]
    """Writer and readers together."""
    backup_days: Annotated[int, Field(ge=7, le=35)]
    backup_window: str = "03:00-04:00"
    maintenance_window: str = "sun:05:00-sun:06:00"
    """Of the cluster and of its instances: changes that need a restart wait for it."""
    apply_immediately: Decision | None = None
    """Lets changes restart the database at once, as in an incident, instead of in the maintenance window."""
    upgrade: Upgrade | None = None
    generation: Annotated[int, Field(ge=1)] = 1
    """Which cluster is the stack's: one more after each restore that was taken over."""
    restore_from: DatabaseRestore | None = None
    """Makes the cluster of the next generation from a backup, beside the one that stands."""

    @property
    def memory_gib(self) -> int:
        """Return each instance's memory."""
        return database_memory_gib(self.instance_class) or 0

    def rules(self) -> Iterator[Problem]:
        if database_memory_gib(self.instance_class) is None:
            rule = "must be of a family that Aurora PostgreSQL has, such as db.r6g.large: alarms follow from its memory"
            yield Problem("instance_class", rule, show(self.instance_class))
        # https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBCluster.html: at least 30 minutes each.
        yield from window_rules(
            ("backup_window", self.backup_window, 30), ("maintenance_window", self.maintenance_window, 30)
        )
        yield from _upgrade_rules(self.version, self.upgrade)


class Cache(Section):
    """Valkey."""

    version: str
    """What a new cache runs. One that stands gets minor versions from AWS, and others by `upgrade`."""
    node_type: Annotated[str, Form(r"cache\.[a-z0-9]+\.[a-z0-9]+", "a node type of ElastiCache", "cache.r7g.large")]
    nodes: Annotated[int, Field(ge=1, le=6)]
    """Primary and replicas together; failover needs at least two."""
    snapshot_days: Annotated[int, Field(ge=1, le=35)] = 7
    snapshot_window: str = "03:00-05:00"
    maintenance_window: str = "sun:06:00-sun:07:00"
    apply_immediately: Decision | None = None
    """Lets changes restart the nodes at once, as in an incident, instead of in the maintenance window."""
    upgrade: Upgrade | None = None
    generation: Annotated[int, Field(ge=1)] = 1
    """Which group is the stack's: one more after each restore that was taken over."""
    restore_from: CacheRestore | None = None
    """Makes the group of the next generation from a snapshot, beside the one that stands."""

    def rules(self) -> Iterator[Problem]:
        # https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_CreateReplicationGroup.html
        yield from window_rules(
            ("snapshot_window", self.snapshot_window, 60), ("maintenance_window", self.maintenance_window, 60)
        )
        yield from _upgrade_rules(self.version, self.upgrade)


def _upgrade_rules(version: str, upgrade: Upgrade | None) -> Iterator[Problem]:
    if upgrade and versions.numbers(upgrade.to) < versions.numbers(version):
        yield Problem(
            "upgrade.to", f"must not be older than version ({version}): AWS never goes back", show(upgrade.to)
        )


_Host = Annotated[
    str,
    Field(max_length=253),
    Form(
        r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}",
        "a host name in lower case with a dot in it",
        "api.example.com",
    ),
]


class Dns(Section):
    """The names under which the platform is reached."""

    zone: _Host
    """A public hosted zone that exists in the account and is delegated: certificates are validated through it."""
    api_host: _Host

    def rules(self) -> Iterator[Problem]:
        if self.api_host != self.zone and not self.api_host.endswith(f".{self.zone}"):
            yield Problem("api_host", f"must lie in the zone {self.zone}", show(self.api_host))


class Api(Section):
    """How far the API scales: the namespace of the application has room for it; the chart has the same numbers."""

    min_replicas: Annotated[int, Field(ge=1)]
    max_replicas: Annotated[int, Field(ge=1)]

    def rules(self) -> Iterator[Problem]:
        if self.max_replicas < self.min_replicas:
            yield Problem(
                "max_replicas", f"must be at least min_replicas ({self.min_replicas})", str(self.max_replicas)
            )


_Image = Annotated[
    str,
    Field(max_length=60),
    Form(
        r"[a-z0-9]{1,30}(-[a-z0-9]{1,30})*",
        "words of lower-case letters and digits, 30 at most in each, joined with hyphens",
        "image-resizer",
    ),
]


_Requests = Annotated[int, Field(ge=10, le=2_000_000_000)]
"""What AWS takes as a limit: https://docs.aws.amazon.com/waf/latest/APIReference/API_RateBasedStatement.html"""


class Firewall(Section):
    """How many requests the firewall lets through in five minutes; AWS applies its limits near the number."""

    requests_per_address: _Requests = 2000
    """From one address; what is beyond is blocked."""
    requests_per_fingerprint: _Requests = 20_000
    """From clients that open TLS in the same way (JA4), whatever their addresses; an estimate."""
    requests_per_network: _Requests = 20_000
    """From all addresses of one autonomous system, such as a hosting provider's; an estimate."""
    many_addresses: Literal["count", "block"] = "count"
    """What becomes of requests beyond the last two limits. All users of one browser share a fingerprint, and those of
    a mobile operator a network: block once the counts have shown that users stay below."""


class Registry(Section):
    """Which images the platform stores."""

    images: Annotated[tuple[_Image, ...], Field(min_length=1)] = ("api", "web", "worker")

    def rules(self) -> Iterator[Problem]:
        if len(set(self.images)) != len(self.images):
            yield Problem("images", "must name each image once", show(self.images))
        # The repositories of the cache begin with these, behind the stack's name as the application's do.
        taken = sorted({upstream.word for upstream in UPSTREAMS.values()} & set(self.images))
        if taken:
            yield Problem("images", "must be called otherwise than the repositories of others' images", show(taken))


_NAME = r"[A-Za-z0-9_.-]+"
_REPOSITORY = re.compile(rf"{_NAME}/{_NAME}|{_NAME}@[0-9]+/{_NAME}@[0-9]+")


def _named_as_in_tokens(repository: str) -> str:
    named = _REPOSITORY.fullmatch(repository) is not None
    require(true=named, rule="must be OWNER/REPOSITORY, or OWNER@ID/REPOSITORY@ID where GitHub's tokens carry ids")
    return repository


class Delivery(Section):
    """Who may preview and deploy from GitHub."""

    repository: Annotated[str, AfterValidator(_named_as_in_tokens)]
    """As the subject of GitHub's tokens names it.

    That is `OWNER@ID/REPOSITORY@ID` for repositories made, renamed or transferred since 15 July 2026, and for those
    that opted in (https://github.blog/changelog/2026-04-23-immutable-subject-claims-for-github-actions-oidc-tokens/).
    """
    owns_oidc_provider: bool = True
    """An account has one OIDC provider for GitHub: exactly one of the stacks that share an account owns it."""
    state_bucket: Annotated[
        str, Form(r"([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])?", 'the name of a bucket, or "" for none', "my-pulumi-state")
    ] = ""
    """Bucket of Pulumi's state, which previews read; empty where the state is kept elsewhere."""
    state_key_arn: Annotated[
        str,
        Form(
            r"(arn:aws:kms:[a-z0-9-]+:[0-9]{12}:key/[a-f0-9-]+)?",
            'the ARN of a KMS key, not of an alias, or "" for none',
            "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        ),
    ] = ""
    """KMS key of Pulumi's state and secrets, the only one that delivery decrypts with by itself; empty without one."""


_PATH = r"(/[A-Za-z0-9._~/-]*)?"
_Https = Annotated[
    str,
    Form(
        rf"https://[a-z0-9.-]+{_PATH}",
        "an https:// address without login, port, query or fragment, its host in lower case",
        "https://git.example.com/platform",
    ),
]


class Charts(Section):
    """Where the third-party charts come from, in the versions that `versions.yaml` pins."""

    source: Annotated[
        str,
        Form(
            r"local|oci://[a-z0-9.-]+(:[0-9]+)?(/[a-z0-9._-]+)+",
            "local, or a registry",
            "oci://registry.example.com/charts",
        ),
    ] = "local"
    """`local`: the folder `.charts`, which `make charts` fills, so that no update depends on somebody else's server.

    `oci://…`: a registry that holds them all, to which Helm is logged in.
    """


_Login = Annotated[
    str,
    Form(
        r"(arn:aws:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:ecr-pullthroughcache/[A-Za-z0-9/_+=.@-]+)?",
        'the ARN of a secret whose name begins with ecr-pullthroughcache/, or "" for none',
        "arn:aws:secretsmanager:us-east-1:111122223333:secret:ecr-pullthroughcache/hub-AbCdEf",
        shown=False,
    ),
]
"""Of a secret in this account and region with the keys `username` and `accessToken`
(https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache-creating-secret.html)."""


class Images(Section):
    """Where nodes pull the images of the third-party charts; the application's own come from ECR in any case."""

    source: Literal["cache", "registries"] = "cache"
    """`cache`: from this account's ECR, which takes each from its publisher once. `registries`: from where they are
    published, all of which every new node asks."""
    docker_hub_login: _Login = ""
    """For ECR to take images from docker.io, which it does with a login alone; without one, nodes pull them there."""
    ghcr_login: _Login = ""
    """The same for ghcr.io."""

    @property
    def cached(self) -> dict[str, str]:
        """Return the registries whose images ECR takes, each with the ARN of its login or ""."""
        logins = {"docker.io": self.docker_hub_login, "ghcr.io": self.ghcr_login}
        return {
            host: logins.get(host, "")
            for host, upstream in UPSTREAMS.items()
            if self.source == "cache" and (logins[host] if upstream.login else True)
        }

    def rules(self) -> Iterator[Problem]:
        for name in ("docker_hub_login", "ghcr_login"):
            if self.source != "cache" and getattr(self, name):
                yield Problem(
                    name, "is for source cache: nodes themselves pull without a login", show(getattr(self, name))
                )


class SingleSignOn(Section):
    """How people log in to Argo CD: by OpenID Connect, as members of groups."""

    issuer: _Https
    client_id: Annotated[str, Form(r"[A-Za-z0-9._-]+", "letters, digits, dots, hyphens and underscores", "argo-cd")]
    """Its secret is kept in Secrets Manager, with Argo CD's other secrets."""
    admins: Annotated[str, Field(min_length=1)]
    """Group whose members may change applications; everybody else reads."""


def _is_a_time_zone(name: str) -> bool:
    """Whether the machine knows a time zone: a look at one file, where a list of all takes a tenth of a second."""
    if name.startswith(("posix/", "right/")) or name == "posixrules":  # copies of the database within itself
        return False
    try:
        zoneinfo.ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


class Gitops(Section):
    """What Argo CD deploys, and who may tell it to."""

    repository: _Https
    """Where `charts/ai-prism` lies, with the values of each environment."""
    revision: Annotated[
        str, Form(r"[A-Za-z0-9][A-Za-z0-9._/-]*", "a branch, a tag or a commit without special characters", "v1.2.3")
    ]
    """A branch, or in prod a tag: what runs there changes by a commit to the stack file alone."""
    private: bool = False
    """Whether reading the repository takes credentials, which are kept in Secrets Manager."""
    url: Annotated[
        str,
        Form(
            rf"https://[a-z0-9.-]+(:[0-9]{{1,5}})?{_PATH}",
            "an https:// address without login, query or fragment, its host in lower case",
            "https://argo-cd.example.com",
        ),
    ] = "https://localhost:8443"
    """Under which people see Argo CD; by default through a port that kubectl forwards."""
    time_zone: Annotated[
        str, Form(r"[A-Za-z]+([/_+-][A-Za-z0-9]+)*", "the name of a time zone as IANA has it", "America/New_York")
    ] = "UTC"
    """Whose working hours hold, in prod, for what Argo CD does by itself; as in `America/New_York`."""
    single_sign_on: SingleSignOn | None = None
    """Outside dev the only way in: the local administrator is off there."""

    def rules(self) -> Iterator[Problem]:
        # A machine without a database of time zones knows none.
        if not _is_a_time_zone(self.time_zone) and _is_a_time_zone("UTC"):
            yield Problem("time_zone", "must be a time zone that there is, such as America/New_York", self.time_zone)


class Search(Section):
    """OpenSearch for logs; a stack without it keeps them in CloudWatch."""

    instance_type: Annotated[
        str, Form(r"[a-z0-9]+\.[a-z0-9]+\.search", "an instance type of OpenSearch", "r6g.large.search")
    ]
    zones: Annotated[_Zones, Field(min_length=2, max_length=3)]
    """Zones of the nodes: two or three
    (https://docs.aws.amazon.com/opensearch-service/latest/developerguide/managedomains-multiaz.html). The domain stays
    in them as `network.zones` grows; a change of them moves all logs to new nodes."""
    nodes: Annotated[int, Field(ge=1, le=80)]
    """A multiple of the zones, over which they are spread."""
    volume_gb: Annotated[int, Field(ge=10, le=3000)]
    """Of each node."""
    version: str

    def rules(self) -> Iterator[Problem]:
        if len(set(self.zones)) != len(self.zones):
            yield Problem("zones", "must name each zone once", show(self.zones))
        elif self.nodes % len(self.zones):
            yield Problem("nodes", f"must be a multiple of the zones ({len(self.zones)})", str(self.nodes))


_Email = Annotated[str, Form(r"[^@\s]+@[^@\s]+\.[^@\s]+", "an e-mail address", "on-call@example.com")]


class Observability(Section):
    """What is kept, who is told, and what it may cost."""

    monthly_budget_usd: Annotated[int, Field(ge=1)]
    log_days: Literal[7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 731]
    """Retention of log groups, in days; CloudWatch knows only these steps."""
    search: Search | None = None
    """Where the pods' logs are kept and searched; CloudWatch keeps them where there is none."""
    alert_emails: tuple[_Email, ...] = ()
    """Who is called at any hour; required in prod."""
    warning_emails: tuple[_Email, ...] = ()
    """Who is told of what waits for working hours; the same as `alert_emails` where there are none."""

    def rules(self) -> Iterator[Problem]:
        for name in ("alert_emails", "warning_emails"):
            emails = getattr(self, name)
            if len(set(emails)) != len(emails):
                yield Problem(name, "must name each address once")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that a stack decides."""

    stack: str
    environment: Environment
    aws: Aws
    network: Network
    cluster: Cluster
    nodes: Nodes
    database: Database
    cache: Cache
    dns: Dns
    firewall: Firewall
    api: Api
    registry: Registry
    delivery: Delivery
    observability: Observability
    gitops: Gitops
    charts: Charts
    images: Images
    warnings: tuple[str, ...] = ()


# Account first: where it is wrong, nothing after it matters.
SECTIONS: Mapping[str, type[Section]] = {
    "aws": Aws,
    "environment": Environment,
    "network": Network,
    "cluster": Cluster,
    "nodes": Nodes,
    "database": Database,
    "cache": Cache,
    "dns": Dns,
    "firewall": Firewall,
    "api": Api,
    "registry": Registry,
    "delivery": Delivery,
    "observability": Observability,
    "gitops": Gitops,
    "charts": Charts,
    "images": Images,
}


def load(today: datetime.date | None = None) -> Settings:
    """Return the settings of the running stack, and log what it warns of.

    `today` decides what is out of support; without it the day is that of AI_PRISM_TODAY or of the calendar.
    Raises SettingsError with every problem at once.
    """
    try:
        versions.load()
        today = today or versions.today()
    except ValueError as error:
        raise pulumi.RunError(str(error)) from None
    settings = parse(
        pulumi.get_stack(),
        pulumi.runtime.config.get_config_env(),
        secret_keys=frozenset(pulumi.runtime.config.get_config_secret_keys_env()),
        today=today,
    )
    for warning in settings.warnings:
        pulumi.log.warn(warning)
    return settings


def parse(
    stack: str, config: Mapping[str, str], *, secret_keys: frozenset[str] = frozenset(), today: datetime.date
) -> Settings:
    """Return the settings that `config` (full keys to JSON text, as the engine hands them over) describes.

    Raises SettingsError with every problem at once.
    """
    own = {key.removeprefix(f"{PROJECT}:"): value for key, value in config.items() if key.startswith(f"{PROJECT}:")}
    problems: list[Problem] = []
    if not STACK_NAME.fullmatch(stack):
        problems.append(
            Problem("stack", "must be 2 to 16 lower-case letters and digits, the first a letter", show(stack))
        )
    sections: dict[str, Section] = {}
    for name, section in SECTIONS.items():
        if f"{PROJECT}:{name}" in secret_keys:
            problems.append(
                Problem(f"{PROJECT}:{name}", "must not hold a secret: keep it in AWS Secrets Manager and refer to it")
            )
        else:
            found = parse_section(f"{PROJECT}:{name}", section, own.get(name), problems)
            if found is not None:
                sections[name] = found
    problems += [Problem(f"{PROJECT}:{name}", unknown_key(name, SECTIONS)) for name in own if name not in SECTIONS]
    known = {**sections, "today": today}
    for check in _CROSS_SECTION_RULES:
        wanted = inspect.signature(check).parameters
        if all(name in known for name in wanted):
            problems += check(**{name: known[name] for name in wanted})
    if problems:
        raise SettingsError(stack, tuple(problems))
    chosen: Any = sections
    warnings = (*_lapsed(chosen, today), *_warnings(chosen, today))
    chosen.update(_in_force(chosen, today))
    return Settings(stack=stack, warnings=warnings, **chosen)


def _decisions(sections: Mapping[str, Any]) -> Iterator[tuple[str, str, Decision]]:
    """Yield each decision with the names of its section and of its key."""
    for name, section in sections.items():
        for key in type(section).model_fields:
            if isinstance(value := getattr(section, key), Decision):
                yield name, key, value


def _in_force(sections: Mapping[str, Any], today: datetime.date) -> dict[str, Section]:
    """Return the sections that change, as decisions whose last day is over have left them."""
    changed: dict[str, Section] = {}
    for name, key, decision in _decisions(sections):
        if decision.until < today:
            done = {"version": decision.to} if isinstance(decision, Upgrade) else {}
            section: Section = changed.get(name) or sections[name]
            changed[name] = section.model_copy(update={key: None, **done})
    return changed


def _lapsed(sections: Mapping[str, Any], today: datetime.date) -> tuple[str, ...]:
    return tuple(
        f"{PROJECT}:{name}.{key}: ended on {decision.until} and counts for nothing: take it out"
        + (f", and set {name}.version to {decision.to}" if isinstance(decision, Upgrade) else "")
        for name, key, decision in _decisions(sections)
        if decision.until < today
    )


def _listed_versions(
    cluster: Cluster, database: Database, cache: Cache, observability: Observability
) -> Iterator[Problem]:
    for path, product, version, releases in _chosen_versions(cluster, database, cache, observability):
        newer = product in _MOVED_BY_AWS and _newer_than_listed(version, releases)
        if version not in releases and not newer:
            yield Problem(path, f"must be a version that versions.yaml lists ({', '.join(releases)})", show(version))


def _chosen_versions(
    cluster: Cluster, database: Database, cache: Cache, observability: Observability
) -> tuple[tuple[str, str, str, Mapping[str, versions.Release]], ...]:
    known = versions.load()
    search = observability.search
    return (
        (f"{PROJECT}:cluster.version", "Kubernetes", cluster.version, known.kubernetes),
        *_store_versions("database", "Aurora PostgreSQL", database, known.aurora_postgresql),
        *_store_versions("cache", "Valkey", cache, known.valkey),
        *(
            [(f"{PROJECT}:observability.search.version", "OpenSearch", search.version, known.opensearch)]
            if search
            else []
        ),
    )


_MOVED_BY_AWS = ("Aurora PostgreSQL", "Valkey")


def _newer_than_listed(version: str, releases: Mapping[str, versions.Release]) -> bool:
    """Whether it is a minor version that came out after those of its major version that `versions.yaml` lists.

    AWS may have moved a stack to it by itself, so a file that does not know it yet must not stop the stack's updates.
    """
    major = version.partition(".")[0]
    known = [versions.numbers(each) for each in releases if each.partition(".")[0] == major]
    return bool(re.fullmatch(r"\d+\.\d+", version) and known and versions.numbers(version) > max(known))


def _store_versions(
    name: str, product: str, store: Database | Cache, releases: Mapping[str, versions.Release]
) -> Iterator[tuple[str, str, str, Mapping[str, versions.Release]]]:
    yield f"{PROJECT}:{name}.version", product, store.version, releases
    if store.upgrade:
        yield f"{PROJECT}:{name}.upgrade.to", product, store.upgrade.to, releases


def _days(number: int) -> str:
    return f"{number} day" if number == 1 else f"{number} days"


def _support(product: str, version: str, releases: Mapping[str, versions.Release], today: datetime.date) -> str:
    """Return what there is to say of a version's support, early and late; it never stops an update by itself."""
    release = releases[version]
    ends = release.support_ends
    if ends is not None and release.leaving(today):
        return f"{product} {version} leaves support on {ends}, in {_days((ends - today).days)}"
    if not release.ended(today):
        return ""
    alive = ", ".join(name for name, other in releases.items() if not other.ended(today))
    others = f"supported are {alive}" if alive else "add a later one to versions.yaml, with its source"
    return f"{product} {version} left support on {ends}; {others}"


def _warnings(sections: Mapping[str, Any], today: datetime.date) -> tuple[str, ...]:
    chosen = _chosen_versions(sections["cluster"], sections["database"], sections["cache"], sections["observability"])
    leaving = tuple(
        f"{path}: {told}"
        for path, product, version, releases in chosen
        if version in releases and (told := _support(product, version, releases, today))
    )
    leaving += tuple(
        f"{path}: {product} {version} is newer than what versions.yaml lists: add it there, with its source"
        for path, product, version, releases in chosen
        if version not in releases
    )
    untold = sections["environment"].kind == "staging" and not sections["observability"].alert_emails
    nobody = f"{PROJECT}:observability.alert_emails: empty: nobody is told of alarms unless something else subscribes"
    return (*leaving, nobody) if untold else leaving


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
            f"must be at least one per zone ({zones}): pods with a volume run in the zone of the volume alone",
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
        yield Problem(f"{PROJECT}:gitops.single_sign_on", "is required outside dev: the local administrator is off")


def _state_is_kept_where_it_matters(environment: Environment, database: Database) -> Iterator[Problem]:
    if environment.kind in ("staging", "prod") and not (environment.protect or environment.retiring):
        yield Problem(f"{PROJECT}:environment.protect", f"must be true in {environment.kind}", "false")
    if environment.kind == "prod" and database.backup_days < _PROD_BACKUP_DAYS:
        yield Problem(
            f"{PROJECT}:database.backup_days",
            f"must be at least {_PROD_BACKUP_DAYS} in prod",
            str(database.backup_days),
        )


def _decisions_end_soon(database: Database, cache: Cache, today: datetime.date) -> Iterator[Problem]:
    for name, key, decision in _decisions({"database": database, "cache": cache}):
        if decision.until > today + LONGEST_DECISION:
            yield Problem(
                f"{PROJECT}:{name}.{key}.until",
                f"must be at most {LONGEST_DECISION.days} days ahead: longer, it is no exception",
                str(decision.until),
            )


def _somebody_hears_of_alarms(environment: Environment, observability: Observability) -> Iterator[Problem]:
    if environment.kind == "prod" and not observability.alert_emails:
        yield Problem(
            f"{PROJECT}:observability.alert_emails",
            "must name somebody in prod: the address of a pager or of whoever is on call",
            "[]",
        )


_CROSS_SECTION_RULES: tuple[Callable[..., Iterator[Problem]], ...] = (
    _zones_lie_in_the_region,
    _logins_lie_where_the_cache_is,
    _the_control_plane_lies_in_the_network,
    _every_zone_has_a_web_node,
    _prod_survives_the_loss_of_a_zone,
    _search_zones_are_of_the_network,
    _state_is_kept_where_it_matters,
    _delivery_is_guarded,
    _decisions_end_soon,
    _somebody_hears_of_alarms,
    _listed_versions,
)
"""Rules between sections, each named for what it guarantees; run when the sections it asks for are sound."""
