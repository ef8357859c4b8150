"""What an update needs of its account: pure parts; whole updates are in the engine's scenarios."""

import pytest
from support import configured, recorded

from components.account import _caller_problems, _zone_problems
from components.stack_context import StackContext

HERE = StackContext("dev", "111122223333", "us-east-1", "dev")
ROLE = "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Platform_0123456789abcdef"
ADMINS = {"platform": ROLE}


def problems(caller: str, *, previews: bool = False, admins: dict[str, str] = ADMINS) -> list[str]:
    return [str(each) for each in _caller_problems(HERE, caller, admins, previews=previews)]


@pytest.mark.parametrize("caller", [ROLE, HERE.delivery_role_arn("deploy")])
def test_an_administrator_and_the_deployment_role_may_update(caller: str) -> None:
    assert problems(caller) == []


def test_the_preview_role_may_preview_and_not_update() -> None:
    assert problems(HERE.delivery_role_arn("preview"), previews=True) == []
    assert len(problems(HERE.delivery_role_arn("preview"))) == 1


@pytest.mark.parametrize(
    "caller",
    [
        "arn:aws:iam::111122223333:user/AWSReservedSSO_Platform_0123456789abcdef",
        "arn:aws:iam::111122223333:root",
        "arn:aws:iam::111122223333:role/other",
        "arn:aws:iam::999999999999:role/AWSReservedSSO_Platform_0123456789abcdef",
    ],
)
def test_anybody_else_is_told_who_may(caller: str) -> None:
    (said,) = problems(caller)

    assert said.startswith("ai-prism:cluster.admins: must name the role of whoever runs the update")
    assert said.endswith(f"got {caller}")
    assert ROLE in said
    assert HERE.delivery_role_arn("deploy") in said


@pytest.mark.parametrize("case", [str, str.upper])
def test_a_role_named_without_its_path_is_told_the_path(case) -> None:
    short = f"arn:aws:iam::111122223333:role/{case(ROLE.rpartition('/')[2])}"

    (said,) = problems(ROLE, admins={"platform": short})

    assert said.startswith(f"ai-prism:cluster.admins.platform: must be the ARN of the role with its path, {ROLE}")
    assert said.endswith(f"got {short}")


def test_zones_are_judged_by_what_their_names_stand_for_in_this_account() -> None:
    ids = {"us-east-1a": "use1-az3", "us-east-1b": "use1-az1", "us-east-1c": "use1-az2"}

    found = [str(each) for each in _zone_problems(("us-east-1a", "us-east-1b", "us-east-1f"), ids)]

    assert found == [
        (
            "ai-prism:network.zones: must be zones in which EKS runs a control plane (in this account us-east-1b,"
            " us-east-1c), got us-east-1a, which is use1-az3"
        ),
        "ai-prism:network.zones: must be zones of this account (us-east-1b, us-east-1c), got us-east-1f",
    ]


@pytest.mark.parametrize("id_", ["use1-az3", "usw1-az2", "cac1-az3"])
def test_no_network_is_built_around_a_zone_in_which_eks_takes_no_control_plane(id_: str) -> None:
    """https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html#network-requirements-subnets"""
    assert len([*_zone_problems(("a", "b"), {"a": id_, "b": "use1-az1"})]) == 1


@pytest.mark.parametrize("role", ["preview", "deploy"])
def test_the_roles_of_delivery_are_known_by_their_arns_before_they_are_made(role: str) -> None:
    graph = recorded("dev", known=True)
    aws = configured("dev", "aws")

    made = graph.named("aws:iam/role:Role", f"delivery-{role}").outputs["arn"]

    assert StackContext("dev", aws["account_id"], aws["region"], "dev").delivery_role_arn(role) == made
