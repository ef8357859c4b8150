"""Aurora clusters and RDS instances: logs, monitoring and minor versions."""

from policy import resource_types as types
from policy.databases import instances, is_postgres, parameter_path, parameters
from policy.keys import customer_key
from policy.properties import Findings, Undetermined, attempt
from policy.registry import LOW, MEDIUM, Context, rule
from policy.view import Resource


@rule(
    "rds-log-export",
    "Databases export their logs",
    types=(*types.RDS_CLUSTER, *types.RDS_INSTANCE),
    severity=MEDIUM,
    controls=("RDS.9", "CKV_AWS_129", "CKV_AWS_324"),
    paths=("enabledCloudwatchLogsExports[]", "engine"),
    why="Logs on the instance are deleted after some days, and together with the instance.",
    fix='Set enabled_cloudwatch_logs_exports=["postgresql"] (MySQL: audit, error or what it offers).',
)
def log_export(cluster: Resource, _: Context) -> Findings:
    exported = cluster.texts("enabledCloudwatchLogsExports")
    if not exported or (is_postgres(cluster) and "postgresql" not in exported):
        yield "enabledCloudwatchLogsExports", "the engine's log is not exported"


@rule(
    "rds-query-log",
    "Databases log slow queries",
    types=(*types.RDS_CLUSTER, *types.RDS_INSTANCE),
    kind="stack",
    severity=LOW,
    controls=("CKV2_AWS_30",),
    paths=("dbClusterParameterGroupName", "parameterGroupName", "engine"),
    why="Without the log, nobody can find out which query slowed the database down.",
    fix="Set log_min_duration_statement (MySQL: slow_query_log) in a parameter group.",
)
def query_log(cluster: Resource, context: Context) -> Findings:
    if cluster.type in types.RDS_INSTANCE and not is_postgres(cluster) and cluster.text("engine") not in _LIKE_MYSQL:
        return
    unsure = None
    for resource in (cluster, *instances(cluster, context)):
        try:
            if _logs_queries(resource, context, postgres=is_postgres(cluster)):
                return
        except Undetermined as unknown:
            unsure = unknown
    if unsure:
        raise Undetermined(parameter_path(cluster), f"may log slow queries: {unsure.reason}")
    yield parameter_path(cluster), "slow queries are not logged"


_LIKE_MYSQL = ("mysql", "mariadb")


def _logs_queries(resource: Resource, context: Context, *, postgres: bool) -> bool:
    given = parameters(resource, context)
    if not postgres:
        return "slow_query_log" in given and given["slow_query_log"].text("value").lower() in {"1", "on"}
    if "log_statement" in given and given["log_statement"].text("value").lower() == "all":
        return True
    slowest = [
        given[name].number("value")
        for name in ("log_min_duration_statement", "log_min_duration_sample", "auto_explain.log_min_duration")
        if name in given
    ]
    # -1 is PostgreSQL's default, and means never.
    return any(each is not None and each >= 0 for each in slowest)


@rule(
    "rds-minor",
    "Databases upgrade minor versions automatically",
    types=(*types.RDS_CLUSTER_INSTANCE, *types.RDS_CLUSTER, *types.RDS_INSTANCE),
    severity=MEDIUM,
    controls=("RDS.13",),
    paths=("autoMinorVersionUpgrade",),
    why="Minor versions fix vulnerabilities, and AWS withdraws old ones.",
    fix="Leave auto_minor_version_upgrade on.",
    strict=True,
    remedy={"autoMinorVersionUpgrade": True},
)
def minor_versions(resource: Resource, _: Context) -> Findings:
    if not resource.flag("autoMinorVersionUpgrade", default=True):
        yield "autoMinorVersionUpgrade", "automatic minor version upgrades are off"


@rule(
    "rds-monitor",
    "Database instances have enhanced monitoring",
    types=(*types.RDS_CLUSTER_INSTANCE, *types.RDS_INSTANCE),
    kind="stack",
    severity=LOW,
    controls=("RDS.6",),
    paths=("monitoringInterval", "clusterIdentifier"),
    why="CloudWatch's basic metrics do not show which process uses the memory.",
    fix="Set monitoring_interval (60) and monitoring_role_arn.",
)
def monitoring(instance: Resource, context: Context) -> Findings:
    own = instance.number("monitoringInterval")
    if own is None:
        clusters = context.stack.targets(instance, "clusterIdentifier", *types.RDS_CLUSTER)
        own = max((each.number("monitoringInterval") or 0 for each in clusters), default=0)
    if own <= 0:
        yield "monitoringInterval", "enhanced monitoring is off"


@rule(
    "rds-pi",
    "Database instances have Performance Insights with a customer managed key",
    types=(*types.RDS_CLUSTER_INSTANCE, *types.RDS_INSTANCE),
    kind="stack",
    severity=LOW,
    controls=("CKV_AWS_354",),
    paths=("performanceInsightsEnabled", "performanceInsightsKmsKeyId", "clusterIdentifier"),
    why="It shows which query waits for what; it stores query texts, which need their own key.",
    fix="Set performance_insights_enabled=True and performance_insights_kms_key_id.",
)
def performance_insights(instance: Resource, context: Context) -> Findings:
    yield from attempt(_is_off, instance, context)
    if not customer_key(instance, "performanceInsightsKmsKeyId"):
        clusters = context.stack.targets(instance, "clusterIdentifier", *types.RDS_CLUSTER)
        if not any(customer_key(each, "performanceInsightsKmsKeyId") for each in clusters):
            yield "performanceInsightsKmsKeyId", "no customer managed key"


def _is_off(instance: Resource, context: Context) -> Findings:
    if instance.has("performanceInsightsEnabled"):
        enabled = instance.flag("performanceInsightsEnabled")
    else:
        clusters = context.stack.targets(instance, "clusterIdentifier", *types.RDS_CLUSTER)
        enabled = any(each.flag("performanceInsightsEnabled") for each in clusters)
    if not enabled:
        yield "performanceInsightsEnabled", "Performance Insights is off"
