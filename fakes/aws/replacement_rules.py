"""When a change counts, and the conditions under which it replaces a resource.

A rule repeats CustomizeDiff or ModifyPlan of the schema that replacement_types.py names in its row
(hashicorp/terraform-provider-aws); it is given the old and the new properties and yields what replaces.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from recording.graph import UNKNOWN

Properties = Mapping[str, Any]

SETS = frozenset({"availabilityZones", "cidrs", "logDestinationConfigs", "namespaces", "privateDnsSpecifiedDomains",
                  "securityGroupNames", "snapshotArns", "sourceSecurityGroupIds", "subjectAlternativeNames",
                  "subnetIds", "validationRecordFqdns"})  # fmt: skip
"""Replacing properties whose order is no change: the schema's TypeSet."""


def at(properties: Any, path: str, default: Any = None) -> Any:
    """Return the value at a path, a list's as the list of its elements' values; None where there is none."""
    if properties is UNKNOWN:
        return UNKNOWN
    if isinstance(properties, list):
        found = [at(element, path) for element in properties]
        return found if any(element is not None for element in found) else default
    if not isinstance(properties, Mapping):
        return default
    key, _, rest = path.partition(".")
    value = properties.get(key)
    if rest:
        return at(value, rest, default)
    if value is None:
        return default
    return sorted(value, key=repr) if key in SETS and isinstance(value, list) else value


def differ(old: Any, new: Any) -> bool:
    """Tell whether a value changes; one that is not known yet counts as changed."""
    return old != new or unknown(new)


def changed(path: str, old: Properties, new: Properties) -> bool:
    """Tell whether the value at a path changes."""
    return differ(at(old, path), at(new, path))


def given(path: str, old: Properties, new: Properties) -> bool:
    """Tell whether the program gives a property another value; leaving it out changes nothing where it is computed."""
    return at(new, path) is not None and changed(path, old, new)


def unknown(value: Any) -> bool:
    """Tell whether a value is not known yet, or holds one that is not."""
    match value:
        case Mapping():
            return any(unknown(item) for item in value.values())
        case list():
            return any(unknown(item) for item in value)
        case _:
            return value is UNKNOWN


def vpc_tenancy(old: Properties, new: Properties) -> Iterable[str]:
    """Replace on any change of tenancy but from dedicated to default."""
    before, after = old.get("instanceTenancy", "default"), new.get("instanceTenancy", "default")
    if differ(before, after) and (before, after) != ("dedicated", "default"):
        yield "instanceTenancy"


def subnet_ipv6(old: Properties, new: Properties) -> Iterable[str]:
    """Replace on a new IPv6 block where the subnet hands out its addresses."""
    if given("ipv6CidrBlock", old, new) and old.get("assignIpv6AddressOnCreation"):
        yield "ipv6CidrBlock"


def endpoint_dns(old: Properties, new: Properties) -> Iterable[str]:
    """Replace on a change of private DNS, which only interface endpoints can change."""
    if given("privateDnsEnabled", old, new) and new.get("vpcEndpointType") != "Interface":
        yield "privateDnsEnabled"


def rule_source(old: Properties, new: Properties) -> Iterable[str]:
    """When you modify a rule, you cannot change the rule's source type."""
    kinds = ("cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId")
    before, after = ({kind for kind in kinds if properties.get(kind) is not None} for properties in (old, new))
    return before ^ after


def cluster_encryption(old: Properties, new: Properties) -> Iterable[str]:
    """You cannot disable envelope encryption after enabling it; a new key is an update."""
    if old.get("encryptionConfig") and not new.get("encryptionConfig"):
        yield "encryptionConfig"


def cluster_nodes(old: Properties, new: Properties) -> Iterable[str]:
    """Replace on another node role of EKS Auto Mode, once there is one."""
    path = "computeConfig.nodeRoleArn"
    if new.get("computeConfig") and at(old, path) and changed(path, old, new):
        yield path


def aurora_storage(old: Properties, new: Properties) -> Iterable[str]:
    """Replace on another storage type, except for Aurora."""
    if given("storageType", old, new) and not str(new.get("engine")).startswith("aurora"):
        yield "storageType"


def cache_engine(old: Properties, new: Properties) -> Iterable[str]:
    """Replace on any other engine, except from Redis to Valkey."""
    before, after = old.get("engine", "redis"), new.get("engine")
    if after is not None and differ(before, after) and (before, after) != ("redis", "valkey"):
        yield "engine"


def cache_version(old: Properties, new: Properties) -> Iterable[str]:
    """Replace by an older version only (engine_version.go)."""
    before, after = _version(old.get("engineVersion")), _version(new.get("engineVersion"))
    if before and after and after < before[: len(after)]:
        yield "engineVersion"


def cache_transit(old: Properties, new: Properties) -> Iterable[str]:
    """Before 7.0.5, encryption in transit can only be chosen when the group is made."""
    version = _version(old.get("engineVersionActual") or old.get("engineVersion"))
    if given("transitEncryptionEnabled", old, new) and version and version < (7, 0, 5)[: len(version)]:
        yield "transitEncryptionEnabled"


def cache_node_groups(old: Properties, new: Properties) -> Iterable[str]:
    """Replace where node groups are configured that were not, or no longer."""
    if bool(old.get("nodeGroupConfigurations")) != bool(new.get("nodeGroupConfigurations")):
        yield "nodeGroupConfigurations"


def search_security(old: Properties, new: Properties) -> Iterable[str]:
    """What protects a domain can be switched on, never off; before OpenSearch, encryption not on either."""
    for path in ("encryptAtRest.enabled", "nodeToNodeEncryption.enabled", "advancedSecurityOptions.enabled"):
        if at(old, path) and at(new, path) not in (None, True):
            yield path


def search_version(old: Properties, new: Properties) -> Iterable[str]:
    """Replace by what AWS does not offer as an upgrade (GetCompatibleVersions): here, by an older version only."""
    before, after = (_version(str(each.get("engineVersion")).partition("_")[2]) for each in (old, new))
    if before and after and after < before:
        yield "engineVersion"


def search_vpc(old: Properties, new: Properties) -> Iterable[str]:
    """A domain is in a VPC for good, or never: the block is ForceNew, what is in it is not."""
    if bool(old.get("vpcOptions")) != bool(new.get("vpcOptions")):
        yield "vpcOptions"


def search_addresses(old: Properties, new: Properties) -> Iterable[str]:
    """Replace where a dual-stack domain gives up IPv6."""
    if old.get("ipAddressType") == "dualstack" and given("ipAddressType", old, new):
        yield "ipAddressType"


def _version(text: Any) -> tuple[int, ...]:
    """Return the numbers of a version, up to the first part that is none, as in `6.x`."""
    numbers: list[int] = []
    for part in str(text or "").split("."):
        if not part.isdigit():
            break
        numbers.append(int(part))
    return tuple(numbers)


def network_balancer(old: Properties, new: Properties) -> Iterable[str]:
    """A network load balancer only gains subnets, and has security groups from the start or never."""
    if new.get("loadBalancerType") != "network":
        return
    subnets, groups = (
        [properties.get(key) or [] for properties in (old, new)] for key in ("subnets", "securityGroups")
    )
    if subnets[1] and given("subnets", old, new) and len(subnets[1]) <= len(subnets[0]):
        yield "subnets"
    if bool(groups[0]) != bool(groups[1]):
        yield "securityGroups"


def application_balancer(old: Properties, new: Properties) -> Iterable[str]:
    """Subnet mappings come and go; one that stays must not change."""
    before, after = old.get("subnetMappings") or [], new.get("subnetMappings") or []
    if new.get("loadBalancerType", "application") == "application" and after and before != after:
        shared = sum(mapping in before for mapping in after)
        if len(before) == len(after) or shared != min(len(before), len(after)):
            yield "subnetMappings"


def target_version(old: Properties, new: Properties) -> Iterable[str]:
    """Replace on another protocol version of HTTP or HTTPS."""
    if given("protocolVersion", old, new) and new.get("protocol") in {"HTTP", "HTTPS"}:
        yield "protocolVersion"
