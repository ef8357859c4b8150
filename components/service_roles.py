"""Service-linked roles: what lets an AWS service act in the account, of which an account has one each."""

from collections.abc import Collection

import pulumi
import pulumi_aws as aws

SERVICES = {
    "elasticache": "elasticache.amazonaws.com",
    "opensearch": "opensearchservice.amazonaws.com",
    "rds": "rds.amazonaws.com",
}
"""Those that must be there before a resource asks for them, by the service's name in the settings.

- RDS and ElastiCache make theirs at the first request and refuse that request, so that the first update of a fresh
  account would stop (https://github.com/terraform-aws-modules/terraform-aws-rds/issues/364, and
  `ServiceLinkedRoleNotFoundFault` in ElastiCache's API).
- OpenSearch makes none for a domain in a VPC
  (https://docs.aws.amazon.com/opensearch-service/latest/developerguide/slr-aos.html).

EKS, its node groups, Auto Scaling, Spot and Elastic Load Balancing make theirs while they work on a first request, and
AWS WAF when it is told to log; whoever asks needs `iam:CreateServiceLinkedRole`.
"""


def make_service_role(
    name: str, service: str, *, parent: pulumi.Resource, owned: Collection[str]
) -> list[aws.iam.ServiceLinkedRole]:
    """Make the role of a service where the stack is the one of its account that does so.

    AWS refuses to make a second one, and to delete one that is in use: of several stacks, the owner goes last.
    """
    if service not in owned:
        return []
    role = aws.iam.ServiceLinkedRole(
        f"{name}-service", aws_service_name=SERVICES[service], opts=pulumi.ResourceOptions(parent=parent)
    )
    return [role]
