"""The load balancer: what the world reaches, what it reaches itself, and when a gateway's pod takes traffic."""

import functools

import pulumi
import pytest
from alone import build

from components.load_balancer import LoadBalancer, LoadBalancerArgs
from recording.graph import Graph, Resource
from settings import network as settings

BALANCER, TARGETS, LISTENER = (
    "aws:lb/loadBalancer:LoadBalancer",
    "aws:lb/targetGroup:TargetGroup",
    "aws:lb/listener:Listener",
)
GROUP = "aws:ec2/securityGroup:SecurityGroup"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
RECORD = "aws:route53/record:Record"
CERTIFICATE, VALID = "aws:acm/certificate:Certificate", "aws:acm/certificateValidation:CertificateValidation"


@functools.cache
def load_balancer(*, protect: bool = True) -> Graph:
    args = LoadBalancerArgs(
        settings=settings.Dns(zone="example.org", api_host="prism.example.org"),
        vpc_id="vpc-1",
        subnet_ids=["subnet-a", "subnet-b"],
        node_security_group_id="sg-nodes",
        logs_bucket="logs-1",
        protect=protect,
    )

    def make(opts: pulumi.ResourceOptions) -> None:
        made = LoadBalancer("entrance", args, opts)
        pulumi.export("arn", made.arn)
        pulumi.export("dns_name", made.dns_name)
        pulumi.export("arn_suffix", made.arn_suffix)
        pulumi.export("target_group_arn", made.target_group_arn)
        pulumi.export("target_group_arn_suffix", made.target_group_arn_suffix)
        pulumi.export("certificate_arn", made.certificate_arn)
        pulumi.export("host", made.host)
        pulumi.export("url", made.url)

    return build(make)


def the(type_: str) -> Resource:
    (found,) = load_balancer().of_type(type_)
    return found


def listeners() -> dict[int, Resource]:
    return {listener["port"]: listener for listener in load_balancer().of_type(LISTENER)}


def test_the_world_reaches_it_on_the_two_ports_of_the_web() -> None:
    access = the(GROUP)
    assert access["vpcId"] == "vpc-1"
    rules = [rule for rule in load_balancer().of_type(INGRESS) if rule["securityGroupId"] == access.id]
    assert [(rule["cidrIpv4"], rule["ipProtocol"], rule["fromPort"], rule["toPort"]) for rule in rules] == [
        ("0.0.0.0/0", "tcp", 80, 80),
        ("0.0.0.0/0", "tcp", 443, 443),
    ]
    assert the(BALANCER)["securityGroups"] == [access.id]


def test_of_the_nodes_it_reaches_the_gateways_requests_and_health_and_nothing_else() -> None:
    """Istio's gateway tells of its readiness on 15021 (application-requirements); behind it, nodes run everything."""
    access = the(GROUP)
    out = load_balancer().of_type(EGRESS)
    assert [(rule["fromPort"], rule["toPort"], rule["ipProtocol"]) for rule in out] == [
        (8080, 8080, "tcp"),
        (15021, 15021, "tcp"),
    ]
    assert {rule["securityGroupId"] for rule in out} == {access.id}
    assert {rule["referencedSecurityGroupId"] for rule in out} == {"sg-nodes"}
    at_nodes = [rule for rule in load_balancer().of_type(INGRESS) if rule["securityGroupId"] == "sg-nodes"]
    assert [(rule["fromPort"], rule["toPort"], rule["ipProtocol"]) for rule in at_nodes] == [
        (8080, 8080, "tcp"),
        (15021, 15021, "tcp"),
    ]
    assert {rule["referencedSecurityGroupId"] for rule in at_nodes} == {access.id}


def test_it_is_an_application_load_balancer_in_the_public_subnets() -> None:
    assert the(BALANCER)["loadBalancerType"] == "application"
    assert the(BALANCER)["internal"] is False
    assert the(BALANCER)["subnets"] == ["subnet-a", "subnet-b"]


def test_a_request_that_two_servers_would_read_differently_does_not_reach_the_gateway() -> None:
    assert the(BALANCER)["dropInvalidHeaderFields"] is True
    assert the(BALANCER)["desyncMitigationMode"] == "defensive"


def test_every_request_is_logged_below_the_prefix_that_the_bucket_admits() -> None:
    assert the(BALANCER)["accessLogs"] == {"enabled": True, "bucket": "logs-1", "prefix": "load-balancer"}


@pytest.mark.parametrize("protect", [True, False])
def test_a_load_balancer_that_matters_is_deleted_by_nobody(protect: bool) -> None:
    (found,) = load_balancer(protect=protect).of_type(BALANCER)
    assert (found.protect, found["enableDeletionProtection"]) == (protect, protect)


def test_who_comes_without_tls_is_sent_to_the_same_address_with_it() -> None:
    plain = listeners()[80]
    assert plain["protocol"] == "HTTP"
    assert plain["loadBalancerArn"] == the(BALANCER).outputs["arn"]
    assert plain["defaultActions"] == [
        {"type": "redirect", "redirect": {"protocol": "HTTPS", "port": "443", "statusCode": "HTTP_301"}}
    ]


def test_clients_speak_tls_1_2_or_later_with_a_certificate_that_is_valid_by_then() -> None:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html."""
    secure = listeners()[443]
    assert secure["protocol"] == "HTTPS"
    assert secure["sslPolicy"] == "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"
    assert secure["loadBalancerArn"] == the(BALANCER).outputs["arn"]
    assert secure["certificateArn"] == the(VALID).outputs["certificateArn"]
    # An issued certificate: a listener refuses one that is still pending.
    assert the(VALID).urn in secure.dependencies
    assert secure["defaultActions"] == [{"type": "forward", "targetGroupArn": the(TARGETS).outputs["arn"]}]
    assert set(listeners()) == {80, 443}


def test_the_certificate_proves_itself_by_dns_and_is_renewed_without_anybody() -> None:
    certificate = the(CERTIFICATE)
    assert (certificate["domainName"], certificate["validationMethod"]) == ("prism.example.org", "DNS")
    proof = load_balancer().named(RECORD, "entrance-certificate-proof")
    option = certificate.outputs["domainValidationOptions"][0]
    assert (proof["name"], proof["type"]) == (option["resourceRecordName"], option["resourceRecordType"])
    assert proof["records"] == [option["resourceRecordValue"]]
    assert proof["zoneId"] == load_balancer().named(RECORD, "entrance-host")["zoneId"]
    assert proof["ttl"] == 300
    # A certificate that replaces another of the same host has the same record.
    assert proof["allowOverwrite"] is True
    assert the(VALID)["certificateArn"] == certificate.outputs["arn"]
    assert the(VALID)["validationRecordFqdns"] == [proof.outputs["fqdn"]]


def test_the_host_leads_to_the_load_balancer() -> None:
    record = load_balancer().named(RECORD, "entrance-host")
    balancer = the(BALANCER).outputs
    assert (record["name"], record["type"]) == ("prism.example.org", "A")
    assert record["aliases"] == [
        {"name": balancer["dnsName"], "zoneId": balancer["zoneId"], "evaluateTargetHealth": True}
    ]
    assert load_balancer().outputs["host"] == "prism.example.org"
    assert load_balancer().outputs["url"] == "https://prism.example.org"


def test_pods_are_targets_by_their_own_addresses_on_the_gateways_port() -> None:
    """TargetGroupBinding registers addresses of pods; HTTP, since the mesh encrypts from the gateway on."""
    targets = the(TARGETS)
    assert targets["vpcId"] == "vpc-1"
    assert (targets["targetType"], targets["port"], targets["protocol"]) == ("ip", 8080, "HTTP")


def test_a_gateways_pod_takes_traffic_once_it_says_twice_that_it_is_ready() -> None:
    """Any other path or code would keep every pod out, and each request would end in 503.

    The path: https://istio.io/latest/docs/ops/deployment/application-requirements/.
    """
    check = the(TARGETS)["healthCheck"]
    assert (check["protocol"], check["port"], check["path"], check["matcher"]) == (
        "HTTP",
        "15021",
        "/healthz/ready",
        "200",
    )
    # A roll-out waits for this long at each pod.
    assert check["interval"] * check["healthyThreshold"] == 20
    assert check["healthyThreshold"] == 2


def test_a_pod_that_goes_has_half_a_minute_for_the_requests_that_it_has() -> None:
    assert the(TARGETS)["deregistrationDelay"] == 30


def test_what_others_rely_on_is_of_the_resources_themselves() -> None:
    told, balancer, targets = load_balancer().outputs, the(BALANCER).outputs, the(TARGETS).outputs
    assert (told["arn"], told["dns_name"]) == (balancer["arn"], balancer["dnsName"])
    assert (told["arn_suffix"], told["target_group_arn_suffix"]) == (balancer["arnSuffix"], targets["arnSuffix"])
    assert told["target_group_arn"] == targets["arn"]
    assert told["certificate_arn"] == the(VALID).outputs["certificateArn"]
