"""What pods, nodes and controllers ask for passes the VPC's endpoints; what else would is in test_endpoints.py of
components."""

from collections.abc import Iterator

from iam.conftest import ACCOUNT, REGION, Iam
from iam.endpoints import REPOSITORY, passes, policies
from support import recorded

from components.endpoints import WITHOUT_POLICY
from fakes.iam.evaluator import listed

ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
PREFIXES = {"ecr": ("ecr.api", "ecr.dkr"), "bedrock": ("bedrock-runtime",)}
"""Endpoints of an action's prefix, where their names are not the same."""


def asked(iam: Iam) -> Iterator[tuple[str, str, str]]:
    """Yield whatever a role that is at work in the VPC may ask of an endpoint: service, action, resource."""
    for caller in (caller for role, caller in iam.callers.items() if not role.startswith("delivery")):
        for statement in caller.identity:
            for action in listed(statement.get("Action", [])):
                prefix = action.partition(":")[0]
                for service in {*PREFIXES.get(prefix, (prefix,))} & policies().keys():
                    for resource in listed(statement["Resource"]):
                        yield service, action.replace("*", "Any"), example(resource, action, caller.account_id)


def example(pattern: str, action: str, account: str) -> str:
    """Return a resource in prod's account that a statement's pattern is about; a repository where it names all."""
    if pattern == "*":
        every = action.startswith("ecr:") and action != "ecr:GetAuthorizationToken"
        return REPOSITORY.format(ACCOUNT) if every else "*"
    arn, partition, service, region, owner, name = pattern.split(":", 5)
    owner = owner.replace("*", ACCOUNT).replace(account, ACCOUNT)
    return ":".join([arn, partition, service, region.replace("*", REGION), owner, name.replace("*", "any")])


def test_whatever_a_role_may_do_passes_the_endpoint(each_iam: Iam) -> None:
    questions = [*asked(each_iam)]
    assert {service for service, _, _ in questions} > {"ec2", "ecr.api", "ecr.dkr", "kms", "s3", "sts"}
    assert [question for question in questions if not passes(*question)] == []


def test_each_stack_has_these_policies() -> None:
    for stack in ("dev", "integration", "staging", "prod"):
        made = recorded(stack, known=True).of_type(ENDPOINT)
        bare = [each["serviceName"].rpartition(".")[2] for each in made if "policy" not in each]
        assert {*bare} <= {*WITHOUT_POLICY}
