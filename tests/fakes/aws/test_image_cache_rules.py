"""What ECR refuses of rules by which it takes images from other registries."""

from pathlib import Path

import pytest

from fakes.aws import image_cache_rules
from fakes.aws.account import Account
from fakes.aws.held import Held

LOGIN = "arn:aws:secretsmanager:us-east-1:111122223333:secret:ecr-pullthroughcache/hub-AbCdEf"
HUB = "registry-1.docker.io"


@pytest.fixture
def account(tmp_path: Path) -> Account:
    made = Account(tmp_path / "account")
    made.set("logins", f"other {LOGIN}")
    return made


def rule(url: str, login: str | None = None) -> Held:
    inputs = {"ecrRepositoryPrefix": "a/b", "upstreamRegistryUrl": url}
    return Held(
        type=image_cache_rules.RULE, id="a/b", urn="rule", inputs=inputs | ({"credentialArn": login} if login else {})
    )


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (rule("quay.io"), None),
        (rule(HUB, LOGIN), None),
        (rule("nvcr.io"), image_cache_rules.NO_UPSTREAM(url="nvcr.io")),
        (rule("docker.io"), image_cache_rules.NO_UPSTREAM(url="docker.io")),
        (rule(HUB), image_cache_rules.NO_LOGIN()),
        (rule(HUB, LOGIN.replace("hub", "gone")), image_cache_rules.NO_SECRET()),
        (rule("quay.io", LOGIN.replace("hub", "gone")), image_cache_rules.NO_SECRET()),
        (Held(type="aws:ec2/vpc:Vpc", id="1", urn="vpc", inputs={}), None),
    ],
    ids=lambda each: each.inputs.get("upstreamRegistryUrl", "another type") if isinstance(each, Held) else "",
)
def test_ecr_takes_images_from_registries_that_it_knows_and_may_log_in_to(
    account: Account, made: Held, said: str | None
) -> None:
    assert image_cache_rules.refusal(made, account) == said
