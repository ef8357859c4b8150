"""The stand-in for the EKS component: what it registers, and what it refuses to guess."""

import json

import pytest

from recording import eks_component
from recording.eks_component import Registered, build, refuse_unknown_use
from recording.graph import UNKNOWN, Reference

URN = "urn:pulumi:dev::ai-prism::ai-prism:aws:Cluster$eks:index:Cluster::cluster"
ROLE = "arn:aws:iam::111122223333:role/cluster"
KEY = "arn:aws:kms:us-east-1:111122223333:key/1"
DEPLOYER = "arn:aws:iam::111122223333:role/deploy"
POLICY = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
INPUTS = {
    "authenticationMode": "API",
    "createInstanceRole": False,
    "createOidcProvider": False,
    "skipDefaultNodeGroup": True,
    "skipDefaultSecurityGroups": True,
    "useDefaultVpcCni": True,
    "corednsAddonOptions": {"enabled": False},
    "kubeProxyAddonOptions": {"enabled": False},
    "bootstrapSelfManagedAddons": False,
    "name": "ai-prism-dev",
    "version": "1.36",
    "vpcId": "vpc-1",
    "privateSubnetIds": ["subnet-1", "subnet-2"],
    "endpointPrivateAccess": True,
    "endpointPublicAccess": False,
    "encryptionConfigKeyArn": KEY,
    "enabledClusterLogTypes": ["api", "audit"],
    "upgradePolicy": {"supportType": "STANDARD"},
    "deletionProtection": True,
    "serviceRole": Reference("urn:role", ""),
    "accessEntries": {
        "deploy": {
            "principalArn": DEPLOYER,
            "accessPolicies": {"admin": {"policyArn": POLICY, "accessScope": {"type": "cluster"}}},
        }
    },
}
SOURCES = {
    "serviceRole": ["urn:role"],
    "encryptionConfigKeyArn": ["urn:key"],
    "privateSubnetIds": ["urn:subnet-1", "urn:subnet-2"],
    "accessEntries": ["urn:deploy"],
}
ISSUER = "https://oidc.eks.us-east-1.amazonaws.com/id/ABC"
MADE = {
    "aws:eks/cluster:Cluster": {
        "name": "ai-prism-dev",
        "arn": "arn:aws:eks:us-east-1:111122223333:cluster/ai-prism-dev",
        "endpoint": "https://abc.eks.amazonaws.com",
        "certificateAuthority": {"data": "Q0E="},
        "identities": [{"oidcs": [{"issuer": ISSUER}]}],
        "vpcConfig": {"clusterSecurityGroupId": "sg-1"},
    },
}
CLUSTER, ENTRY = "urn:cluster-eksCluster", "urn:cluster-deploy"


def run(*, known=False, **changes):
    """Build the component; returns the children that it registers, and its outputs."""
    children = []

    def register(child):
        children.append(child)
        return Registered(Reference(f"urn:{child.name}", ""), MADE.get(child.type, {}) if known else {})

    inputs = {key: value for key, value in {**INPUTS, **changes}.items() if value is not None}
    built = build("cluster", URN, inputs, role_arn=ROLE, dependencies_of=SOURCES, register=register)
    assert built.dependencies.keys() == built.outputs.keys()
    return children, built.outputs


def test_outputs_come_from_the_control_plane_unless_they_are_always_the_same():
    built = build(
        "cluster",
        URN,
        INPUTS,
        role_arn=ROLE,
        dependencies_of=SOURCES,
        register=lambda child: Registered(Reference(f"urn:{child.name}", ""), {}),
    )
    constant = {key for key, urns in built.dependencies.items() if not urns}
    assert constant == {"instanceRoles", "oidcProviderArn"}
    assert {urn for urns in built.dependencies.values() for urn in urns} == {"urn:cluster-eksCluster"}


def child(type_, **options):
    children, _ = run(**options)
    (found,) = [each for each in children if each.type == type_]
    return found


def test_exactly_the_plugins_children_are_registered_under_their_parents():
    children, _ = run()
    assert [(each.type, each.name, each.parent) for each in children] == [
        ("aws:eks/cluster:Cluster", "cluster-eksCluster", URN),
        ("pulumi:providers:kubernetes", "cluster-eks-k8s", URN),
        ("aws:eks/accessEntry:AccessEntry", "cluster-deploy", URN),
        ("aws:eks/accessPolicyAssociation:AccessPolicyAssociation", "cluster-deploy-admin", ENTRY),
    ]


def test_the_same_children_are_registered_whether_values_are_known_or_not():
    assert [each.name for each in run(known=True)[0]] == [each.name for each in run(known=False)[0]]


def test_without_access_entries_nobody_is_let_in():
    children, _ = run(accessEntries=None)
    assert [each.name for each in children] == ["cluster-eksCluster", "cluster-eks-k8s"]


def test_every_access_entry_has_its_own_associations():
    policies = {"admin": {"policyArn": POLICY, "accessScope": {"type": "cluster"}}}
    entries = {
        "one": {"principalArn": "arn:one", "accessPolicies": {**policies, "view": policies["admin"]}},
        "other": {"principalArn": "arn:other"},
    }
    children, _ = run(accessEntries=entries)
    assert [(each.name, each.parent) for each in children if "access" in each.type] == [
        ("cluster-one", URN),
        ("cluster-one-admin", "urn:cluster-one"),
        ("cluster-one-view", "urn:cluster-one"),
        ("cluster-other", URN),
    ]


def test_the_control_plane_is_what_the_component_was_told():
    assert child("aws:eks/cluster:Cluster").inputs == {
        "name": "ai-prism-dev",
        "roleArn": ROLE,
        "bootstrapSelfManagedAddons": False,
        "vpcConfig": {
            "subnetIds": ["subnet-1", "subnet-2"],
            "endpointPrivateAccess": True,
            "endpointPublicAccess": False,
            "publicAccessCidrs": None,
        },
        "version": "1.36",
        "enabledClusterLogTypes": ["api", "audit"],
        "tags": {"Name": "cluster-eksCluster"},
        "encryptionConfig": {"provider": {"keyArn": KEY}, "resources": ["secrets"]},
        "accessConfig": {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": True},
        "upgradePolicy": {"supportType": "STANDARD"},
        "deletionProtection": True,
    }


def test_the_control_plane_waits_for_its_role_key_and_subnets():
    cluster = child("aws:eks/cluster:Cluster")
    assert cluster.dependencies == ["urn:key", "urn:role", "urn:subnet-1", "urn:subnet-2"]
    assert cluster.property_dependencies == {
        "roleArn": ["urn:role"],
        "encryptionConfig": ["urn:key"],
        "vpcConfig": ["urn:subnet-1", "urn:subnet-2"],
    }


def test_what_aws_changes_by_itself_is_ignored():
    assert child("aws:eks/cluster:Cluster").ignore_changes == [
        "accessConfig.bootstrapClusterCreatorAdminPermissions",
        "bootstrapSelfManagedAddons",
    ]


def test_everything_in_the_cluster_waits_for_the_control_plane():
    children, _ = run()
    assert [each.name for each in children[1:] if CLUSTER not in each.dependencies] == []


def test_an_association_is_for_its_entrys_principal():
    association = child("aws:eks/accessPolicyAssociation:AccessPolicyAssociation", known=True)
    assert association.inputs == {
        "clusterName": "ai-prism-dev",
        "principalArn": DEPLOYER,
        "policyArn": POLICY,
        "accessScope": {"type": "cluster"},
    }
    assert list(association.dependencies) == [CLUSTER, ENTRY, "urn:deploy"]


def test_values_that_only_an_update_can_tell_are_unknown():
    children, outputs = run()
    inputs = {each.type: each.inputs for each in children}
    assert inputs["pulumi:providers:kubernetes"]["kubeconfig"] is UNKNOWN
    assert outputs == {
        "kubeconfig": UNKNOWN,
        "kubeconfigJson": UNKNOWN,
        "eksCluster": Reference(CLUSTER, ""),
        "clusterSecurityGroupId": UNKNOWN,
        "nodeSecurityGroupId": UNKNOWN,
        "instanceRoles": [],
        "oidcProviderArn": "",
        "oidcProviderUrl": UNKNOWN,
        "oidcIssuer": UNKNOWN,
    }


def test_outputs_are_those_of_the_children():
    _, outputs = run(known=True)
    assert outputs["clusterSecurityGroupId"] == outputs["nodeSecurityGroupId"] == "sg-1"
    assert outputs["oidcProviderUrl"] == ISSUER
    assert outputs["oidcIssuer"] == ISSUER.removeprefix("https://")
    assert outputs["oidcProviderArn"] == ""


def test_the_kubeconfig_says_how_to_get_a_credential_and_holds_none():
    _, outputs = run(known=True)
    kubeconfig = outputs["kubeconfig"]
    assert kubeconfig["clusters"][0]["cluster"] == {
        "server": "https://abc.eks.amazonaws.com",
        "certificate-authority-data": "Q0E=",
    }
    (user,) = kubeconfig["users"]
    assert set(user["user"]) == {"exec"}
    assert [user["user"]["exec"]["command"], *user["user"]["exec"]["args"]] == [
        *("aws", "--region", "us-east-1", "eks", "get-token", "--cluster-name", "ai-prism-dev", "--output", "json")
    ]


def test_the_kubernetes_provider_gets_the_kubeconfig_as_text():
    provider = child("pulumi:providers:kubernetes", known=True)
    _, outputs = run(known=True)
    assert json.loads(provider.inputs["kubeconfig"]) == outputs["kubeconfig"]
    assert provider.inputs["kubeconfig"] == outputs["kubeconfigJson"]


def test_the_use_that_the_program_makes_is_known():
    refuse_unknown_use(INPUTS)


def refusal(**changes):
    inputs = {key: value for key, value in {**INPUTS, **changes}.items() if value is not None}
    with pytest.raises(NotImplementedError) as error:
        refuse_unknown_use(inputs)
    return str(error.value).removeprefix("the stand-in for eks:index:Cluster does not know this use of ")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("fargate", True),
        ("nodeGroupOptions", {"instanceType": "t3.medium"}),
        ("roleMappings", []),
        ("authenticationMode", "CONFIG_MAP"),
        ("createInstanceRole", True),
        ("createOidcProvider", True),
        ("createOidcProvider", None),
        ("skipDefaultNodeGroup", False),
        ("skipDefaultSecurityGroups", None),
        ("useDefaultVpcCni", None),
        ("corednsAddonOptions", None),
        ("corednsAddonOptions", {"version": "v1.14.3-eksbuild.3"}),
        ("kubeProxyAddonOptions", {"enabled": True}),
    ],
)
def test_an_unknown_use_is_refused_by_naming_the_input(key, value):
    assert refusal(**{key: value}) == key


def test_several_unknown_uses_are_named_together_and_in_order():
    assert refusal(tags={}, fargate=True, authenticationMode="API_AND_CONFIG_MAP") == (
        "authenticationMode, fargate, tags"
    )


def test_nothing_is_registered_for_an_unknown_use():
    registered = []
    with pytest.raises(NotImplementedError):
        build(
            "cluster",
            URN,
            {**INPUTS, "fargate": True},
            role_arn=ROLE,
            dependencies_of={},
            register=registered.append,
        )
    assert registered == []


@pytest.mark.parametrize("key", ["encryptionConfigKeyArn", "privateSubnetIds", "serviceRole"])
def test_an_input_that_is_missing_is_refused_by_naming_it(key):
    assert refusal(**{key: None}) == key
    with pytest.raises(NotImplementedError, match=f" {key}$"):
        run(**{key: None})


def test_several_missing_inputs_are_named_together_and_in_order():
    assert refusal(serviceRole=None, privateSubnetIds=None, encryptionConfigKeyArn=None) == (
        "encryptionConfigKeyArn, privateSubnetIds, serviceRole"
    )


def test_the_stand_in_stands_for_the_component_of_pulumi_eks():
    assert eks_component.TYPE == "eks:index:Cluster"
