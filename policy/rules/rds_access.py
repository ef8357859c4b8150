"""Aurora clusters and RDS instances: authentication, TLS and network access."""

from policy import resource_types as types
from policy.caches import is_member
from policy.databases import is_postgres, is_replica, parameter_path, parameters
from policy.properties import MISSING, UNKNOWN, Findings, Properties, Undetermined, attempt
from policy.registry import CRITICAL, HIGH, MEDIUM, Context, rule
from policy.view import Resource

_GROUPS = (*types.SECURITY_GROUP, *types.DEFAULT_SECURITY_GROUP)


@rule(
    "rds-iam",
    "Databases support IAM authentication",
    types=(*types.RDS_CLUSTER, *types.RDS_INSTANCE),
    severity=MEDIUM,
    controls=("RDS.10", "RDS.12", "CKV_AWS_161", "CKV_AWS_162"),
    paths=("iamDatabaseAuthenticationEnabled", "engine"),
    why="IAM tokens expire after minutes and are not stored; a password is valid until it is changed.",
    fix="Set iam_database_authentication_enabled=True.",
    strict=True,
    remedy={"iamDatabaseAuthenticationEnabled": True},
)
def iam_authentication(cluster: Resource, _: Context) -> Findings:
    if not cluster.flag("iamDatabaseAuthenticationEnabled") and not cluster.text("engine").startswith(_WITHOUT_IAM):
        yield "iamDatabaseAuthenticationEnabled", "IAM authentication is off"


_WITHOUT_IAM = ("oracle", "sqlserver", "db2", "custom-")
"""Engines without IAM authentication:
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.html"""

_PASSWORDS = ("masterPassword", "masterPasswordWo", "password", "passwordWo")


@rule(
    "rds-managed-pw",
    "RDS manages the master password",
    types=(*types.RDS_CLUSTER, *types.RDS_INSTANCE),
    severity=CRITICAL,
    paths=(
        "manageMasterUserPassword",
        *_PASSWORDS,
        "globalClusterIdentifier",
        "replicationSourceIdentifier",
        "replicateSourceDb",
    ),
    why="A password that the program sets is stored in its code or state, and is not rotated.",
    fix="Set manage_master_user_password=True, and no master_password.",
    strict=True,
)
def managed_password(cluster: Resource, _: Context) -> Findings:
    given = [path for path in _PASSWORDS if cluster.peek(path) not in (MISSING, "")]
    # AWS manages no password of a cluster that replicates or is replicated:
    # https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/rds-secrets-manager.html
    if cluster.has("globalClusterIdentifier") or cluster.has("replicationSourceIdentifier") or is_replica(cluster):
        for path in given:
            if not cluster.needs(path):
                yield (
                    (path, "the password is a literal in the program")
                    if cluster.peek(path) is not UNKNOWN
                    else Undetermined(path)
                )
    elif given:
        for path in given:
            yield path, "the program sets the password"
    elif not cluster.flag("manageMasterUserPassword"):
        yield "manageMasterUserPassword", "RDS does not manage the password"


@rule(
    "rds-admin-name",
    "The master user does not have a common name",
    types=(*types.RDS_CLUSTER, *types.RDS_INSTANCE),
    severity=MEDIUM,
    controls=("RDS.24", "RDS.25"),
    paths=("masterUsername", "username"),
    why="With a common name, an attacker only has to guess the password.",
    fix="Set master_username to another name.",
    strict=True,
    config={"names": {"type": "array", "items": {"type": "string"}, "default": ["admin", "postgres"]}},
)
def admin_name(cluster: Resource, context: Context) -> Findings:
    path = "username" if cluster.type in types.RDS_INSTANCE else "masterUsername"
    if cluster.text(path).lower() in context.config["names"]:
        yield path, "a name that attackers try first"


_SAFE_SINCE = {"aurora-postgresql": 17, "postgres": 15}
"""Major version from which rds.force_ssl is on by default:
https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraPostgreSQL.Security.html"""

_LIKE_MYSQL = {"mysql": ("5.", "8.0"), "mariadb": ("10.",)}
"""Versions of RDS instances in which require_secure_transport is off by default:
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/mysql-ssl-connections.html"""


@rule(
    "rds-force-ssl",
    "Databases require TLS",
    types=(*types.RDS_CLUSTER, *types.RDS_INSTANCE),
    kind="stack",
    severity=HIGH,
    paths=("dbClusterParameterGroupName", "parameterGroupName", "engine", "engineVersion"),
    why="A client that does not use TLS sends its password and its data in plain text.",
    fix="Set rds.force_ssl to 1 (MySQL: require_secure_transport to ON) in the database's parameter group.",
)
def force_tls(cluster: Resource, context: Context) -> Findings:
    if cluster.type in types.RDS_INSTANCE and not is_postgres(cluster) and cluster.text("engine") not in _LIKE_MYSQL:
        return  # these engines require TLS by an option group or a certificate
    name = "rds.force_ssl" if is_postgres(cluster) else "require_secure_transport"
    parameter = parameters(cluster, context).get(name)
    if parameter is None:
        forced = _is_safe_by_default(cluster)
    else:
        forced = parameter.text("value").lower() in {"1", "1.0", "on", "true"}
    if not forced:
        yield parameter_path(cluster), f"{name} is off in the database's parameters"


def _is_safe_by_default(cluster: Resource) -> bool:
    since = _SAFE_SINCE.get(cluster.text("engine"))
    major = cluster.text("engineVersion").partition(".")[0]
    plain = _LIKE_MYSQL.get(cluster.text("engine"))
    if plain and not cluster.text("engineVersion").startswith(plain):
        raise Undetermined("engineVersion", "may require TLS by default")
    return since is not None and major.isdigit() and int(major) >= since


@rule(
    "rds-public",
    "Databases have no public address",
    types=(*types.RDS_CLUSTER_INSTANCE, *types.RDS_CLUSTER, *types.RDS_INSTANCE),
    severity=CRITICAL,
    controls=("RDS.2", "CKV_AWS_17"),
    paths=("publiclyAccessible",),
    why="With a public address, one wrong security group rule exposes the database to the internet.",
    fix="Set publicly_accessible=False.",
    strict=True,
)
def public(resource: Resource, _: Context) -> Findings:
    if resource.flag("publiclyAccessible"):
        yield "publiclyAccessible", "has a public address"


@rule(
    "rds-sg",
    "Databases and caches allow security groups, not addresses",
    types=(*types.RDS_CLUSTER, *types.RDS_INSTANCE, *types.REPLICATION_GROUP, *types.CACHE_CLUSTER),
    kind="stack",
    severity=HIGH,
    paths=("vpcSecurityGroupIds[]", "securityGroupIds[]", "replicationGroupId"),
    why="An address range admits any host that gets such an address; a security group admits only its members.",
    fix="Name clients by referenced_security_group_id in the data store's security group, not by CIDR or prefix list.",
)
def ingress(cluster: Resource, context: Context) -> Findings:
    if is_member(cluster):
        return
    in_cache = cluster.type in (*types.REPLICATION_GROUP, *types.CACHE_CLUSTER)
    key = "securityGroupIds" if in_cache else "vpcSecurityGroupIds"
    given = cluster.peek(key)
    if given in (MISSING, []):
        yield key, "no security group is set, so the VPC's default one applies"
        return
    paths = [f"{key}[{index}]" for index in range(len(given))] if isinstance(given, list) else []
    seen: set[str] = set()
    for path in paths or [key]:
        yield from attempt(_check_groups, cluster, context, path, seen)


def _check_groups(cluster: Resource, context: Context, path: str, seen: set[str]) -> Findings:
    for group in _groups(cluster, context, path):
        if group.urn not in seen:
            seen.add(group.urn)
            for node in group.nodes("ingress"):
                yield from attempt(_check_source, node, group, path)
            yield from attempt(_check_rules, group, context, path)


def _groups(cluster: Resource, context: Context, path: str) -> list[Resource]:
    value = cluster.peek(path)
    if value is UNKNOWN:
        # Only groups that the property depends on directly: others are not the database's.
        needed = [context.stack.by_urn.get(urn) for urn in cluster.needs(path)]
        found = [each for each in needed if each and each.type in _GROUPS]
    else:
        found = [each for each in context.stack.targets(cluster, path, *_GROUPS) if each.id == value]
    if not found:
        raise Undetermined(path, "is unknown" if value is UNKNOWN else "is a group outside of this stack")
    return found


def _check_rules(group: Resource, context: Context, path: str) -> Findings:
    rules = (*types.INGRESS_RULE, *types.SECURITY_GROUP_RULE)
    for each in context.stack.referrers(group, "securityGroupId", *rules):
        yield from attempt(_check_source, each, group, path)


_ADDRESSES = ("cidrBlocks", "ipv6CidrBlocks", "prefixListIds")
_ADDRESS = ("cidrIpv4", "cidrIpv6", "prefixListId")


def _check_source(node: Resource | Properties, group: Resource, path: str) -> Findings:
    """Check one rule of the group, inline or a resource of its own."""
    try:
        if isinstance(node, Resource) and node.text("type") not in {"", "ingress"}:
            return
        # An unknown address is an address, too.
        by_address = any(node.has(key) for key in _ADDRESS) or any(node.count(key) for key in _ADDRESSES)
    except Undetermined:
        raise Undetermined(path, f"names {group.name}, whose rules are unknown") from None
    if by_address:
        where = f" by {node.name}" if isinstance(node, Resource) else ""
        yield path, f"{group.name} allows addresses{where}"
