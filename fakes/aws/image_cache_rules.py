"""What ECR refuses of a pull-through cache: registries that it does not know, and those that want a login.

The account's fact `logins`: ARNs of the secrets with logins that people made.
"""

from typing import Final

from fakes.aws.account import Account
from fakes.aws.held import Held
from fakes.aws.link_words import Words

RULE: Final = "aws:ecr/pullThroughCacheRule:PullThroughCacheRule"
_GITHUB: Final = "https://github.com/"

OPEN: Final = ("public.ecr.aws", "quay.io", "registry.k8s.io")
"""Without authentication: https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache.html"""
WITH_LOGIN: Final = ("cgr.dev", "ghcr.io", "registry-1.docker.io", "registry.gitlab.com")

NO_UPSTREAM: Final = Words(
    "UnsupportedUpstreamRegistryException: The upstream registry URL {url} is invalid. Specify a valid upstream "
    "registry URL and try again",
    f"{_GITHUB}goharbor/harbor/issues/20174",
)
NO_LOGIN: Final = Words(
    "UnsupportedUpstreamRegistryException: The specified upstream registry requires authentication. Specify a valid "
    "Secrets Manager ARN",
    f"{_GITHUB}aws-controllers-k8s/community/issues/2589",
)
NO_SECRET: Final = Words(
    "SecretNotFoundException: The ARN of the secret specified in the pull through cache rule was not found. Update the "
    "pull through cache rule with a valid secret ARN and try again.",
    f"{_GITHUB}boto/botocore/blob/1.44.5/botocore/data/ecr/2015-09-21/service-2.json",
)


def refusal(held: Held, account: Account) -> str | None:
    """Return why ECR does not let a rule stand as it would be."""
    if held.type != RULE:
        return None
    url, login = held.inputs.get("upstreamRegistryUrl"), held.inputs.get("credentialArn")
    if url is not None and url not in (*OPEN, *WITH_LOGIN):
        return NO_UPSTREAM(url=url)
    if url in WITH_LOGIN and not login:
        return NO_LOGIN()
    if login and login not in account.get("logins").split():
        return NO_SECRET()
    return None
