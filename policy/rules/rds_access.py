"""Aurora and single databases: who may reach the database, and by what."""

from policy import resource_types as types
from policy.caches import is_member
from policy.databases import is_postgres, is_replica, parameter_path, parameters
from policy.properties import MISSING, UNKNOWN, Findings, Properties, Undetermined, attempt
from policy.registry import CRITICAL, HIGH, MEDIUM, Context, rule
from policy.view import Resource

_GROUPS = (*types.SECURITY_GROUP, *types.DEFAULT_SECURITY_GROUP)


@rule(
    "rds-iam",
    "Clients can log in to databases by IAM",
    types=(*types.RDS_CLUSTER, *types.RDS_INSTANCE),
    severity=MEDIUM,
    controls=("RDS.10", "RDS.12", "CKV_AWS_161", "CKV_AWS_162"),
    paths=("iamDatabaseAuthenticationEnabled", "engine"),
    why="A token of IAM lives for minutes and needs no keeping; a password lives until it leaks.",
    fix="Set iam_database_authentication_enabled=True.",
    strict=True,
)
def iam_authentication(cluster: Resource, _: Context) -> Findings:
    if not cluster.flag("iamDatabaseAuthenticationEnabled") and not cluster.text("engine").startswith(_WITHOUT_IAM):
        yield "iamDatabaseAuthenticationEnabled", "passwords are the only way in"


_WITHOUT_IAM = ("oracle", "sqlserver", "db2", "custom-")
"""Engines into which IAM does not let anybody:
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.html"""

_PASSWORDS = ("masterPassword", "masterPasswordWo", "password", "passwordWo")


@rule(
    "rds-managed-pw",
    "AWS makes and keeps the master password",
    types=(*types.RDS_CLUSTER, *types.RDS_INSTANCE),
    severity=CRITICAL,
    paths=(
        "manageMasterUserPassword",
        *_PASSWORDS,
        "globalClusterIdentifier",
        "replicationSourceIdentifier",
        "replicateSourceDb",
    ),
    why="A password that passes through the program stands in its code or state, and nobody changes it.",
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
                    (path, "the password stands in the program")
                    if cluster.peek(path) is not UNKNOWN
                    else Undetermined(path)
                )
    elif given:
        for path in given:
            yield path, "the password passes through the program"
    elif not cluster.flag("manageMasterUserPassword"):
        yield "manageMasterUserPassword", "somebody has to keep the password"


@rule(
    "rds-admin-name",
    "The master user has no name that everybody knows",
    types=(*types.RDS_CLUSTER, *types.RDS_INSTANCE),
    severity=MEDIUM,
    controls=("RDS.24", "RDS.25"),
    paths=("masterUsername", "username"),
    why="With a name that is the same everywhere, half of the login is known to whoever tries.",
    fix="Set master_username to a name of your own.",
    strict=True,
    config={"names": {"type": "array", "items": {"type": "string"}, "default": ["admin", "postgres"]}},
)
def admin_name(cluster: Resource, context: Context) -> Findings:
    path = "username" if cluster.type in types.RDS_INSTANCE else "masterUsername"
    if cluster.text(path).lower() in context.config["names"]:
        yield path, "the name that is tried first"


_SAFE_SINCE = {"aurora-postgresql": 17, "postgres": 15}
"""Major version since which rds.force_ssl is on where nobody turns it off:
https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraPostgreSQL.Security.html"""

_LIKE_MYSQL = {"mysql": ("5.", "8.0"), "mariadb": ("10.",)}
"""Versions of single databases in which require_secure_transport is off where nobody turns it on:
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/mysql-ssl-connections.html"""


@rule(
    "rds-force-ssl",
    "Databases refuse connections without TLS",
    types=(*types.RDS_CLUSTER, *types.RDS_INSTANCE),
    kind="stack",
    severity=HIGH,
    paths=("dbClusterParameterGroupName", "parameterGroupName", "engine", "engineVersion"),
    why="A client that does not ask for TLS sends its password and its data in plain text, and nobody notices.",
    fix="Set rds.force_ssl to 1 (MySQL: require_secure_transport to ON) in the database's parameter group.",
)
def force_tls(cluster: Resource, context: Context) -> Findings:
    if cluster.type in types.RDS_INSTANCE and not is_postgres(cluster) and cluster.text("engine") not in _LIKE_MYSQL:
        return  # by an option group, or by a certificate
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
        raise Undetermined("engineVersion", "may ask for TLS where nobody tells it to")
    return since is not None and major.isdigit() and int(major) >= since


@rule(
    "rds-public",
    "Databases have no public address",
    types=(*types.RDS_CLUSTER_INSTANCE, *types.RDS_CLUSTER, *types.RDS_INSTANCE),
    severity=CRITICAL,
    controls=("RDS.2", "CKV_AWS_17"),
    paths=("publiclyAccessible",),
    why="A database with a public address is one wrong security group away from the whole world.",
    fix="Set publicly_accessible=False.",
    strict=True,
)
def public(resource: Resource, _: Context) -> Findings:
    if resource.flag("publiclyAccessible"):
        yield "publiclyAccessible", "reachable by a public address"


@rule(
    "rds-sg",
    "Databases and caches let in security groups, never addresses",
    types=(*types.RDS_CLUSTER, *types.RDS_INSTANCE, *types.REPLICATION_GROUP, *types.CACHE_CLUSTER),
    kind="stack",
    severity=HIGH,
    paths=("vpcSecurityGroupIds[]", "securityGroupIds[]", "replicationGroupId"),
    why="An address range lets in whatever gets an address there; a group lets in only what was put into it.",
    fix="Name clients by referenced_security_group_id in the data store's security group, not by CIDR or prefix list.",
)
def ingress(cluster: Resource, context: Context) -> Findings:
    if is_member(cluster):
        return
    in_cache = cluster.type in (*types.REPLICATION_GROUP, *types.CACHE_CLUSTER)
    key = "securityGroupIds" if in_cache else "vpcSecurityGroupIds"
    given = cluster.peek(key)
    if given in (MISSING, []):
        yield key, "no security group but the network's default one"
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
        # Only groups that the property was made from: those behind another resource's group are not the database's.
        needed = [context.stack.by_urn.get(urn) for urn in cluster.needs(path)]
        found = [each for each in needed if each and each.type in _GROUPS]
    else:
        found = [each for each in context.stack.targets(cluster, path, *_GROUPS) if each.id == value]
    if not found:
        raise Undetermined(path, "is not known yet" if value is UNKNOWN else "is a group outside of this stack")
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
        # An address that is not known yet is an address all the same.
        by_address = any(node.has(key) for key in _ADDRESS) or any(node.count(key) for key in _ADDRESSES)
    except Undetermined:
        raise Undetermined(path, f"names {group.name}, whose rules are not known yet") from None
    if by_address:
        where = f" by {node.name}" if isinstance(node, Resource) else ""
        yield path, f"{group.name} lets in addresses{where}"
