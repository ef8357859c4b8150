"""The add-ons that need nodes: after the nodes, at their versions, and with the rights to make encrypted volumes."""

import functools

import pulumi
import pytest
from alone import CONTEXT, KEY_ARN, ROLES, build
from grants import lets
from user import something

from components.node_addons import NodeAddons, NodeAddonsArgs
from fakes.iam.evaluator import Caller, decide
from fakes.iam.roles import statements
from recording.graph import Graph, Resource

ADDON = "aws:eks/addon:Addon"
VERSIONS = {
    "coredns": "v1-dns",
    "metrics-server": "v1-metrics",
    "eks-node-monitoring-agent": "v1-monitoring",
    "aws-ebs-csi-driver": None,
}
CLUSTER = CONTEXT.arn("eks", "cluster/ai-prism-test")


@functools.cache
def addons() -> Graph:
    def make(opts: pulumi.ResourceOptions) -> None:
        args = NodeAddonsArgs(
            context=CONTEXT,
            roles=ROLES,
            cluster_name="ai-prism-test",
            cluster_arn=CLUSTER,
            versions=VERSIONS,
            key_arn=KEY_ARN,
            after=[something("nodes", opts)],
        )
        NodeAddons("addons", args, opts)

    return build(make)


def addon(name: str) -> Resource:
    return addons().named(ADDON, f"cluster-{name}")


def test_the_cluster_has_names_numbers_for_autoscalers_repairs_and_volumes() -> None:
    assert {each["addonName"] for each in addons().of_type(ADDON)} == VERSIONS.keys()


@pytest.mark.parametrize("name", VERSIONS)
def test_an_add_on_has_its_version_and_waits_for_nodes_on_which_it_can_run(name: str) -> None:
    """EKS calls one DEGRADED whose pods find no node, and the update fails."""
    assert addon(name).get("addonVersion") == VERSIONS[name]
    assert addon(name)["clusterName"] == "ai-prism-test"
    assert addons().named("aws:cloudwatch/logGroup:LogGroup", "nodes").urn in addon(name).dependencies


def test_the_volume_driver_alone_has_a_role_for_pods_of_this_cluster() -> None:
    role = addons().named("aws:iam/role:Role", "addons-volumes")
    accounts = {each["addonName"]: each["podIdentityAssociations"] for each in addons().of_type(ADDON)}
    own = {"serviceAccount": "ebs-csi-controller-sa", "roleArn": role.outputs["arn"]}
    assert accounts == {name: [own] if name == "aws-ebs-csi-driver" else [] for name in VERSIONS}
    assert (role["path"], role["permissionsBoundary"]) == (ROLES.path, ROLES.boundary_arn)
    trust, pods = role["assumeRolePolicy"], "pods.eks.amazonaws.com"
    for cluster, allowed in ((CLUSTER, True), (CONTEXT.arn("eks", "cluster/ai-prism-prod"), False)):
        context = {"aws__SourceAccount": CONTEXT.account_id, "aws__SourceArn": cluster}
        assert lets(trust, "Service", pods, "sts:AssumeRole", **context) is allowed
    foreign = {"aws__SourceAccount": "999999999999", "aws__SourceArn": CLUSTER}
    assert not lets(trust, "Service", pods, "sts:AssumeRole", **foreign)


def test_the_volume_driver_makes_volumes_that_are_encrypted_with_the_stacks_key() -> None:
    """The policy of AWS knows no key: a claim stays Pending with `KMS key not accessible`.

    Source: https://docs.aws.amazon.com/eks/latest/userguide/ebs-csi.html
    """
    role = addons().named("aws:iam/role:Role", "addons-volumes")
    (attached,) = addons().of_type("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
    assert attached["policyArn"] == "arn:aws:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicy"
    grants = statements(addons().named("aws:iam/rolePolicy:RolePolicy", "addons-volumes-grants")["policy"])
    driver, other = Caller(arn=role.outputs["arn"], identity=grants), CONTEXT.arn("kms", "key/other")
    uses = ("Encrypt", "Decrypt", "ReEncryptFrom", "ReEncryptTo", "GenerateDataKeyWithoutPlaintext", "DescribeKey")
    for action in uses:
        assert decide(driver, f"kms:{action}", KEY_ARN), action
        assert not decide(driver, f"kms:{action}", other), action
    for resource, to_service, allowed in ((KEY_ARN, "true", True), (KEY_ARN, "false", False), (other, "true", False)):
        context = {"kms:GrantIsForAWSResource": to_service}
        assert bool(decide(driver, "kms:CreateGrant", resource, context=context)) is allowed
