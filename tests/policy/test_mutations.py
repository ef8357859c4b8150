"""One change for the worse at a time, on the platform as it is recorded for prod: none goes unnoticed.

The list written by hand comes from what goes wrong in practice, not from the rules.
"""

import functools
from collections.abc import Sequence

import pytest
from mutations import GONE, Mutation, by_hand, generated
from policy_cases import TODAY, cases
from support import configured, recorded, sample

from policy.findings import Result
from policy.registry import Settings
from policy.runner import run
from policy.view import Stack
from prismctl.stack_policies import own_configuration, view

ZONE = configured("prod", "network")["zones"][0]
WORLD = "0.0.0.0/0"
ADMIN = {"Effect": "Allow", "Action": "*", "Resource": "*"}
ANYBODY_READS = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}
RSA_OF_OLD = "ELBSecurityPolicy-2016-08"

BY_HAND: list[tuple[str, str, str, object]] = [
    # Somebody opens a port.
    ("SecurityGroupIngressRule", "database-from-nodes", "cidrIpv4", WORLD),
    ("SecurityGroupIngressRule", "cache-from-nodes", "cidrIpv6", "::/0"),
    ("SecurityGroupIngressRule", "cache-from-nodes", "cidrIpv4", "10.0.0.0/16"),
    ("SecurityGroupIngressRule", "entrance-https-from-world", "toPort", 65535),
    ("SecurityGroupIngressRule", "entrance-http-from-world", "fromPort", 22),
    ("SecurityGroupIngressRule", "entrance-requests-at-nodes", "cidrIpv4", WORLD),
    ("SecurityGroupIngressRule", "entrance-requests-at-nodes", "ipProtocol", "-1"),
    (
        "SecurityGroup",
        "database-access",
        "ingress",
        [{"fromPort": 5432, "toPort": 5432, "protocol": "tcp", "cidrBlocks": [WORLD], "description": "x"}],
    ),
    (
        "SecurityGroup",
        "database-access",
        "egress",
        [{"fromPort": 0, "toPort": 0, "protocol": "-1", "cidrBlocks": [WORLD], "description": "x"}],
    ),
    (
        "DefaultSecurityGroup",
        "network-default",
        "ingress",
        [{"fromPort": 0, "toPort": 0, "protocol": "-1", "self": True}],
    ),
    ("Subnet", f"network-public-{ZONE}", "mapPublicIpOnLaunch", True),
    ("FlowLog", "network-flow", "", GONE),
    ("VpcEndpoint", "network-s3", "", GONE),
    # The cluster.
    ("Cluster", "cluster-eksCluster", "vpcConfig.endpointPublicAccess", True),
    ("Cluster", "cluster-eksCluster", "vpcConfig.endpointPrivateAccess", False),
    ("Cluster", "cluster-eksCluster", "encryptionConfig", GONE),
    ("Cluster", "cluster-eksCluster", "enabledClusterLogTypes", ["api"]),
    ("Cluster", "cluster-eksCluster", "version", "1.28"),
    ("Cluster", "cluster-eksCluster", "accessConfig.authenticationMode", "CONFIG_MAP"),
    ("Cluster", "cluster-eksCluster", "accessConfig.bootstrapClusterCreatorAdminPermissions", True),
    ("Cluster", "cluster-eksCluster", "deletionProtection", False),
    ("Cluster", "cluster-eksCluster", "(protect)", False),
    ("Addon", "cluster-vpc-cni", "configurationValues", '{"enableNetworkPolicy": "false"}'),
    ("Addon", "cluster-kube-proxy", "addonVersion", GONE),
    ("AccessPolicyAssociation", "cluster-delivery-admin", "principalArn", "arn:aws:iam::123456789012:role/somebody"),
    # Nodes.
    ("NodeGroup", f"web-{ZONE}-nodes", "amiType", "AL2_x86_64"),
    ("NodeGroup", f"web-{ZONE}-nodes", "capacityType", "SPOT"),
    ("NodeGroup", f"web-{ZONE}-nodes", "remoteAccess", {"ec2SshKey": "laptop"}),
    ("NodeGroup", f"web-{ZONE}-nodes", "scalingConfig.minSize", 0),
    ("NodeGroup", "gpu-nodes", "taints", GONE),
    ("LaunchTemplate", "web-template", "metadataOptions.httpTokens", "optional"),
    ("LaunchTemplate", "web-template", "metadataOptions.httpPutResponseHopLimit", 2),
    ("LaunchTemplate", "web-template", "metadataOptions", GONE),
    ("LaunchTemplate", "web-template", "blockDeviceMappings[0].ebs.encrypted", "false"),
    ("LaunchTemplate", "web-template", "networkInterfaces", [{"associatePublicIpAddress": "true"}]),
    (
        "LaunchTemplate",
        "web-template",
        "userData",
        "ZXhwb3J0IEFXU19TRUNSRVRfQUNDRVNTX0tFWT13SmFsclhVdG5GRU1JL0s3TURFTkcvYlB4UmZpQ1lFWEFNUExFS0VZ",
    ),
    # The database.
    ("Cluster", "database", "storageEncrypted", False),
    ("Cluster", "database", "kmsKeyId", GONE),
    ("Cluster", "database", "deletionProtection", False),
    ("Cluster", "database", "backupRetentionPeriod", 1),
    ("Cluster", "database", "skipFinalSnapshot", True),
    ("Cluster", "database", "iamDatabaseAuthenticationEnabled", False),
    ("Cluster", "database", "masterPassword", "correct-horse"),
    ("Cluster", "database", "manageMasterUserPassword", GONE),
    ("Cluster", "database", "masterUsername", "postgres"),
    ("Cluster", "database", "enabledCloudwatchLogsExports", []),
    ("Cluster", "database", "engineVersion", "11.9"),
    ("Cluster", "database", "(protect)", False),
    ("ClusterParameterGroup", "database-aurora-postgresql17", "parameters[0].value", "0"),
    ("ClusterInstance", "database-1", "publiclyAccessible", True),
    ("ClusterInstance", "database-1", "monitoringInterval", 0),
    # The cache.
    ("ReplicationGroup", "cache", "transitEncryptionEnabled", False),
    ("ReplicationGroup", "cache", "transitEncryptionMode", "preferred"),
    ("ReplicationGroup", "cache", "atRestEncryptionEnabled", False),
    ("ReplicationGroup", "cache", "userGroupIds", GONE),
    ("ReplicationGroup", "cache", "snapshotRetentionLimit", 0),
    ("ReplicationGroup", "cache", "automaticFailoverEnabled", False),
    ("ReplicationGroup", "cache", "subnetGroupName", GONE),
    ("User", "cache-app", "authenticationMode.type", "no-password-required"),
    ("User", "cache-app", "accessString", "on ~* +@all"),
    # The edge.
    ("WebAclAssociation", "firewall-association", "", GONE),
    ("WebAclLoggingConfiguration", "firewall-logging", "redactedFields", GONE),
    ("WebAcl", "firewall-acl", "rules", []),
    ("WebAcl", "firewall-acl", "rules[0].overrideAction", {"count": {}}),
    ("Listener", "entrance-http", "defaultActions[0].type", "forward"),
    ("Listener", "entrance-https", "sslPolicy", RSA_OF_OLD),
    ("Listener", "entrance-https", "protocol", "HTTP"),
    ("LoadBalancer", "entrance", "dropInvalidHeaderFields", False),
    ("LoadBalancer", "entrance", "desyncMitigationMode", "monitor"),
    ("LoadBalancer", "entrance", "enableDeletionProtection", False),
    ("LoadBalancer", "entrance", "accessLogs.enabled", False),
    # Keys, buckets, images.
    ("Key", "encryption-data", "enableKeyRotation", False),
    ("Key", "encryption-data", "deletionWindowInDays", 7),
    ("Key", "encryption-data", "policy.Statement[0].Principal", "*"),
    ("Key", "encryption-cluster", "policy.Statement[1].Condition", {}),
    ("Key", "encryption-data", "(protect)", False),
    ("Key", "encryption-data", "(ignoreChanges)", "policy"),
    ("BucketPublicAccessBlock", "storage-documents", "blockPublicPolicy", False),
    ("BucketPublicAccessBlock", "storage-documents", "", GONE),
    ("BucketVersioning", "storage-documents", "versioningConfiguration.status", "Suspended"),
    ("BucketServerSideEncryptionConfiguration", "storage-documents", "", GONE),
    ("BucketPolicy", "storage-documents", "policy.Statement[0].Effect", "Allow"),
    ("BucketPolicy", "storage-documents", "policy.Statement[1]", ANYBODY_READS),
    ("Bucket", "storage-documents", "forceDestroy", True),
    ("Bucket", "storage-documents", "(protect)", False),
    ("Repository", "registry-api", "imageTagMutability", "MUTABLE"),
    ("Repository", "registry-api", "imageScanningConfiguration.scanOnPush", False),
    ("Repository", "registry-api", "encryptionConfigurations", GONE),
    # Identities, logs, the stack.
    ("RolePolicy", "identity-api-grants", "policy.Statement[0]", ADMIN),
    (
        "RolePolicy",
        "identity-api-grants",
        "policy.Statement[0]",
        {"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*"},
    ),
    (
        "RolePolicyAttachment",
        "cluster-node-AmazonEKSWorkerNodePolicy",
        "policyArn",
        "arn:aws:iam::aws:policy/AdministratorAccess",
    ),
    ("Role", "delivery-deploy", "assumeRolePolicy.Statement[0].Condition", {}),
    ("Role", "cluster-node", "assumeRolePolicy.Statement[0].Principal", {"AWS": "*"}),
    ("LogGroup", "network-flow", "retentionInDays", GONE),
    ("LogGroup", "network-flow", "kmsKeyId", GONE),
    ("aws", "aws", "region", "us-west-1"),
    ("aws", "aws", "allowedAccountIds", GONE),
    ("aws", "aws", "defaultTags", GONE),
    ("Budget", "observability-budget", "limitAmount", "1000000"),
    # The cluster from the inside.
    ("Namespace", "ai-prism", "metadata.labels", {"istio-injection": "enabled"}),
    ("Namespace", "monitoring", 'metadata.labels["pod-security.kubernetes.io/enforce"]', "privileged"),
    ("NetworkPolicy", "ai-prism-default-deny", "", GONE),
    ("NetworkPolicy", "monitoring-default-deny", "spec.policyTypes", ["Ingress"]),
    ("Release", "argo-cd", "chart", "oci://registry.example.com/charts/argo-cd"),
    ("Release", "flagger", "repositoryOpts.repo", "https://charts.example.com"),
    ("Release", "jaeger", "namespace", "default"),
    (
        "ClusterSecretStore",
        "aws-secrets-manager",
        "spec.provider.aws.auth",
        {"secretRef": {"accessKeyIDSecretRef": {}}},
    ),
    ("AppProject", "ai-prism", "spec.sourceRepos", ["*"]),
    ("AppProject", "ai-prism", "spec.destinations[0].namespace", "*"),
    ("Application", "ai-prism", "spec.project", "default"),
    ("Application", "ai-prism", "spec.source.targetRevision", "main"),
    ("Job", "search-access", "spec.template.spec.containers[0].securityContext.privileged", True),
    ("Job", "search-access", "spec.template.spec.containers[0].securityContext.runAsUser", 0),
    ("Job", "search-access", "spec.template.spec.containers[0].image", "docker.io/curlimages/curl:latest"),
    ("Job", "search-access", "spec.template.spec.hostNetwork", True),
    ("Job", "search-access", "spec.template.spec.volumes", [{"name": "root", "hostPath": {"path": "/"}}]),
    ("Secret", "secrets-database", "kmsKeyId", GONE),
    ("Secret", "secrets-api-keys", "recoveryWindowInDays", 0),
]

HARMLESS: dict[str, str] = {
    "BucketOwnershipControls storage-access-logs is taken out": "new buckets have no ACLs by default, since April 2023",
    "BucketOwnershipControls storage-documents is taken out": "the same",
    "BucketServerSideEncryptionConfiguration storage-access-logs is taken out": "log delivery wants the default keys",
    # What ours has to deny, tests/components/test_roles.py walks.
    "Policy roles-boundary policy.Statement[13] allows everybody everything": "a boundary often denies parts of all",
    "AppProject ai-prism spec.destinations[0] is taken out": "a project without a destination delivers nothing",
    "Job database-access spec.template.spec.automountServiceAccountToken is turned": "its account may do nothing here",
    "Job database-access spec.template.spec.securityContext.runAsNonRoot is turned": "its containers name their users",
    "Job search-access spec.template.spec.automountServiceAccountToken is turned": "its account may do nothing here",
    "LoadBalancer entrance internal is turned": "what is internal is reached by fewer",
    "OpenIdConnectProvider delivery-github clientIdLists is taken out": "the provider requires it",
    'ReplicationGroup cache engineVersion = "4.0.10"': "Valkey began with 7.2: AWS refuses it",
}
"""Generated changes that change nothing for the worse, by what is shown of them, and why."""

PARTS = 8


@functools.cache
def platform() -> Stack:
    return view(recorded("prod", known=True))


def findings(stack: Stack) -> set[tuple[str, str, str, str]]:
    report = run(stack, Settings(environment="prod", today=TODAY, config=own_configuration()))
    assert [each.message for each in report.findings if each.result is Result.CRASHED] == []
    return {(each.rule.id, each.resource.urn, each.path, each.message) for each in report.findings}


@functools.cache
def before() -> set[tuple[str, str, str, str]]:
    return findings(platform())


def survivors(mutations: Sequence[Mutation]) -> list[str]:
    return [str(each) for each in mutations if not findings(each.applied(platform())) - before()]


def leaves(value: object) -> int:
    match value:
        case dict():
            return sum(map(leaves, value.values()))
        case list():
            return sum(map(leaves, value))
        case _:
            return 1


def bad_values() -> dict[tuple[str, str], list[object]]:
    """Return what fixtures call a violation where one resource has nothing else wrong, by type and path."""
    found: dict[tuple[str, str], list[object]] = {}
    for case in cases("violating"):
        (resource, *others) = case.stack.resources
        inputs = resource.inputs.value
        if others or leaves(inputs) != 1 or case.body.get("config") or case.settings.environment != "prod":
            continue
        blamed = {finding.path for finding in case.report().findings}
        for path in blamed & set(case.rule.paths):
            value = resource.peek(path)
            # A document is spoilt where it stands, and not replaced by another's.
            if isinstance(value, str | int | float) and not isinstance(value, bool) and "{" not in str(value):
                known = found.setdefault((resource.type, path), [])
                known += [] if value in known else [value]
    return found


@functools.cache
def all_generated() -> list[Mutation]:
    return list(generated(platform(), bad_values()))


@pytest.mark.parametrize("part", range(PARTS))
def test_no_change_written_by_hand_goes_unnoticed(part: int) -> None:
    assert survivors(list(by_hand(platform(), BY_HAND))[part::PARTS]) == []


@pytest.mark.parametrize("part", sample(range(PARTS), 0))
def test_every_generated_change_is_noticed_or_harmless(part: int) -> None:
    assert sorted(set(survivors(all_generated()[part::PARTS])) - HARMLESS.keys()) == []


def test_there_are_enough_changes_and_few_of_them_are_called_harmless() -> None:
    number = len(all_generated())
    assert number >= 150
    assert len(HARMLESS) < 0.05 * number
    assert HARMLESS.keys() <= {str(each) for each in all_generated()}
    assert len(BY_HAND) >= 50


def test_nothing_is_noticed_where_nothing_changed() -> None:
    (same,) = by_hand(platform(), [("Key", "encryption-data", "enableKeyRotation", True)])
    assert findings(same.applied(platform())) == before()
