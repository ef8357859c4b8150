"""The public load balancer with its certificate and DNS name: owned here, so that no controller can delete them."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.access_group import admit
from components.storage import LOAD_BALANCER_PREFIX
from settings import network as settings

TARGET_PORT = 8080
"""Where the mesh's gateway pods listen."""
HEALTH_PORT = 15021
"""Where they report readiness (https://istio.io/latest/docs/ops/deployment/application-requirements/)."""
TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"
"""TLS 1.2 and 1.3 with restricted ciphers and hybrid key exchange: the console's default; the API's still has TLS 1.0.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html
"""


@dataclass(frozen=True, kw_only=True)
class LoadBalancerArgs:
    """Arguments of LoadBalancer."""

    settings: settings.Dns
    vpc_id: pulumi.Input[str]
    subnet_ids: Sequence[pulumi.Input[str]]
    """Public subnets, in at least two zones."""
    node_security_group_id: pulumi.Input[str]
    """Security group of the nodes, the only targets."""
    logs_bucket: pulumi.Input[str]
    """Name of the bucket for access logs, known once its policy admits them."""
    protect: bool
    """Deletion protection in AWS, and `protect` in Pulumi."""


class LoadBalancer(pulumi.ComponentResource):
    """An internet-facing load balancer: TLS 1.2 and up, and of the nodes it reaches the gateway's ports alone."""

    arn: pulumi.Output[str]
    dns_name: pulumi.Output[str]
    arn_suffix: pulumi.Output[str]
    """How CloudWatch names it."""
    target_group_arn: pulumi.Output[str]
    """Pods join by TargetGroupBinding."""
    target_group_arn_suffix: pulumi.Output[str]
    certificate_arn: pulumi.Output[str]
    host: str
    url: str

    def __init__(self, name: str, args: LoadBalancerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:aws:LoadBalancer", name, None, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)

        zone_id = aws.route53.get_zone_output(
            name=args.settings.zone, private_zone=False, opts=pulumi.InvokeOutputOptions(parent=self)
        ).zone_id
        balancer = self._make_balancer(self._make_security_group())
        targets = self._make_target_group()
        certificate = self._make_certificate(zone_id)
        self._make_listeners(balancer, targets, certificate)
        self._make_dns_record(zone_id, balancer)

        self.arn = balancer.arn
        self.dns_name = balancer.dns_name
        self.arn_suffix = balancer.arn_suffix
        self.target_group_arn = targets.arn
        self.target_group_arn_suffix = targets.arn_suffix
        self.certificate_arn = certificate.certificate_arn
        self.host = args.settings.api_host
        self.url = f"https://{self.host}"
        self.register_outputs({"dns_name": self.dns_name, "url": self.url})

    def _make_security_group(self) -> aws.ec2.SecurityGroup:
        nodes = self._args.node_security_group_id
        group = aws.ec2.SecurityGroup(
            f"{self._name}-access",
            vpc_id=self._args.vpc_id,
            description="The world to the load balancer, the load balancer to the gateway",
            opts=self._child,
        )
        for port, protocol in ((80, "http"), (443, "https")):
            aws.vpc.SecurityGroupIngressRule(
                f"{self._name}-{protocol}-from-world",
                security_group_id=group.id,
                cidr_ipv4="0.0.0.0/0",
                ip_protocol="tcp",
                from_port=port,
                to_port=port,
                description=f"{protocol.upper()} from the world",
                opts=self._child,
            )
        for port, what in ((TARGET_PORT, "requests"), (HEALTH_PORT, "health")):
            aws.vpc.SecurityGroupEgressRule(
                f"{self._name}-{what}-to-nodes",
                security_group_id=group.id,
                referenced_security_group_id=nodes,
                ip_protocol="tcp",
                from_port=port,
                to_port=port,
                description=f"To the gateway: {what}",
                opts=self._child,
            )
            admit(
                f"{self._name}-{what}-at-nodes",
                parent=self,
                group_id=nodes,
                client_group_id=group.id,
                port=port,
                description=f"From the load balancer: {what}",
            )
        return group

    def _make_balancer(self, access: aws.ec2.SecurityGroup) -> aws.lb.LoadBalancer:
        return aws.lb.LoadBalancer(
            self._name,
            load_balancer_type="application",
            internal=False,
            subnets=self._args.subnet_ids,
            security_groups=[access.id],
            drop_invalid_header_fields=True,
            desync_mitigation_mode="defensive",
            enable_deletion_protection=self._args.protect,
            access_logs={
                "enabled": True,
                "bucket": self._args.logs_bucket,
                "prefix": LOAD_BALANCER_PREFIX,
            },
            opts=pulumi.ResourceOptions(parent=self, protect=self._args.protect),
        )

    def _make_target_group(self) -> aws.lb.TargetGroup:
        return aws.lb.TargetGroup(
            f"{self._name}-gateway",
            vpc_id=self._args.vpc_id,
            target_type="ip",
            port=TARGET_PORT,
            protocol="HTTP",
            deregistration_delay=30,
            health_check={
                "path": "/healthz/ready",
                "port": str(HEALTH_PORT),
                "protocol": "HTTP",
                "matcher": "200",
                # A gateway's pod that is new takes traffic after this long, and a roll-out waits for it.
                "interval": 10,
                "healthy_threshold": 2,
            },
            opts=self._child,
        )

    def _make_certificate(self, zone_id: pulumi.Input[str]) -> aws.acm.CertificateValidation:
        certificate = aws.acm.Certificate(
            f"{self._name}-certificate",
            domain_name=self._args.settings.api_host,
            validation_method="DNS",
            opts=self._child,
        )
        proof = certificate.domain_validation_options[0]
        record = aws.route53.Record(
            f"{self._name}-certificate-proof",
            zone_id=zone_id,
            name=proof.resource_record_name,
            type=proof.resource_record_type,
            records=[proof.resource_record_value],
            ttl=300,
            # A certificate that replaces another for the same host proves itself by the same record.
            allow_overwrite=True,
            opts=self._child,
        )
        return aws.acm.CertificateValidation(
            f"{self._name}-certificate-valid",
            certificate_arn=certificate.arn,
            validation_record_fqdns=[record.fqdn],
            opts=self._child,
        )

    def _make_listeners(
        self, balancer: aws.lb.LoadBalancer, targets: aws.lb.TargetGroup, certificate: aws.acm.CertificateValidation
    ) -> None:
        aws.lb.Listener(
            f"{self._name}-http",
            load_balancer_arn=balancer.arn,
            port=80,
            protocol="HTTP",
            default_actions=[
                {"type": "redirect", "redirect": {"protocol": "HTTPS", "port": "443", "status_code": "HTTP_301"}}
            ],
            opts=self._child,
        )
        aws.lb.Listener(
            f"{self._name}-https",
            load_balancer_arn=balancer.arn,
            port=443,
            protocol="HTTPS",
            ssl_policy=TLS_POLICY,
            certificate_arn=certificate.certificate_arn,
            default_actions=[{"type": "forward", "target_group_arn": targets.arn}],
            opts=self._child,
        )

    def _make_dns_record(self, zone_id: pulumi.Input[str], balancer: aws.lb.LoadBalancer) -> None:
        aws.route53.Record(
            f"{self._name}-host",
            zone_id=zone_id,
            name=self._args.settings.api_host,
            type="A",
            aliases=[
                {"name": balancer.dns_name, "zone_id": balancer.zone_id, "evaluate_target_health": True},
            ],
            opts=self._child,
        )
