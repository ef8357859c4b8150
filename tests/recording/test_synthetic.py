"""Ids are those that the provider makes, so that what is one thing in AWS has one id."""

import pytest

from recording.synthetic import Made, answer


@pytest.mark.parametrize(
    ("type_", "inputs", "id_"),
    [
        # https://github.com/hashicorp/terraform-provider-aws: internal/service/eks/access_policy_association.go
        (
            "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
            {"clusterName": "main", "principalArn": "arn:role", "policyArn": "arn:policy"},
            "main#arn:role#arn:policy",
        ),
        # internal/service/iam/role_policy_attachment.go
        (
            "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
            {"role": "deploy", "policyArn": "arn:policy"},
            "deploy/arn:policy",
        ),
        # internal/service/wafv2/web_acl_association.go
        (
            "aws:wafv2/webAclAssociation:WebAclAssociation",
            {"webAclArn": "arn:acl", "resourceArn": "arn:balancer"},
            "arn:acl,arn:balancer",
        ),
        # internal/service/ec2/id.go: the CRC-32 of the destination
        (
            "aws:ec2/route:Route",
            {"routeTableId": "rtb-1", "destinationCidrBlock": "0.0.0.0/0"},
            "r-rtb-11080289494",
        ),
    ],
)
def test_the_id_of_a_connection_says_what_it_connects(type_, inputs, id_):
    made = Made(urn="urn:a", name="a", inputs=inputs, account_id="111122223333", region="us-east-1")

    assert answer(type_, made)["id"] == id_
