"""The control plane: who administers it, who reaches it, what is on record, and what nodes find when they start."""

import functools
import json
from collections.abc import Mapping
from typing import Any

import pulumi
import pytest
from alone import CONTEXT, KEY_ARN, LOG_GROUPS, ROLES, build
from grants import lets
from user import User

from components.cluster import Cluster, ClusterArgs
from recording.graph import Graph, Resource, Secret
from settings import cluster as settings
from settings import versions

ADDON, ROLE = "aws:eks/addon:Addon", "aws:iam/role:Role"
ENTRY, POLICY = "aws:eks/accessEntry:AccessEntry", "aws:eks/accessPolicyAssociation:AccessPolicyAssociation"
OPS, DEPLOY, PREVIEW = (CONTEXT.iam_arn(f"role/{name}") for name in ("ops", "deploy", "preview"))
SUBNETS = {"us-east-1a": "subnet-a", "us-east-1b": "subnet-b", "us-east-1c": "subnet-c"}
VERSION = max(versions.load().kubernetes)


@functools.cache
def cluster(*, protect: bool = True, public: tuple[str, ...] = (), known: bool = True) -> Graph:
    section = {
        "version": VERSION,
        "zones": ("us-east-1a", "us-east-1c"),
        "admins": {"ops": OPS},
        "public_access_cidrs": public,
    }

    def make(opts: pulumi.ResourceOptions) -> None:
        args = ClusterArgs(
            context=CONTEXT,
            settings=settings.Cluster.model_validate(section, strict=False),
            roles=ROLES,
            log_groups=LOG_GROUPS,
            key_arn=KEY_ARN,
            vpc_id="vpc-1",
            subnet_by_zone=SUBNETS,
            deploy_role_arn=DEPLOY,
            preview_role_arn=PREVIEW,
            protect=protect,
        )
        made = Cluster("cluster", args, opts)
        User("name", {"name": made.name, "endpoint": made.endpoint, "kubeconfig": made.kubeconfig}, opts)
        User("role", {"role": made.node_role.arn}, opts)
        groups = {"all": made.node_security_group_ids, "own": made.nodes_security_group_id}
        plain = {"name": made.physical_name, "arn": made.arn, "version": made.version, **made.addon_versions}
        User("plain", {**plain, **groups}, opts)
        User("nodes", {}, pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=made.before_nodes)))

    return build(make, known=known)


def plane(graph: Graph | None = None) -> Resource:
    return (graph or cluster()).of_type("aws:eks/cluster:Cluster")[0]


def asked(graph: Graph | None = None) -> Resource:
    """Return what pulumi-eks is asked for."""
    return (graph or cluster()).named("eks:index:Cluster", "cluster")


def user(name: str, graph: Graph | None = None) -> Resource:
    return (graph or cluster()).named(User.TYPE, name)


def role(name: str) -> Resource:
    return cluster().named(ROLE, f"cluster-{name}")


def managed(name: str) -> set[str]:
    """Return the AWS-managed policies of a role."""
    attached = cluster().of_type("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
    return {each["policyArn"].rpartition("/")[2] for each in attached if each["role"] == role(name).outputs["name"]}


def rights() -> Mapping[str, str]:
    """Return what each role may do in the cluster, by the names of EKS's access policies."""
    return {each["principalArn"]: each["policyArn"].rpartition("/")[2] for each in cluster().of_type(POLICY)}


def test_named_roles_and_the_deployment_administer_the_cluster_and_a_preview_looks() -> None:
    administers = "AmazonEKSClusterAdminPolicy"
    # Everything but Secrets: https://docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html
    assert rights() == {OPS: administers, DEPLOY: administers, PREVIEW: "AmazonEKSViewPolicy"}
    for each in cluster().of_type(POLICY):
        assert each["accessScope"] == {"type": "cluster"}
        assert each["policyArn"].startswith("arn:aws:eks::aws:cluster-access-policy/")
    entries = {each.name: each["principalArn"] for each in cluster().of_type(ENTRY)}
    assert entries == {"cluster-ops": OPS, "cluster-delivery": DEPLOY, "cluster-preview": PREVIEW}
    for each in cluster().of_type(ENTRY, POLICY):
        assert each["clusterName"] == plane().outputs["name"]


def test_nobody_else_administers_the_cluster_also_not_who_made_it() -> None:
    """https://github.com/pulumi/pulumi-eks/issues/2373"""
    assert plane()["accessConfig"] == {
        "authenticationMode": "API",
        "bootstrapClusterCreatorAdminPermissions": False,
    }


def test_an_administrator_can_be_removed() -> None:
    assert not any(each.protect for each in cluster().of_type(ENTRY, POLICY))


@pytest.mark.parametrize("protect", [True, False])
def test_neither_pulumi_nor_aws_deletes_the_control_plane_of_a_stack_that_must_stay(protect: bool) -> None:
    made = plane(cluster(protect=protect))
    assert (made.protect, made["deletionProtection"]) == (protect, protect)


def test_the_api_is_reached_within_the_vpc_alone_where_no_network_is_named() -> None:
    network = plane()["vpcConfig"]
    assert (network["endpointPrivateAccess"], network["endpointPublicAccess"]) == (True, False)
    # EKS refuses even an empty list while the public endpoint is off.
    assert "publicAccessCidrs" not in network


def test_the_api_is_reached_from_the_named_networks_and_no_other() -> None:
    network = plane(cluster(public=("198.51.100.0/24", "203.0.113.7/32")))["vpcConfig"]
    assert (network["endpointPrivateAccess"], network["endpointPublicAccess"]) == (True, True)
    assert network["publicAccessCidrs"] == ["198.51.100.0/24", "203.0.113.7/32"]


def test_a_zone_that_joins_the_network_later_leaves_the_control_plane_where_aws_fixed_it() -> None:
    assert plane()["vpcConfig"]["subnetIds"] == [SUBNETS["us-east-1a"], SUBNETS["us-east-1c"]]
    assert asked()["vpcId"] == "vpc-1"


def test_kubernetes_secrets_are_encrypted_with_the_stacks_key() -> None:
    assert plane()["encryptionConfig"] == {"resources": ["secrets"], "provider": {"keyArn": KEY_ARN}}


def test_whatever_was_asked_of_the_control_plane_is_on_record() -> None:
    # https://docs.aws.amazon.com/eks/latest/userguide/control-plane-logs.html names five kinds.
    assert {*plane()["enabledClusterLogTypes"]} == {"api", "audit", "authenticator", "controllerManager", "scheduler"}


def test_the_record_is_encrypted_and_there_before_eks_would_make_one_that_is_not() -> None:
    group = cluster().named("aws:cloudwatch/logGroup:LogGroup", "cluster-logs")
    assert group["name"] == f"/aws/eks/{plane()['name']}/cluster"
    assert (group["kmsKeyId"], group["retentionInDays"]) == (LOG_GROUPS.key_arn, LOG_GROUPS.retention_days)
    assert group.urn in asked().dependencies


def test_the_stack_does_not_pay_for_extended_support_of_an_old_version_without_being_asked() -> None:
    assert plane()["upgradePolicy"] == {"supportType": "STANDARD"}
    assert plane()["version"] == VERSION


def test_others_know_the_cluster_by_one_name() -> None:
    assert plane()["name"] == "ai-prism-test"
    plain = user("plain").outputs
    assert (plain["name"], plain["version"]) == ("ai-prism-test", VERSION)
    assert plain["arn"] == plane().outputs["arn"]
    given = user("name").outputs
    assert (given["name"], given["endpoint"]) == ("ai-prism-test", plane().outputs["endpoint"])


def test_the_kubeconfig_is_shown_to_nobody_and_leads_to_this_cluster() -> None:
    kubeconfig = user("name").outputs["kubeconfig"]
    assert isinstance(kubeconfig, Secret)
    assert plane().outputs["endpoint"] in kubeconfig.value
    for known in (True, False):
        given = user("name", cluster(known=known)).outputs["kubeconfig"]
        assert isinstance(given, Secret)


def test_whoever_uses_the_clusters_name_waits_for_the_control_plane() -> None:
    graph = cluster(known=False)
    assert plane(graph).urn in graph.needs(user("name", graph))


def test_eks_may_run_a_control_plane_for_this_account_from_its_first_minute() -> None:
    trust = role("control-plane")["assumeRolePolicy"]
    for account, allowed in ((CONTEXT.account_id, True), ("999999999999", False)):
        assert lets(trust, "Service", "eks.amazonaws.com", "sts:AssumeRole", aws__SourceAccount=account) is allowed
    assert managed("control-plane") == {"AmazonEKSClusterPolicy"}
    assert plane()["roleArn"] == role("control-plane").outputs["arn"]
    for each in cluster().of_type("aws:iam/rolePolicyAttachment:RolePolicyAttachment"):
        if "control-plane" in each.name:
            assert each.urn in asked().dependencies


def test_nodes_join_the_cluster_and_pull_images_and_their_pods_get_at_no_more() -> None:
    """The network plugin changes addresses by a role of its own: AmazonEKS_CNI_Policy is not the nodes'."""
    assert lets(role("node")["assumeRolePolicy"], "Service", "ec2.amazonaws.com", "sts:AssumeRole")
    assert managed("node") == {"AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly"}
    assert user("role").outputs["role"] == role("node").outputs["arn"]
    assert not cluster().of_type("aws:iam/rolePolicy:RolePolicy")


def test_every_role_stands_within_the_boundary() -> None:
    for each in cluster().of_type(ROLE):
        assert (each["path"], each["permissionsBoundary"]) == (ROLES.path, ROLES.boundary_arn)


def addon(name: str) -> Resource:
    return cluster().named(ADDON, f"cluster-{name}")


def test_a_node_finds_its_network_its_services_and_its_pods_roles_when_it_starts() -> None:
    """Without the network plugin it never becomes ready."""
    graph = cluster(known=False)
    early = {each["addonName"]: each.urn for each in graph.of_type(ADDON)}
    assert early.keys() == {"vpc-cni", "kube-proxy", "eks-pod-identity-agent"}
    assert {*early.values()} <= graph.needs(user("nodes", graph))


@pytest.mark.parametrize("name", ["vpc-cni", "kube-proxy", "eks-pod-identity-agent"])
def test_an_add_on_has_the_version_that_was_tried_with_this_kubernetes(name: str) -> None:
    # None leaves the choice to EKS.
    assert addon(name).get("addonVersion") == versions.load().addons_for(VERSION)[name]
    assert user("plain").outputs.get(name) == addon(name).get("addonVersion")
    assert addon(name)["clusterName"] == plane().outputs["name"]


def test_network_policies_are_enforced() -> None:
    """The plugin ignores them by default: https://docs.aws.amazon.com/eks/latest/userguide/cni-network-policy-configure.html"""
    assert json.loads(addon("vpc-cni")["configurationValues"]) == {"enableNetworkPolicy": "true"}
    for name in ("kube-proxy", "eks-pod-identity-agent"):
        assert "configurationValues" not in addon(name)


def test_the_network_plugin_has_a_role_of_its_own_for_pods_of_this_cluster() -> None:
    assert addon("vpc-cni")["podIdentityAssociations"] == [
        {"serviceAccount": "aws-node", "roleArn": role("cni").outputs["arn"]}
    ]
    assert managed("cni") == {"AmazonEKS_CNI_Policy"}
    trust, pods = role("cni")["assumeRolePolicy"], "pods.eks.amazonaws.com"
    own = {"aws__SourceAccount": CONTEXT.account_id, "aws__SourceArn": CONTEXT.arn("eks", "cluster/ai-prism-test")}
    for action in ("sts:AssumeRole", "sts:TagSession"):
        assert lets(trust, "Service", pods, action, **own)
        other = {**own, "aws__SourceArn": CONTEXT.arn("eks", "cluster/ai-prism-prod")}
        assert not lets(trust, "Service", pods, action, **other)


def test_others_know_the_nodes_by_a_group_of_their_own_and_eks_by_its_one_tagged_group() -> None:
    """Two groups with the cluster's tag on a node break load balancing."""
    own = cluster().named("aws:ec2/securityGroup:SecurityGroup", "cluster-nodes")
    assert own["vpcId"] == "vpc-1"
    assert "kubernetes.io/cluster/ai-prism-test" not in (own.get("tags") or {})
    of_eks = plane().outputs["vpcConfig"]["clusterSecurityGroupId"]
    assert user("plain").outputs["all"] == [of_eks, own.id]
    assert user("plain").outputs["own"] == own.id


UNUSED: Mapping[str, Any] = {
    "createOidcProvider": False,
    "bootstrapSelfManagedAddons": False,
    "useDefaultVpcCni": True,
    "corednsAddonOptions": {"enabled": False},
    "kubeProxyAddonOptions": {"enabled": False},
    "skipDefaultSecurityGroups": True,
    "skipDefaultNodeGroup": True,
    "createInstanceRole": False,
}


@pytest.mark.parametrize("option", UNUSED)
def test_pulumi_eks_makes_nothing_that_is_made_here(option: str) -> None:
    """Each default would make add-ons, groups, nodes or roles a second time, without versions, order or encryption."""
    assert asked()[option] == UNUSED[option]
