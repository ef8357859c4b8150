"""The AI-Prism platform: settings in, components in the order in which they rest on each other, exports out."""

import pulumi

from components.account import check_account
from components.apps.alertmanager import AlertTopics
from components.apps.application import WORKLOADS, Handover
from components.apps.apps import Apps, AppsArgs, ClusterFacts, WorkloadRoles
from components.apps.charts import check_charts
from components.apps.fluent_bit import log_destination
from components.apps.installer import Installer
from components.apps.search_access import SearchDomain
from components.cache import Cache, CacheArgs
from components.cluster import Cluster, ClusterArgs
from components.database import Database, DatabaseArgs
from components.delivery_access import DeliveryAccess, DeliveryAccessArgs
from components.encryption import Encryption, EncryptionArgs
from components.events import Events, EventsArgs
from components.firewall import Firewall, FirewallArgs
from components.identity import Identity, IdentityArgs
from components.image_cache import ImageCache, ImageCacheArgs
from components.liveness import Liveness, LivenessArgs
from components.load_balancer import LoadBalancer, LoadBalancerArgs
from components.log_groups import LogGroupFactory
from components.namespace_specs import namespace_specs
from components.namespaces import Namespaces, NamespacesArgs
from components.network import Network, NetworkArgs
from components.node_addons import NodeAddons, NodeAddonsArgs
from components.nodes import Nodes, NodesArgs
from components.observability import Observability, ObservabilityArgs
from components.platform_alarms.cluster import cluster_alarms, heartbeat_alarms
from components.platform_alarms.data_stores import cache_alarms, database_alarms, search_alarms
from components.platform_alarms.traffic import (
    certificate_alarms,
    firewall_alarms,
    load_balancer_alarms,
    model_alarms,
    nat_alarms,
    reachability_alarms,
)
from components.providers import make_aws_provider, make_cluster_provider, use
from components.registry import Registry, RegistryArgs
from components.roles import Roles, RolesArgs
from components.search import Search, SearchArgs, dedicated_masters, domain_arn, domain_name
from components.secrets import Secrets, SecretsArgs
from components.stack_context import StackContext
from components.storage import Storage, StorageArgs
from settings import stack as settings
from settings.address_plan import tier_cidrs
from settings.chart_values import api_max_replicas

config = settings.load()
check_charts(config.charts.source)
context = StackContext(config.stack, config.aws.account_id, config.aws.region, config.environment.kind)
provider = make_aws_provider(context)
check_account(context, config.network.zones, config.cluster.admins, provider)
on_aws = use(provider)

# Keys, roles and logs
protect = config.environment.protect
encryption = Encryption("encryption", EncryptionArgs(context=context, protect=protect), on_aws)
roles = Roles("roles", RolesArgs(context=context), on_aws)
log_groups = LogGroupFactory(key_arn=encryption.logs_key_arn, retention_days=config.observability.log_days)

# Network, storage and delivery
network = Network(
    "network",
    NetworkArgs(context=context, settings=config.network, roles=roles.factory, log_groups=log_groups),
    on_aws,
)
storage = Storage(
    "storage",
    StorageArgs(
        context=context,
        data_key_arn=encryption.data_key.arn,
        log_days=config.observability.log_days,
        protect=protect,
    ),
    on_aws,
)
registry = Registry(
    "registry",
    RegistryArgs(context=context, images=config.registry.images, key_arn=encryption.data_key.arn, protect=protect),
    on_aws,
)
secrets = Secrets(
    "secrets",
    SecretsArgs(context=context, key_arn=encryption.data_key.arn, protect=protect),
    on_aws,
)
delivery = DeliveryAccess(
    "delivery",
    DeliveryAccessArgs(
        context=context,
        settings=config.delivery,
        roles=roles.factory,
        documents_bucket_arn=storage.documents.arn,
        protect=protect,
    ),
    on_aws,
)

# The cluster
cluster = Cluster(
    "cluster",
    ClusterArgs(
        context=context,
        settings=config.cluster,
        roles=roles.factory,
        log_groups=log_groups,
        key_arn=encryption.cluster_key_arn,
        vpc_id=network.vpc_id,
        subnet_by_zone=network.private_subnet_by_zone,
        deploy_role_arn=delivery.role_arns["deploy"],
        preview_role_arn=delivery.role_arns["preview"],
        protect=protect,
    ),
    on_aws,
)
image_cache = ImageCache(
    "image-cache",
    ImageCacheArgs(
        context=context,
        registries=config.images.cached,
        node_role_name=cluster.node_role.resource.name,
    ),
    on_aws,
)
nodes = Nodes(
    "nodes",
    NodesArgs(
        context=context,
        settings=config.nodes,
        cluster_name=cluster.name,
        existing_cluster=cluster.physical_name,
        version=config.cluster.version,
        subnet_by_zone=network.private_subnet_by_zone,
        role_arn=cluster.node_role.arn,
        security_group_ids=cluster.node_security_group_ids,
        key_arn=encryption.cluster_key_arn,
        after=[*cluster.before_nodes, *network.private_routes],
    ),
    on_aws,
)
addons = NodeAddons(
    "addons",
    NodeAddonsArgs(
        context=context,
        roles=roles.factory,
        cluster_name=cluster.name,
        cluster_arn=cluster.arn,
        versions=cluster.addon_versions,
        key_arn=encryption.cluster_key_arn,
        # Scarce spot or GPU capacity does not keep the cluster without DNS.
        after=[nodes.on_demand],
    ),
    on_aws,
)

# Data, and the way in
database = Database(
    "database",
    DatabaseArgs(
        context=context,
        settings=config.database,
        vpc_id=network.vpc_id,
        subnet_ids=network.isolated_subnet_ids,
        client_security_group_id=cluster.nodes_security_group_id,
        key_arn=encryption.data_key.arn,
        roles=roles.factory,
        log_groups=log_groups,
        makes_service_role="rds" in config.aws.service_roles,
        protect=protect,
    ),
    on_aws,
)
cache = Cache(
    "cache",
    CacheArgs(
        context=context,
        settings=config.cache,
        vpc_id=network.vpc_id,
        subnet_ids=network.isolated_subnet_ids,
        client_security_group_id=cluster.nodes_security_group_id,
        key_arn=encryption.data_key.arn,
        log_groups=log_groups,
        makes_service_role="elasticache" in config.aws.service_roles,
        protect=protect,
    ),
    on_aws,
)
load_balancer = LoadBalancer(
    "entrance",  # a part of logical names
    LoadBalancerArgs(
        settings=config.dns,
        vpc_id=network.vpc_id,
        subnet_ids=network.public_subnet_ids,
        node_security_group_id=cluster.nodes_security_group_id,
        logs_bucket=storage.logs_bucket,
        protect=protect,
    ),
    on_aws,
)
firewall = Firewall(
    "firewall",
    FirewallArgs(
        context=context,
        settings=config.firewall,
        load_balancer_arn=load_balancer.arn,
        log_groups=log_groups,
    ),
    on_aws,
)

# Monitoring, and what pods may do
runbooks = f"{config.gitops.repository.removesuffix('.git')}/blob/main/docs/runbooks"
logs = config.observability.search
search_domain_arn = domain_arn(context)
alarms = [
    *nat_alarms(network.nat_gateway_ids),
    *cluster_alarms(cluster.name),
    *database_alarms(database.cluster_identifier, database.instances, config.database.memory_gib),
    *cache_alarms(cache.replication_group_id, cache.nodes),
    *load_balancer_alarms(load_balancer.arn_suffix, load_balancer.target_group_arn_suffix),
    *certificate_alarms(load_balancer.certificate_arn),
    *firewall_alarms(firewall.metric, context.region),
    *model_alarms(),
]
if logs:
    alarms += search_alarms(
        domain_name=domain_name(context),
        account_id=context.account_id,
        nodes=logs.nodes + dedicated_masters(context.environment),
        volume_gib=logs.volume_gb,
    )
observability = Observability(
    "observability",
    ObservabilityArgs(
        context=context,
        settings=config.observability,
        key_arn=encryption.logs_key_arn,
        log_groups=log_groups,
        alarms=alarms,
        runbooks=runbooks,
        fewest_spot_nodes=config.nodes.api.min,
    ),
    on_aws,
)
identity = Identity(
    "identity",
    IdentityArgs(
        context=context,
        roles=roles.factory,
        cluster_name=cluster.name,
        cluster_arn=cluster.arn,
        autoscaler_tag=f"k8s.io/cluster-autoscaler/{cluster.physical_name}",
        data_key_arn=encryption.data_key.arn,
        logs_key_arn=encryption.logs_key_arn,
        documents_bucket_arn=storage.documents.arn,
        database_resource_ids=database.resource_ids,
        database_secret_arns=database.secret_arns,
        cache_arns=[*cache.replication_group_arns, cache.user_arn],
        target_group_arn=load_balancer.target_group_arn,
        topic_arns=[*observability.topic_arns.values(), observability.heartbeat.arn],
        pod_log_group_arn=observability.pod_logs.arn if observability.pod_logs else None,
        search_domain_arn=search_domain_arn,
    ),
    on_aws,
)
search = None
if logs:
    search = Search(
        "search",
        SearchArgs(
            context=context,
            settings=logs,
            vpc_id=network.vpc_id,
            subnet_ids=[network.isolated_subnet_by_zone[zone] for zone in logs.zones],
            client_security_group_id=cluster.nodes_security_group_id,
            key_arn=encryption.logs_key_arn,
            log_groups=log_groups,
            writer_role_arn=identity.role_arns["fluent-bit"],
            administrator_role_arn=identity.role_arns["search-access"],
            reader_arns=[*config.cluster.admins.values()],
            makes_service_role="opensearch" in config.aws.service_roles,
            protect=protect,
        ),
        on_aws,
    )

Events(
    "events",
    EventsArgs(
        topics=observability.topic_arns,
        interruptions_topic_arn=observability.interruptions_topic_arn,
        runbooks=runbooks,
        database_cluster=database.cluster_identifier,
        database_instances=database.instance_identifiers,
        certificate_arn=load_balancer.certificate_arn,
        key_arns=[encryption.cluster_key_arn, encryption.data_key.arn, encryption.logs_key_arn],
        search_domain_arn=search_domain_arn if logs else None,
    ),
    on_aws,
)

# In the cluster
in_cluster = make_cluster_provider(cluster.kubeconfig)
namespaces = Namespaces(
    "namespaces",
    NamespacesArgs(
        specs=namespace_specs(config.network.cidr, tier_cidrs("public", config.network.cidr, config.network.zones)),
        api_max_replicas=api_max_replicas(context.environment),
        after=[addons],
    ),
    in_cluster,
)
apps = Apps(
    "apps",
    AppsArgs(
        installer=Installer(
            namespaces=namespaces.by_name,
            ready=[namespaces],
            charts=config.charts.source,
            images=image_cache.places,
            replicas=2 if context.environment in {"staging", "prod"} else 1,
            # Pods pull through the cache.
            after=[image_cache],
        ),
        context=context,
        cluster=ClusterFacts(
            name=cluster.physical_name,
            version=cluster.version,
            vpc_id=network.vpc_id,
            vpc_cidr=config.network.cidr,
            volume_key_arn=encryption.cluster_key_arn,
        ),
        roles=WorkloadRoles(
            service_accounts=identity.service_accounts,
            log_writer_arn=identity.role_arns["fluent-bit"],
            store_role_arns=identity.store_role_arns,
            ready=[identity],
        ),
        topics=AlertTopics(
            by_severity=observability.topic_arns,
            heartbeat_arn=observability.heartbeat.arn,
        ),
        logs=log_destination(
            SearchDomain(
                endpoint=search.endpoint,
                gib_for_logs=search.gib_for_logs,
                retention_days=config.observability.log_days,
                reader_arns=[*config.cluster.admins.values()],
            )
            if search
            else None,
            observability.pod_logs.name if observability.pod_logs else None,
        ),
        target_group_arn=load_balancer.target_group_arn,
        gitops=config.gitops,
        argo_cd_secret_arn=secrets.argo_cd_arn,
        owner_secret_arn=database.secret_arn,
        handover=Handover(
            host=load_balancer.host,
            images={workload: registry.url(workload) for workload in WORKLOADS},
            database_host=database.endpoint,
            database_reader_host=database.reader_endpoint,
            database_secret_arn=secrets.database_arn,
            api_keys_secret_arn=secrets.api_keys_arn,
            cache_host=cache.endpoint,
            cache_reader_host=cache.reader_endpoint,
            cache_replication_group=cache.replication_group_id,
            cache_user=cache.user,
            documents_bucket=storage.documents.bucket,
        ),
    ),
    in_cluster,
)
Liveness(
    "liveness",
    LivenessArgs(
        alarms=[
            *reachability_alarms(load_balancer.arn_suffix, load_balancer.target_group_arn_suffix),
            *heartbeat_alarms(observability.heartbeat.name),
        ],
        topics=observability.topic_arns,
        runbooks=runbooks,
        after=[apps],
    ),
    on_aws,
)

# For people and pipelines
pulumi.export("clusterName", cluster.name)
pulumi.export("clusterEndpoint", cluster.endpoint)
pulumi.export("kubeconfig", cluster.kubeconfig)
pulumi.export("databaseEndpoint", database.endpoint)
pulumi.export("databaseReaderEndpoint", database.reader_endpoint)
pulumi.export("databaseSecretArn", database.secret_arn)
pulumi.export("cacheEndpoint", cache.endpoint)
pulumi.export("cacheReaderEndpoint", cache.reader_endpoint)
pulumi.export("loadBalancerArn", load_balancer.arn)
pulumi.export("loadBalancerDnsName", load_balancer.dns_name)
pulumi.export("url", load_balancer.url)
pulumi.export("targetGroupArn", load_balancer.target_group_arn)
pulumi.export("documentsBucket", storage.documents.bucket)
pulumi.export("repositoryUrls", registry.urls)
pulumi.export("imageRegistries", image_cache.registries)
pulumi.export("roleArns", {**identity.role_arns, **delivery.role_arns})
pulumi.export("alertsTopicArn", observability.topic_arns["critical"])
pulumi.export("warningsTopicArn", observability.topic_arns["warning"])
pulumi.export("searchEndpoint", search.endpoint if search else None)
