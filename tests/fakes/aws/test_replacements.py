import importlib
import inspect
import re
from functools import cache

import pytest
from support import recorded

from fakes.aws.replacement_types import TYPES
from fakes.aws.replacements import replaced_by, unknown_after
from recording import synthetic
from recording.graph import UNKNOWN, Secret

SUBNET = "aws:ec2/subnet:Subnet"
CLUSTER = "aws:eks/cluster:Cluster"
NODES = "aws:eks/nodeGroup:NodeGroup"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
CACHE = "aws:elasticache/replicationGroup:ReplicationGroup"
DATABASE = "aws:rds/cluster:Cluster"
BALANCER = "aws:lb/loadBalancer:LoadBalancer"
RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"


@cache
def sdk_class(type_):
    _, path, name = type_.split(":")
    return getattr(importlib.import_module(f"pulumi_aws.{path.split('/')[0]}"), name)


def wire_names(class_):
    """Return the attributes of one of the SDK's classes by their wire names."""
    properties = inspect.getmembers(class_, lambda member: isinstance(member, property))
    return {getattr(member.fget, "_pulumi_name", name): name for name, member in properties}


def inputs_of(type_):
    """Return the annotations of a resource type's inputs, by wire name."""
    class_ = sdk_class(type_)
    parameters = inspect.signature(class_._internal_init).parameters
    return {wire: parameters[name].annotation for wire, name in wire_names(class_).items() if name in parameters}


def nested(type_, annotation):
    """Return the annotations of the properties of an input that is a block, by wire name."""
    block = re.search(r"\w+Args(?!Dict)\b", str(annotation)).group()
    class_ = getattr(importlib.import_module(sdk_class(type_).__module__.rpartition(".")[0] + "._inputs"), block)
    return {
        wire: inspect.get_annotations(getattr(class_, name).fget).get("return")
        for wire, name in wire_names(class_).items()
    }


def test_every_type_that_the_program_uses_has_a_row():
    used = {resource.type for stack in ("dev", "prod") for resource in recorded(stack, known=False).resources}

    assert {type_ for type_ in {*used, *synthetic.OUTPUTS} if type_.startswith("aws:")} == {*TYPES}


@pytest.mark.parametrize("type_", TYPES)
def test_a_row_only_names_inputs_that_the_sdk_has(type_):
    row = TYPES[type_]

    for path in row.replaces:
        first, *rest = path.split(".")
        assert first in inputs_of(type_), path
        annotation = inputs_of(type_)[first]
        for part in rest:
            block = nested(type_, annotation)
            assert part in block, path
            annotation = block[part]
    assert row.replaces >= row.kept | {*row.defaults}


@pytest.mark.parametrize("type_", TYPES)
def test_only_what_has_a_region_of_its_own_is_replaced_by_another_region(type_):
    assert ("region" in TYPES[type_].replaces) == ("region" in inputs_of(type_))


@pytest.mark.parametrize("type_", [type_ for type_, row in TYPES.items() if row.immutable])
def test_every_input_of_what_is_never_updated_replaces_it(type_):
    assert {path.split(".")[0] for path in TYPES[type_].replaces} == {*inputs_of(type_)}


@pytest.mark.parametrize("type_", TYPES)
def test_what_an_update_makes_unknown_is_an_output(type_):
    assert {*TYPES[type_].volatile} <= {*wire_names(sdk_class(type_))}


@pytest.mark.parametrize("type_", TYPES)
def test_every_row_names_the_schema_it_repeats(type_):
    assert re.fullmatch(r"internal/service/[a-z0-9]+/[a-z0-9_]+\.go", TYPES[type_].source)


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_nothing_of_the_program_is_replaced_while_nothing_changes(stack):
    for resource in recorded(stack, known=True).resources:
        if resource.type in TYPES:
            state = {**resource.outputs, **resource.inputs}
            assert (resource.urn, replaced_by(resource.type, state, resource.inputs)) == (resource.urn, [])


def test_a_subnet_is_replaced_by_another_range_and_keeps_through_other_tags():
    old = {"cidrBlock": "10.0.0.0/20", "vpcId": "vpc-1", "tags": {"Tier": "web"}}

    assert replaced_by(SUBNET, old, {**old, "cidrBlock": "10.0.16.0/20"}) == ["cidrBlock"]
    assert replaced_by(SUBNET, old, {**old, "tags": {"Tier": "data"}}) == []


def test_a_vpc_that_is_replaced_itself_replaces_its_subnets():
    assert replaced_by(SUBNET, {"vpcId": "vpc-1"}, {"vpcId": UNKNOWN}) == ["vpcId"]


def test_a_secret_value_counts_as_what_it_holds():
    assert replaced_by(DATABASE, {"masterUsername": "prism"}, {"masterUsername": Secret("prism")}) == []
    assert replaced_by(DATABASE, {"masterUsername": "prism"}, {"masterUsername": Secret("root")}) == ["masterUsername"]


def test_what_the_program_leaves_to_aws_keeps_the_value_it_has():
    assert replaced_by(SUBNET, {"vpcId": "vpc-1", "availabilityZone": "us-east-1a"}, {"vpcId": "vpc-1"}) == []


def test_what_the_program_leaves_out_is_compared_by_its_default():
    target = "aws:lb/targetGroup:TargetGroup"

    assert replaced_by(target, {"port": 80, "targetType": "instance"}, {"port": 80}) == []
    assert replaced_by(target, {"port": 80, "targetType": "ip"}, {"port": 80}) == ["targetType"]
    assert replaced_by(CLUSTER, {}, {"accessConfig": {"bootstrapClusterCreatorAdminPermissions": False}}) == [
        "accessConfig.bootstrapClusterCreatorAdminPermissions"
    ]


def test_other_instance_types_replace_nodes_and_another_version_or_size_does_not():
    old = {"instanceTypes": ["m7i.large"], "version": "1.33", "scalingConfig": {"maxSize": 3}}

    assert replaced_by(NODES, old, {**old, "instanceTypes": ["m7i.xlarge"]}) == ["instanceTypes"]
    assert replaced_by(NODES, old, {**old, "version": "1.34", "scalingConfig": {"maxSize": 5}}) == []


def test_nodes_follow_a_new_version_of_their_template_and_are_replaced_by_another_template():
    old = {"launchTemplate": {"id": "lt-1", "version": "1"}}

    assert replaced_by(NODES, old, {"launchTemplate": {"id": "lt-1", "version": UNKNOWN}}) == []
    assert replaced_by(NODES, old, {"launchTemplate": {"id": "lt-2", "version": "1"}}) == ["launchTemplate.id"]


def test_the_order_of_subnets_is_no_change_and_the_order_of_instance_types_is():
    old = {"subnetIds": ["subnet-1", "subnet-2"], "instanceTypes": ["m7i.large", "m6i.large"]}
    new = {key: value[::-1] for key, value in old.items()}

    assert replaced_by(NODES, old, new) == ["instanceTypes"]


def test_a_launch_template_that_changes_gets_a_latest_version_that_nobody_knows_yet():
    old = {"imageId": "ami-1", "updateDefaultVersion": True}

    assert unknown_after(TEMPLATE, old, {**old, "imageId": "ami-2"}) == ["defaultVersion", "latestVersion"]
    assert unknown_after(TEMPLATE, old, {**old, "imageId": "ami-2", "updateDefaultVersion": False}) == ["latestVersion"]
    assert unknown_after(TEMPLATE, old, {**old, "description": "nodes"}) == []
    assert unknown_after(TEMPLATE, old, old) == []


def test_a_cluster_keeps_through_an_upgrade_and_a_new_key_but_not_without_a_key_or_with_another_role():
    key = {"encryptionConfig": {"provider": {"keyArn": "arn:1"}, "resources": ["secrets"]}}
    old = {"version": "1.33", "roleArn": "arn:role/1", **key}
    other_key = {"encryptionConfig": {"provider": {"keyArn": "arn:2"}, "resources": ["secrets"]}}

    assert replaced_by(CLUSTER, old, {**old, "version": "1.34", **other_key}) == []
    assert replaced_by(CLUSTER, old, {"version": "1.33", "roleArn": "arn:role/2"}) == ["encryptionConfig", "roleArn"]


def test_automatic_nodes_are_replaced_by_another_role_and_not_by_a_first_one():
    def nodes(**role):
        return {"computeConfig": {"enabled": True, **role}}

    assert replaced_by(CLUSTER, nodes(), nodes(nodeRoleArn="arn:1")) == []
    assert replaced_by(CLUSTER, nodes(nodeRoleArn="arn:1"), nodes(nodeRoleArn="arn:2")) == ["computeConfig.nodeRoleArn"]


def test_a_rule_changes_its_range_in_place_and_not_its_kind_of_source():
    old = {"securityGroupId": "sg-1", "cidrIpv4": "10.0.0.0/8"}

    assert replaced_by(RULE, old, {**old, "cidrIpv4": "10.0.0.0/16"}) == []
    assert replaced_by(RULE, old, {"securityGroupId": "sg-1", "referencedSecurityGroupId": UNKNOWN}) == [
        "cidrIpv4",
        "referencedSecurityGroupId",
    ]


def test_a_cache_goes_from_redis_to_valkey_and_never_back():
    assert replaced_by(CACHE, {"engine": "redis"}, {"engine": "valkey"}) == []
    assert replaced_by(CACHE, {"engine": "valkey"}, {"engine": "redis"}) == ["engine"]


@pytest.mark.parametrize(
    ("new", "expected"), [("7.1", ["engineVersion"]), ("8.0", []), ("8.1", []), ("7", ["engineVersion"])]
)
def test_a_cache_is_replaced_by_an_older_engine(new, expected):
    assert replaced_by(CACHE, {"engineVersion": "8.0"}, {"engineVersion": new}) == expected


def test_only_an_old_cache_is_replaced_to_encrypt_its_traffic():
    plain, encrypted = {"transitEncryptionEnabled": False}, {"transitEncryptionEnabled": True}

    assert replaced_by(CACHE, {**plain, "engineVersionActual": "7.0.4"}, encrypted) == ["transitEncryptionEnabled"]
    assert replaced_by(CACHE, {**plain, "engineVersionActual": "7.1.0"}, encrypted) == []


def test_more_caches_are_an_update_whose_members_nobody_knows_yet():
    assert replaced_by(CACHE, {"numCacheClusters": 2}, {"numCacheClusters": 3}) == []
    assert unknown_after(CACHE, {"numCacheClusters": 2}, {"numCacheClusters": 3}) == ["memberClusters"]


def test_a_database_is_replaced_by_another_key_and_not_by_another_storage_of_aurora():
    old = {"engine": "aurora-postgresql", "kmsKeyId": "arn:1", "storageType": ""}

    assert replaced_by(DATABASE, old, {**old, "kmsKeyId": "arn:2"}) == ["kmsKeyId"]
    assert replaced_by(DATABASE, old, {**old, "storageType": "aurora-iopt1"}) == []
    assert replaced_by(DATABASE, {"engine": "mysql"}, {"engine": "mysql", "storageType": "io1"}) == ["storageType"]


def test_a_network_balancer_only_gains_subnets_and_an_application_balancer_changes_them_freely():
    def subnets(type_, *ids):
        return {"loadBalancerType": type_, "subnets": [*ids]}

    assert replaced_by(BALANCER, subnets("network", "a"), subnets("network", "a", "b")) == []
    assert replaced_by(BALANCER, subnets("network", "a", "b"), subnets("network", "a")) == ["subnets"]
    assert replaced_by(BALANCER, subnets("application", "a", "b"), subnets("application", "a")) == []


def test_a_subnet_mapping_may_be_added_and_not_changed():
    first, second = {"subnetId": "a"}, {"subnetId": "b"}

    assert replaced_by(BALANCER, {"subnetMappings": [first]}, {"subnetMappings": [first, second]}) == []
    assert replaced_by(BALANCER, {"subnetMappings": [first]}, {"subnetMappings": [second]}) == ["subnetMappings"]


def test_a_vpc_leaves_dedicated_hosts_in_place_and_does_not_move_to_them():
    vpc = "aws:ec2/vpc:Vpc"

    assert replaced_by(vpc, {"instanceTenancy": "dedicated"}, {}) == []
    assert replaced_by(vpc, {}, {"instanceTenancy": "dedicated"}) == ["instanceTenancy"]


def test_private_dns_is_switched_in_place_for_interface_endpoints_only():
    endpoint = "aws:ec2/vpcEndpoint:VpcEndpoint"

    def dns(on, type_):
        return {"privateDnsEnabled": on, "vpcEndpointType": type_}

    assert replaced_by(endpoint, dns(False, "Interface"), dns(True, "Interface")) == []
    assert replaced_by(endpoint, dns(False, "GatewayLoadBalancer"), dns(True, "GatewayLoadBalancer")) == [
        "privateDnsEnabled"
    ]


def test_a_repository_is_replaced_by_another_key_whatever_aws_adds_to_its_encryption():
    repository = "aws:ecr/repository:Repository"
    state = {"encryptionConfigurations": [{"encryptionType": "KMS", "kmsKey": "arn:1"}]}

    assert replaced_by(repository, state, {"encryptionConfigurations": [{"encryptionType": "KMS"}]}) == []
    assert replaced_by(repository, state, {}) == []
    assert replaced_by(
        repository, state, {"encryptionConfigurations": [{"encryptionType": "KMS", "kmsKey": "arn:2"}]}
    ) == ["encryptionConfigurations.kmsKey"]


def test_a_record_changes_its_type_in_place_and_not_its_name():
    record = "aws:route53/record:Record"
    old = {"zoneId": "Z1", "name": "api.example.com", "type": "A"}

    assert replaced_by(record, old, {**old, "type": "CNAME"}) == []
    assert replaced_by(record, old, {**old, "name": "www.example.com"}) == ["name"]


def test_a_type_without_a_row_is_refused_with_the_place_to_add_it():
    with pytest.raises(LookupError, match=r"aws:ec2/instance:Instance: add it to fakes/aws/replacement_types\.py"):
        replaced_by("aws:ec2/instance:Instance", {}, {})
