"""Security groups that answer one question: who may connect to this."""

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws


def make_access_group(
    name: str,
    *,
    parent: pulumi.Resource,
    what: str,
    port: int,
    vpc_id: pulumi.Input[str],
    clients: Mapping[str, pulumi.Input[str]],
) -> aws.ec2.SecurityGroup:
    """Return a group that lets the clients' groups, and no address, connect to `port`; nothing may leave through it.

    `clients` maps the name that explains a client to its security group.
    """
    child = pulumi.ResourceOptions(parent=parent)
    group = aws.ec2.SecurityGroup(f"{name}-access", vpc_id=vpc_id, description=f"Who may reach the {what}", opts=child)
    for client, client_group_id in clients.items():
        admit(
            f"{name}-from-{client}",
            parent=parent,
            group_id=group.id,
            client_group_id=client_group_id,
            port=port,
            description=f"To the {what} from {client}",
        )
    return group


def admit(
    name: str,
    *,
    parent: pulumi.Resource,
    group_id: pulumi.Input[str],
    client_group_id: pulumi.Input[str],
    port: int,
    description: str,
) -> None:
    """Let one group connect to another on one TCP port."""
    aws.vpc.SecurityGroupIngressRule(
        name,
        security_group_id=group_id,
        referenced_security_group_id=client_group_id,
        ip_protocol="tcp",
        from_port=port,
        to_port=port,
        description=description,
        opts=pulumi.ResourceOptions(parent=parent),
    )
