"""The table of replacements, held against a second source: what CloudFormation cannot change once it is made.

`createOnlyProperties` of the schemas that cfn-lint ships, for each property that the program gives.
"""

from collections.abc import Iterator

import pytest
from support import STACKS, recorded

from fakes.aws.replacement_types import TYPES
from fakes.aws.schemas import convert, schema
from fakes.aws.schemas_mapping import COUNTERPARTS, EVERYWHERE

_LATER = "AWS changes it, by a call that the provider makes and CloudFormation does not: "
_ATTACHED = "the provider's resource is one entry of what CloudFormation has as a list, and has no call that changes it"
_RULE = f"{_LATER}ModifySecurityGroupRules; what kind of peer it is replaces, see replacement_rules.py"
_ENGINE = "changing the engine makes another database; CloudFormation leaves the refusal to RDS"

REPLACES_IN_CLOUDFORMATION_ALONE = {
    ("aws:budgets/budget:Budget", "notifications"): f"{_LATER}CreateNotification and DeleteNotification",
    ("aws:ec2/routeTableAssociation:RouteTableAssociation", "routeTableId"): f"{_LATER}ReplaceRouteTableAssociation",
    ("aws:eks/cluster:Cluster", "encryptionConfig"): f"{_LATER}AssociateEncryptionConfig; taking it away replaces",
    **{
        (f"aws:vpc/securityGroup{way}Rule:SecurityGroup{way}Rule", name): _RULE
        for way in ("Egress", "Ingress")
        for name in ("fromPort", "toPort", "ipProtocol", "referencedSecurityGroupId")
    },
    ("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "cidrIpv4"): _RULE,
}
REPLACES_IN_THE_PROVIDER_ALONE = {
    ("aws:acm/certificate:Certificate", "validationMethod"): "no call changes how a certificate was validated",
    ("aws:ec2/eip:Eip", "domain"): "is `vpc` for every address there is today",
    ("aws:ecr/lifecyclePolicy:LifecyclePolicy", "policy"): "is written as a whole: the provider has no update for it",
    ("aws:eks/accessPolicyAssociation:AccessPolicyAssociation", "accessScope"): _ATTACHED,
    ("aws:eks/accessPolicyAssociation:AccessPolicyAssociation", "policyArn"): _ATTACHED,
    (
        "aws:eks/nodeGroup:NodeGroup",
        "launchTemplate",
    ): "CloudFormation means the whole, of which another version is an update",
    (
        "aws:elasticache/userGroup:UserGroup",
        "engine",
    ): "ForceNew in the provider, although ModifyUserGroup takes it",
    ("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "policyArn"): _ATTACHED,
    ("aws:lb/loadBalancer:LoadBalancer", "internal"): "is CloudFormation's `Scheme`, which replaces there too",
    ("aws:opensearch/domain:Domain", "encryptAtRest"): "CloudFormation has the key among what replaces on a condition",
    ("aws:rds/cluster:Cluster", "engine"): _ENGINE,
    ("aws:rds/cluster:Cluster", "masterUsername"): "no call changes it; CloudFormation leaves the refusal to RDS",
    ("aws:rds/clusterInstance:ClusterInstance", "engine"): _ENGINE,
    ("aws:route53/record:Record", "name"): "CloudFormation creates the new record and deletes the old one by itself",
    ("aws:sns/topicPolicy:TopicPolicy", "arn"): "CloudFormation's policy is for several topics",
    ("aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration", "logDestinationConfigs"): (
        "the provider replaces what CloudFormation writes again (PutLoggingConfiguration)"
    ),
}


@pytest.fixture(scope="module")
def differences() -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """What replaces there alone, and here alone."""
    found = [(given, _once_there(*given, value), _once_here(*given)) for given, value in _given()]
    return {given for given, there, here in found if there > here}, {
        given for given, there, here in found if there < here
    }


def _given() -> Iterator[tuple[tuple[str, str], object]]:
    """Yield each property that the program gives in some stack, and a value of it."""
    resources = [each for stack in STACKS for each in recorded(stack, known=True).resources]
    values = {
        (each.type, name): value for each in resources for name, value in each.inputs.items() if value is not None
    }
    return (
        (given, value) for given, value in values.items() if given[0] in COUNTERPARTS and given[1] not in EVERYWHERE
    )


def _once_there(type_: str, name: str, value: object) -> bool:
    once = schema(COUNTERPARTS[type_].type).get("createOnlyProperties", ())
    fixed = [tuple(path.removeprefix("/properties/").split("/")) for path in once]
    return any(place[: len(path)] == path for place in convert(type_, {name: value}).places for path in fixed)


def _once_here(type_: str, name: str) -> bool:
    return any(path.split(".")[0] == name for path in TYPES[type_].replaces)


def test_what_cloudformation_alone_replaces_has_a_reason(differences):
    assert differences[0] == REPLACES_IN_CLOUDFORMATION_ALONE.keys()


def test_what_the_provider_alone_replaces_has_a_reason(differences):
    assert differences[1] == REPLACES_IN_THE_PROVIDER_ALONE.keys()
