"""What AWS lets exist but once: besides names (physical_names.py), what two resources of a type must not agree in."""

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fakes.aws import physical_names
from fakes.aws.held import Held
from fakes.aws.link_words import Words

_GITHUB: Final = "https://github.com/"
_PROVIDER: Final = f"{_GITHUB}hashicorp/terraform-provider-aws"
_MOTO_EC2: Final = f"{_GITHUB}getmoto/moto/blob/5.2.5/moto/ec2/exceptions.py"


@dataclass(frozen=True)
class Unique:
    """No two resources of a type agree in all of `keys`, of which the first must be given."""

    keys: tuple[str, ...]
    said: Words
    """About the second: {user} is the first one's id, {value} the last key that the second gives, the rest its own."""
    unless: str = ""
    """The property with which the second one takes the first one's place."""


# AWS's own message spells out the whole rule, in a different way for each kind; moto's is the same for all.
_RULE: Final = Unique(
    (
        "securityGroupId",
        "ipProtocol",
        "fromPort",
        "toPort",
        "cidrIpv4",
        "cidrIpv6",
        "prefixListId",
        "referencedSecurityGroupId",
    ),
    Words("InvalidPermission.Duplicate: The specified rule already exists", _MOTO_EC2),
)

UNIQUE: Final[Mapping[str, Unique]] = {
    "aws:ec2/flowLog:FlowLog": Unique(
        ("vpcId", "trafficType", "logDestinationType", "logDestination"),
        Words(
            "FlowLogAlreadyExists: Error. There is an existing Flow Log with the same configuration and log "
            "destination.",
            _MOTO_EC2,
        ),
    ),
    "aws:ec2/internetGateway:InternetGateway": Unique(
        ("vpcId",),
        Words(
            "InvalidParameterValue: Network {vpcId} already has an internet gateway attached",
            f"{_GITHUB}binlab/terraform-aws-vault-ha-raft/issues/54",
        ),
    ),
    # AWS takes the call, and the gateway fails at once.
    "aws:ec2/natGateway:NatGateway": Unique(
        ("allocationId",),
        Words(
            "Resource.AlreadyAssociated: Elastic IP address [{allocationId}] is already associated",
            f"{_PROVIDER}/issues/709 {_GITHUB}kubernetes-sigs/cluster-api-provider-aws/issues/1418",
        ),
    ),
    "aws:ec2/route:Route": Unique(
        ("routeTableId", "destinationCidrBlock", "destinationIpv6CidrBlock", "destinationPrefixListId"),
        Words("RouteAlreadyExists: The route identified by {value} already exists.", f"{_PROVIDER}/issues/23866"),
    ),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": Unique(
        ("subnetId",),
        Words(
            "Resource.AlreadyAssociated: the specified association for route table {routeTableId} conflicts with an "
            "existing association",
            f"{_PROVIDER}/issues/38960",
        ),
    ),
    # AWS says the name that the service would get where this says the service's own.
    "aws:ec2/vpcEndpoint:VpcEndpoint": Unique(
        ("privateDnsEnabled", "vpcId", "serviceName"),
        Words(
            "InvalidParameter: private-dns-enabled cannot be set because there is already a conflicting DNS domain for "
            "{serviceName} in the VPC {vpcId}",
            f"{_PROVIDER}/issues/17535",
        ),
    ),
    "aws:ec2/vpnGateway:VpnGateway": Unique(
        ("vpcId",),
        Words(
            "InvalidVpcState: VPC {vpcId} is currently attached to the Virtual Private Gateway.",
            f"{_GITHUB}cloudposse/terraform-aws-vpn-connection/issues/22",
        ),
    ),
    "aws:eks/accessEntry:AccessEntry": Unique(
        ("clusterName", "principalArn"),
        Words(
            "ResourceInUseException: The specified access entry resource is already in use on this cluster.",
            f"{_GITHUB}terraform-aws-modules/terraform-aws-eks/issues/3293",
        ),
    ),
    "aws:eks/addon:Addon": Unique(
        ("clusterName", "addonName"),
        Words("ResourceInUseException: Addon already exists.", f"{_GITHUB}aws/eks-hybrid/pull/316"),
    ),
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": Unique(
        ("clusterName", "namespace", "serviceAccount"),
        Words("ResourceInUseException: Association already exists: {user}", f"{_GITHUB}aws/eks-hybrid/pull/679"),
    ),
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": Unique(
        ("url",),
        Words(
            "EntityAlreadyExists: Provider with url {url} already exists.",
            f"{_GITHUB}DrFaust92/terraform-kubernetes-ebs-csi-driver/issues/107",
        ),
    ),
    # AWS chooses the role's name by the service.
    "aws:iam/serviceLinkedRole:ServiceLinkedRole": Unique(
        ("awsServiceName", "customSuffix"),
        Words(
            "InvalidInput: Service role name {name} has been taken in this account, please try a different suffix.",
            f"{_GITHUB}cloudposse/terraform-aws-elasticsearch/issues/5",
        ),
    ),
    "aws:lb/listener:Listener": Unique(
        ("loadBalancerArn", "port"),
        Words(
            "DuplicateListener: A listener already exists on this port for this load balancer '{loadBalancerArn}'",
            f"{_GITHUB}hashicorp/terraform/issues/26407",
        ),
    ),
    # The provider asks to create it, and with `allowOverwrite` to create or replace it (UPSERT).
    "aws:route53/record:Record": Unique(
        ("zoneId", "fqdn", "type", "setIdentifier"),
        Words(
            "InvalidChangeBatch: [Tried to create resource record set [name='{fqdn}.', type='{type}'] but it already "
            "exists]",
            f"{_PROVIDER}/issues/6761 {_PROVIDER}/issues/7918",
        ),
        unless="allowOverwrite",
    ),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": _RULE,
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _RULE,
}
"""By resource type."""

SUBNET: Final = "aws:ec2/subnet:Subnet"
CONFLICT: Final = Words(
    "InvalidSubnet.Conflict: The CIDR '{cidr}' conflicts with another subnet",
    f"{_GITHUB}hashicorp/terraform/issues/33470",
)
OUTSIDE: Final = Words("InvalidSubnet.Range: The CIDR '{cidr}' is invalid.", _MOTO_EC2)


def refusal(new: Held, standing: Iterable[Held], account_id: str) -> str | None:
    """Return why AWS does not let `new` stand beside these, as its name or place is taken; None where it does."""
    others = list(standing)
    alike = [each for each in others if each.type == new.type]
    return _name_taken(new, alike, account_id) or _repeated(new, alike) or _misplaced(new, others)


def _name_taken(new: Held, alike: list[Held], account_id: str) -> str | None:
    named = physical_names.NAMES.get(new.type)
    if named is None or new.answer(named.key) is None:
        return None
    within = new.inputs.get(named.parent, "")
    for each in alike:
        if each.answer(named.key) == new.answer(named.key) and each.inputs.get(named.parent, "") == within:
            return physical_names.refusal(new.type, new.answer(named.key), within if named.parent else account_id)
    return None


def _repeated(new: Held, alike: list[Held]) -> str | None:
    """Tell of one that agrees in all that must differ, or has the same id, which two things never have."""
    rule = UNIQUE.get(new.type)
    if rule and new.inputs.get(rule.unless):
        return None
    for each in alike:
        if rule and new.answer(rule.keys[0]) and _values(each, rule) == _values(new, rule):
            given = [value for value in _values(new, rule) if value is not None]
            return rule.said(**{**new.outputs, **new.inputs, "user": each.id, "value": str(given[-1])})
        if each.id == new.id:
            return f"{new.type.rpartition(':')[2]} {new.id} already exists"
    return None


def _values(resource: Held, rule: Unique) -> list[Any]:
    return [resource.answer(key) for key in rule.keys]


def _misplaced(new: Held, others: list[Held]) -> str | None:
    """Tell of a subnet outside its VPC, or over another one."""
    range_ = _range(new)
    if new.type != SUBNET or range_ is None:
        return None
    for each in others:
        if each.type == "aws:ec2/vpc:Vpc" and each.id == new.inputs["vpcId"]:
            around = _range(each)
            if around and not range_.subnet_of(around):
                return OUTSIDE(cidr=str(range_))
    neighbours = [each for each in others if each.type == SUBNET and each.inputs["vpcId"] == new.inputs["vpcId"]]
    taken = any(other.overlaps(range_) for other in map(_range, neighbours) if other)
    return CONFLICT(cidr=str(range_)) if taken else None


def _range(resource: Held) -> ipaddress.IPv4Network | None:
    given = resource.inputs.get("cidrBlock")
    return ipaddress.IPv4Network(given, strict=False) if given else None
