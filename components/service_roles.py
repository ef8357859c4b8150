"""Service-linked roles: what lets an AWS service act in the account, of which an account has one each."""

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

The others are made for whoever asks, who needs `iam:CreateServiceLinkedRole`, or by a service for the next:

- EKS makes its own with the cluster, and with the first node group
  (https://docs.aws.amazon.com/eks/latest/userguide/using-service-linked-roles-eks.html and -eks-nodegroups.html).
- The node groups' role may have Auto Scaling's made
  (https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSServiceRoleForAmazonEKSNodegroup.html), and that
  one Spot's (…/AutoScalingServiceRolePolicy.html): EC2 Spot makes none for calls of its API.
- The cluster's role may have that of Elastic Load Balancing made (…/AmazonEKSClusterPolicy.html).
- AWS WAF makes its own when logging is configured
  (https://docs.aws.amazon.com/waf/latest/developerguide/using-service-linked-roles.html).
"""


def make_service_role(
    name: str, service: str, *, parent: pulumi.Resource, owned: bool
) -> list[aws.iam.ServiceLinkedRole]:
    """Make the role of a service where the stack is the one of its account that owns it; return it, or nothing.

    AWS refuses to make a second one, and to delete one that is in use: of several stacks, the owner goes last.
    """
    if not owned:
        return []
    role = aws.iam.ServiceLinkedRole(
        f"{name}-service", aws_service_name=SERVICES[service], opts=pulumi.ResourceOptions(parent=parent)
    )
    return [role]
