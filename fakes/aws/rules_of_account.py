"""What AWS refuses because of the account: zones behind names, service-linked roles that it lacks, and who calls.

The account's facts: `zone_ids`, ids of zones by name as JSON, where they differ from those made up; `service_roles`,
the services whose role was there before any update; `caller`, the ARN of the principal who runs the update; `address`,
where that is outside of the VPC; `admitted`, whom somebody let into the cluster by hand; `principals`, ARNs of others
that no program of ours makes.
"""

import ipaddress
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from fakes.aws.account import Account
from fakes.aws.held import Held
from fakes.aws.link_words import Words
from recording import synthetic

_GITHUB: Final = "https://github.com/"
SERVICE_ROLE: Final = "aws:iam/serviceLinkedRole:ServiceLinkedRole"
PLANE: Final = "aws:eks/cluster:Cluster"
ENTRY: Final = "aws:eks/accessEntry:AccessEntry"

_WITHOUT_EKS = {"use1-az3", "usw1-az2", "cac1-az3"}
"""https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html#network-requirements-subnets"""

_NO_ZONE = Words(
    "UnsupportedAvailabilityZoneException: Cannot create cluster '{id}' because {zone}, the targeted availability zone,"
    " does not currently have sufficient capacity to support the cluster. Retry and choose from these availability"
    " zones: {zones}",
    f"{_GITHUB}eksctl-io/eksctl/issues/817",
)
_NO_CREDENTIALS = Words(
    "the server has asked for the client to provide credentials", f"{_GITHUB}pulumi/actions/issues/1295"
)
_NO_WAY = Words(
    'Get "https://{host}/openapi/v2?timeout=32s": dial tcp {host}:443: i/o timeout',
    f"{_GITHUB}pulumi/pulumi-eks/issues/1191",
)
_RDS = Words(
    "InvalidParameterValue: Missing necessary credentials. Please check"
    " http://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAM.ServiceLinkedRoles.html",
    f"{_GITHUB}terraform-aws-modules/terraform-aws-rds/issues/364",
)
_ELASTICACHE = Words(
    "ServiceLinkedRoleNotFoundFault: This action cannot be completed due to insufficient permissions. (Recommended"
    " action) Please create new role using IAM API CreateServiceLinkedRole.",
    f"{_GITHUB}aws-controllers-k8s/community/issues/367",
)
_OPENSEARCH = Words(
    "ValidationException: Before you can proceed, you must enable a service-linked role to give Amazon OpenSearch"
    " Service permissions to access your VPC.",
    f"{_GITHUB}aws/copilot-cli/issues/3006",
)

_ASKS: Mapping[str, tuple[str, Words]] = {
    "aws:elasticache/subnetGroup:SubnetGroup": ("elasticache.amazonaws.com", _ELASTICACHE),
    # botocore's model of ElastiCache has the fault among CreateUser's.
    "aws:elasticache/user:User": ("elasticache.amazonaws.com", _ELASTICACHE),
    "aws:opensearch/domain:Domain": ("opensearchservice.amazonaws.com", _OPENSEARCH),
    "aws:rds/subnetGroup:SubnetGroup": ("rds.amazonaws.com", _RDS),
}
"""By type: the service whose role must be there before the first is made."""

_TAKEN = Words(
    "InvalidInput: Service role name for {service} has been taken in this account, please try a different suffix.",
    f"{_GITHUB}cloudposse/terraform-aws-elasticsearch/issues/5",
)


def principals(account: Account) -> set[str]:
    """Return the ARNs of the principals that exist, whoever made them."""
    return {account.get("caller"), *account.get("principals").split()}


def zone_ids(account: Account, region: str) -> dict[str, str]:
    """Return the ids of the account's zones, by name."""
    return {**synthetic.zone_ids(region), **json.loads(account.get("zone_ids", "{}"))}


def refusal(held: Held, before: Held | None, standing: Iterable[Held], account: Account, region: str) -> str | None:
    """Return why AWS does not let a resource be made; what exists already may stay."""
    if before is not None:
        return None
    resources = list(standing)
    if held.type == PLANE:
        return _unfit_zone(held, resources, zone_ids(account, region))
    service, words = _ASKS.get(held.type, ("", None))
    if words and service not in _services(resources, account):
        return words()
    if held.type == SERVICE_ROLE:
        service = str(held.inputs.get("awsServiceName"))
        # Its own update's role is told by name, where names are compared.
        used = service in account.get("service_roles").split() or any(
            _ASKS.get(each.type, ("",))[0] == service for each in resources
        )
        return _TAKEN(service=service) if used else None
    return None


def _services(resources: Iterable[Held], account: Account) -> set[str]:
    made = {str(each.inputs["awsServiceName"]) for each in resources if each.type == SERVICE_ROLE}
    # Where a resource stands that needs it, the role is there, whoever made it.
    implied = {_ASKS[each.type][0] for each in resources if each.type in _ASKS}
    return {*account.get("service_roles").split(), *made, *implied}


def _unfit_zone(cluster: Held, resources: Iterable[Held], ids: Mapping[str, str]) -> str | None:
    wanted = set(cluster.inputs.get("vpcConfig", {}).get("subnetIds", ()))
    zones = {each.inputs.get("availabilityZone") for each in resources if each.id in wanted}
    unfit = sorted(zone for zone in zones if zone and ids.get(zone) in _WITHOUT_EKS)
    fit = ", ".join(zone for zone, id_ in ids.items() if id_ not in _WITHOUT_EKS)
    return _NO_ZONE(id=str(cluster.inputs.get("name")), zone=unfit[0], zones=fit) if unfit else None


def kubernetes_refusal(account: Account) -> str | None:
    """Return why the caller gets nothing from the cluster's API; None where it obeys, or there is no cluster yet.

    - From outside of the VPC only the public endpoint is reached, from the networks that it names
      (https://docs.aws.amazon.com/eks/latest/userguide/cluster-endpoint.html).
    - Whom no access entry names is answered 401. Whoever made the cluster is one of them only where EKS was told so
      (https://docs.aws.amazon.com/eks/latest/userguide/access-entries.html).
    """
    plane = next(iter(account.resources(PLANE)), None)
    if plane is None:
        return None
    address = account.get("address")
    if address and not _is_let_in(address, plane.inputs.get("vpcConfig", {})):
        return _NO_WAY(host=str(plane.outputs.get("endpoint", "")).removeprefix("https://"))
    creator = plane.inputs.get("accessConfig", {}).get("bootstrapClusterCreatorAdminPermissions", True)
    admitted = {account.get("admitted"), *(each.inputs.get("principalArn") for each in account.resources(ENTRY))}
    return None if creator or account.get("caller") in admitted else _NO_CREDENTIALS()


def _is_let_in(address: str, vpc: Mapping[str, Any]) -> bool:
    networks = vpc.get("publicAccessCidrs") or ["0.0.0.0/0"]
    from_there = any(ipaddress.ip_address(address) in ipaddress.ip_network(network) for network in networks)
    return bool(vpc.get("endpointPublicAccess", True)) and from_there


def answer(token: str, account: Account, region: str) -> Mapping[str, Any]:
    """Return what differs from the answers that are made up: the account's own zones."""
    if token == "aws:index/getAvailabilityZones:getAvailabilityZones":  # noqa: S105  # a function's token
        ids = zone_ids(account, region)
        return {"names": [*ids], "zoneIds": [*ids.values()]}
    return {}
