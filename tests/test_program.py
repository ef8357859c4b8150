"""Guarantees over every resource of every stack."""

import json
import re
from collections.abc import Iterator

import pytest
from support import STACKS, configured, record_with, recorded, texts

from prismctl.project import ROOT, Project
from recording.graph import PROVIDER_PREFIX, STACK_TYPE, UNKNOWN, Graph, Resource, Secret
from settings import naming
from settings.instance_types import InstanceShape

# What cannot be tagged, because the service knows no tags for it or because it is a setting of something else.
UNTAGGABLE = {
    "aws:acm/certificateValidation:CertificateValidation",
    "aws:cloudwatch/dashboard:Dashboard",
    "aws:cloudwatch/eventTarget:EventTarget",
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy",
    "aws:ec2/route:Route",
    "aws:ec2/routeTableAssociation:RouteTableAssociation",
    "aws:ecr/lifecyclePolicy:LifecyclePolicy",
    "aws:ecr/pullThroughCacheRule:PullThroughCacheRule",
    # Its tags would be those of the repositories that ECR makes by it.
    "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate",
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
    "aws:iam/rolePolicy:RolePolicy",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "aws:route53/record:Record",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    "aws:s3/bucketLogging:BucketLogging",
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
    "aws:s3/bucketPolicy:BucketPolicy",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "aws:s3/bucketVersioning:BucketVersioning",
    "aws:sns/topicPolicy:TopicPolicy",
    "aws:sns/topicSubscription:TopicSubscription",
    "aws:wafv2/webAclAssociation:WebAclAssociation",
    "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration",
}
STATEFUL = {
    "aws:ecr/repository:Repository",
    "aws:eks/cluster:Cluster",
    "aws:elasticache/replicationGroup:ReplicationGroup",
    "aws:kms/key:Key",
    "aws:lb/loadBalancer:LoadBalancer",
    "aws:opensearch/domain:Domain",
    "aws:rds/cluster:Cluster",
    "aws:rds/clusterInstance:ClusterInstance",
    "aws:s3/bucket:Bucket",
    "aws:secretsmanager/secret:Secret",
}
# Properties by which services take a physical name.
NAME_PROPERTIES = re.compile(
    r"name|bucket|namePrefix|identifier|clusterIdentifier|finalSnapshotIdentifier|replicationGroupId|userId|userGroupId"
    r"|dashboardName|domainName|nodeGroupName|policyName|bucketPrefix|identifierPrefix"
    r"|ecrRepositoryPrefix"
)
# Names that say where or what something is, and are no name of the resource itself.
NOT_NAMES = {
    "aws:acm/certificate:Certificate.domainName",
    "aws:route53/record:Record.name",
    "aws:rds/clusterInstance:ClusterInstance.clusterIdentifier",
} | {
    f"aws:s3/{kind}.bucket"
    for kind in (
        "bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        "bucketLogging:BucketLogging",
        "bucketOwnershipControls:BucketOwnershipControls",
        "bucketPolicy:BucketPolicy",
        "bucketPublicAccessBlock:BucketPublicAccessBlock",
        "bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        "bucketVersioning:BucketVersioning",
    )
}


def custom_resources(graph: Graph) -> Iterator[Resource]:
    """Yield everything but components, providers and the stack."""
    return (
        resource for resource in graph.resources if resource.custom and not resource.type.startswith(PROVIDER_PREFIX)
    )


def test_every_resource_uses_an_explicit_provider(unknown: Graph) -> None:
    for resource in custom_resources(unknown):
        assert resource.provider_urn in unknown.by_urn, resource.urn
        assert "default" not in str(resource.provider), resource.urn


def test_the_provider_comes_first_and_accepts_one_account_alone(unknown: Graph) -> None:
    provider = unknown.of_type("pulumi:providers:aws")[0]
    first_use = next(resource for resource in unknown.resources if resource.provider_urn == provider.urn)

    assert unknown.resources.index(provider) < unknown.resources.index(first_use)
    assert [len(account) for account in json.loads(provider["allowedAccountIds"])] == [12]


def test_default_providers_are_disabled_in_every_stack_file(stack: str) -> None:
    from prismctl.project import ROOT, Project

    assert json.loads(Project(ROOT).config(stack)["pulumi:disable-default-providers"]) == ["*"]


def test_every_parent_chain_ends_in_a_component_of_the_platform(unknown: Graph) -> None:
    for resource in custom_resources(unknown):
        *components, stack = unknown.ancestors(resource)
        assert stack.type == STACK_TYPE, resource.urn
        assert components, resource.urn
        assert components[-1].type.startswith(("ai-prism:aws:", "ai-prism:cluster:")), resource.urn


def test_every_resource_names_the_line_that_registered_it(unknown: Graph) -> None:
    for resource in unknown.resources:
        if resource.type != STACK_TYPE:
            assert resource.source, resource.urn
            assert re.fullmatch(r"(__main__|components/(\w+/)?\w+)\.py", resource.source.file), resource.urn


def test_every_taggable_resource_carries_the_platforms_tags(unknown: Graph) -> None:
    provider = unknown.of_type("pulumi:providers:aws")[0]
    defaults = json.loads(provider["defaultTags"])["tags"]
    assert defaults.keys() == {"Project", "Stack", "Environment", "ManagedBy"}

    used = {resource.type for resource in custom_resources(unknown) if resource.provider_urn == provider.urn}
    for type_ in used - UNTAGGABLE:
        assert "tags" in input_properties(type_), f"{type_} is neither taggable nor listed as untaggable"
    for resource in custom_resources(unknown):
        own = resource.get("tags") or {}
        assert not {key for key in own if key in defaults and own[key] != defaults[key]}, resource.urn


def test_what_a_launch_template_launches_is_tagged_like_everything_else(unknown: Graph) -> None:
    defaults = json.loads(unknown.of_type("pulumi:providers:aws")[0]["defaultTags"])["tags"]
    for template in unknown.of_type("aws:ec2/launchTemplate:LaunchTemplate"):
        specifications = {spec["resourceType"]: spec["tags"] for spec in template["tagSpecifications"]}
        assert specifications.keys() == {"instance", "volume", "network-interface"}
        assert all(defaults.items() <= tags.items() for tags in specifications.values())


def test_no_physical_name_stands_outside_the_list_of_contracts(unknown: Graph) -> None:
    contracts = {f"{contract.type}.{contract.property}" for contract in naming.CONTRACTS.values()}
    for resource in custom_resources(unknown):
        # In the cluster everything has a name by which others find it, and belongs to that one cluster.
        for key in () if resource.type.startswith("kubernetes:") else resource.inputs:
            name = f"{resource.type}.{key}"
            if NAME_PROPERTIES.fullmatch(key) and name not in NOT_NAMES:
                assert name in contracts or owned_by_users(resource, key), f"{name} of {resource.urn}"


def owned_by_users(resource: Resource, key: str) -> bool:
    """Tell names that are a value of the same contract: the cache's user is called what its id is."""
    return resource.type == "aws:elasticache/user:User" and key == "userName"


def test_every_contract_is_kept_by_some_resource() -> None:
    database = {**json.loads(Project(ROOT).config("prod")["ai-prism:database"]), "restore_from": {"time": "latest"}}
    graphs = recorded("prod", known=True), record_with("prod", database=json.dumps(database))
    for name, contract in naming.CONTRACTS.items():
        values = [resource.get(contract.property) for graph in graphs for resource in graph.of_type(contract.type)]
        pattern = re.escape(contract.shape).replace(r"\{role\}", "[a-z0-9-]+")
        pattern = pattern.replace(r"\{stem\}", "ai-prism-prod").replace(r"\{stack\}", "prod")
        assert any(isinstance(value, str) and re.fullmatch(pattern, value) for value in values), name


def test_no_secret_value_enters_the_program(known: Graph) -> None:
    for resource in known.resources:
        for key in resource.inputs:
            assert not re.search(r"password(?!$)|secret(String|Key$|AccessKey)|authToken|privateKey", key), resource.urn
        for text in texts(dict(resource.inputs)):
            assert not re.search(r"AKIA[0-9A-Z]{16}|-----BEGIN|postgres(ql)?://\S+:\S+@", text), resource.urn
    cluster = known.of_type("aws:rds/cluster:Cluster")[0]
    assert cluster["manageMasterUserPassword"] is True
    assert "masterPassword" not in cluster


def test_the_kubeconfig_is_exported_as_a_secret(unknown: Graph, known: Graph) -> None:
    assert isinstance(unknown.outputs["kubeconfig"], Secret)
    assert "current-context" in known.outputs["kubeconfig"].value


def test_every_promised_output_is_exported(known: Graph) -> None:
    assert known.outputs.keys() >= {
        "clusterName",
        "clusterEndpoint",
        "databaseEndpoint",
        "cacheEndpoint",
        "cacheReaderEndpoint",
        "loadBalancerArn",
        "loadBalancerDnsName",
        "repositoryUrls",
        "roleArns",
        "kubeconfig",
    }
    assert UNKNOWN not in known.outputs.values()


def test_no_data_store_is_public(unknown: Graph) -> None:
    for instance in unknown.of_type("aws:rds/clusterInstance:ClusterInstance"):
        assert instance["publiclyAccessible"] is False
    isolated = {
        subnet.urn for subnet in unknown.of_type("aws:ec2/subnet:Subnet") if subnet["tags"]["Tier"] == "isolated"
    }
    associations = {
        resource.urn
        for resource in unknown.of_type("aws:ec2/routeTableAssociation:RouteTableAssociation")
        if isolated.intersection(resource.property_dependencies["subnetId"])
    }
    for group in unknown.of_type("aws:rds/subnetGroup:SubnetGroup", "aws:elasticache/subnetGroup:SubnetGroup"):
        assert set(group.property_dependencies["subnetIds"]) == associations, group.urn
    for bucket in unknown.of_type("aws:s3/bucket:Bucket"):
        block = unknown.named("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", bucket.name)
        assert block.property_dependencies["bucket"] == (bucket.urn,)
        for key in ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"):
            assert block[key] is True, bucket.urn


def test_data_stores_are_reached_from_the_nodes_group_and_nothing_else(unknown: Graph) -> None:
    nodes = unknown.named("aws:ec2/securityGroup:SecurityGroup", "cluster-nodes").urn
    for store in ("database", "cache"):
        access = unknown.named("aws:ec2/securityGroup:SecurityGroup", f"{store}-access").urn
        rules = [
            rule
            for rule in unknown.of_type("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
            if access in rule.property_dependencies["securityGroupId"]
        ]
        assert [rule.property_dependencies["referencedSecurityGroupId"] for rule in rules] == [(nodes,)]
        assert not any("cidrIpv4" in rule or "cidrIpv6" in rule for rule in rules)


def test_the_world_reaches_the_load_balancer_alone_and_on_two_ports(unknown: Graph) -> None:
    entrance = unknown.named("aws:ec2/securityGroup:SecurityGroup", "entrance-access").urn
    open_rules = [
        rule
        for rule in unknown.of_type("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
        if rule.get("cidrIpv4") == "0.0.0.0/0" or rule.get("cidrIpv6") == "::/0"
    ]
    assert sorted(rule["fromPort"] for rule in open_rules) == [80, 443]
    assert {rule.property_dependencies["securityGroupId"] for rule in open_rules} == {(entrance,)}
    for group in unknown.of_type("aws:ec2/securityGroup:SecurityGroup"):
        assert not group.get("ingress"), f"{group.urn} has inline rules, which no rule resource can see"


def test_spot_groups_choose_among_three_types_of_like_size(unknown: Graph) -> None:
    groups = [group for group in unknown.of_type("aws:eks/nodeGroup:NodeGroup") if group["capacityType"] == "SPOT"]
    assert [group.name for group in groups] == ["api-nodes"]
    for group in groups:
        assert len(group["instanceTypes"]) >= 3
        assert len({InstanceShape.of(type_) for type_ in group["instanceTypes"]}) == 1


def test_exactly_one_security_group_of_a_node_carries_the_clusters_tag(known: Graph) -> None:
    # EKS itself tags the group that it makes for the cluster; no other group may carry the tag.
    of_eks = known.of_type("aws:eks/cluster:Cluster")[0].outputs["vpcConfig"]["clusterSecurityGroupId"]
    tagged = {
        group.id
        for group in known.of_type("aws:ec2/securityGroup:SecurityGroup")
        if any(key.startswith("kubernetes.io/cluster/") for key in group.get("tags") or {})
    } | {of_eks}
    templates = known.of_type("aws:ec2/launchTemplate:LaunchTemplate")
    assert templates
    for template in templates:
        assert len(tagged.intersection(template["vpcSecurityGroupIds"])) == 1, template.urn


def test_stateful_resources_are_protected_in_staging_and_prod(unknown: Graph) -> None:
    stateful = unknown.of_type(*STATEFUL)
    protected = configured(unknown.stack, "environment")["protect"]
    searched = configured(unknown.stack, "observability").get("search")
    expected = STATEFUL if searched else STATEFUL - {"aws:opensearch/domain:Domain"}
    assert {resource.type for resource in stateful} == expected
    for resource in stateful:
        assert resource.protect is protected, resource.urn


def test_a_stack_that_may_be_lost_does_not_hold_on_to_its_buckets_and_images(unknown: Graph) -> None:
    may_be_lost = not configured(unknown.stack, "environment")["protect"]
    for bucket in unknown.of_type("aws:s3/bucket:Bucket"):
        assert bucket["forceDestroy"] is may_be_lost
    for repository in unknown.of_type("aws:ecr/repository:Repository"):
        assert repository["forceDelete"] is may_be_lost


def test_deletion_protection_of_aws_goes_with_protect(unknown: Graph) -> None:
    on = configured(unknown.stack, "environment")["protect"]
    assert unknown.of_type("aws:rds/cluster:Cluster")[0]["deletionProtection"] is on
    assert unknown.of_type("aws:eks/cluster:Cluster")[0]["deletionProtection"] is on
    assert unknown.of_type("aws:lb/loadBalancer:LoadBalancer")[0]["enableDeletionProtection"] is on


def test_what_nodes_need_comes_before_them_and_the_other_add_ons_after(unknown: Graph) -> None:
    addons = {resource["addonName"]: resource for resource in unknown.of_type("aws:eks/addon:Addon")}
    groups = {resource.urn for resource in unknown.of_type("aws:eks/nodeGroup:NodeGroup")}
    early = {addons[addon].urn for addon in ("vpc-cni", "kube-proxy", "eks-pod-identity-agent")}
    ways_out = {route.urn for route in unknown.of_type("aws:ec2/route:Route") if "natGatewayId" in route}
    assert ways_out
    for group in groups:
        assert early | ways_out <= unknown.needs(unknown.by_urn[group]), group
    # The tier that is always there: scarce spot or GPU capacity keeps nobody without DNS.
    web = {group.urn for group in unknown.of_type("aws:eks/nodeGroup:NodeGroup") if group["labels"]["tier"] == "web"}
    assert web
    for addon in ("coredns", "metrics-server", "aws-ebs-csi-driver"):
        assert groups & unknown.needs(addons[addon]) == web, addon


def test_the_control_plane_does_not_wait_for_nat_gateways(unknown: Graph) -> None:
    (control_plane,) = unknown.of_type("aws:eks/cluster:Cluster")
    component = unknown.by_urn[control_plane.parent or ""]
    gateways = {gateway.urn for gateway in unknown.of_type("aws:ec2/natGateway:NatGateway")}
    assert gateways
    assert not gateways & (unknown.needs(control_plane) | unknown.needs(component))


def test_nothing_depends_on_itself_through_others(unknown: Graph) -> None:
    for resource in unknown.resources:
        assert set(resource.dependencies) <= unknown.by_urn.keys(), resource.urn
    order = {resource.urn: index for index, resource in enumerate(unknown.resources)}
    for resource in unknown.resources:
        assert all(order[urn] < order[resource.urn] for urn in resource.dependencies), resource.urn


def test_both_modes_register_the_same_resources(unknown: Graph, known: Graph) -> None:
    assert {resource.urn for resource in unknown.resources} == {resource.urn for resource in known.resources}


def test_what_only_an_update_can_tell_is_unknown_on_an_empty_account_and_known_after_one(
    unknown: Graph, known: Graph
) -> None:
    vpc = unknown.of_type("aws:ec2/vpc:Vpc")[0]
    subnet = unknown.of_type("aws:ec2/subnet:Subnet")[0]
    assert vpc.id == ""
    assert subnet["vpcId"] is UNKNOWN
    assert known.by_urn[subnet.urn]["vpcId"] == known.by_urn[vpc.urn].id
    for resource in custom_resources(known):
        assert resource.id, resource.urn


def test_recording_a_stack_again_gives_the_same_graph() -> None:
    from prismctl.project import ROOT, Project
    from recording import recorder

    first = recorded("dev", known=True)
    second = recorder.record(ROOT, "ai-prism", "dev", Project(ROOT).config("dev"), known=True)
    assert {resource.urn: (dict(resource.inputs), resource.id) for resource in first.resources} == {
        resource.urn: (dict(resource.inputs), resource.id) for resource in second.resources
    }


@pytest.mark.parametrize("region", ["eu-west-1", "ap-southeast-1"])
def test_another_region_needs_nothing_but_a_stack_file(region: str) -> None:
    from prismctl.project import ROOT, Project

    network = {"cidr": "10.40.0.0/16", "zones": [f"{region}a", f"{region}b", f"{region}c"], "nat_gateways": 3}
    observability = json.loads(Project(ROOT).config("prod")["ai-prism:observability"])
    observability["search"]["zones"] = network["zones"]
    graph = record_with(
        "prod",
        observability=json.dumps(observability),
        aws=json.dumps({"account_id": "123456789012", "region": region}),
        network=json.dumps(network),
        cluster=json.dumps(
            {"version": "1.36", "zones": network["zones"], "admins": {"ops": "arn:aws:iam::123456789012:role/ops"}}
        ),
    )
    found = [text for resource in graph.resources for text in texts(dict(resource.inputs))]
    assert any(region in text for text in found)
    assert not [text for text in found if "us-east-1" in text]


def input_properties(type_: str) -> set[str]:
    """Return the input properties that the installed SDK knows for a type, by wire name."""
    import importlib

    from recording.sdk import property_types

    package, module, name = type_.split(":")
    service = module.partition("/")[0]
    arguments = getattr(importlib.import_module(f"pulumi_{package}.{service}"), f"{name}Args")
    return set(property_types.input_type_py_to_pulumi_names(arguments).values())


def test_the_stacks_of_the_tests_are_those_of_the_project() -> None:
    from prismctl.project import ROOT, Project

    assert set(STACKS) <= set(Project(ROOT).stacks())


def test_the_program_stands_on_components_and_settings_alone() -> None:
    """import-linter checks packages; the program itself is none."""
    import ast

    from prismctl.project import ROOT

    tree = ast.parse((ROOT / "__main__.py").read_text(encoding="utf-8"))
    modules = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    modules += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    assert {module.partition(".")[0] for module in modules} == {"pulumi", "components", "settings"}
