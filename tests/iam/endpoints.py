"""Whether a request passes an endpoint of the VPC."""

import functools

from iam.conftest import ACCOUNT, REGION

from components.endpoints import Perimeter, endpoint_statements
from fakes.iam.evaluator import Statement, applies
from settings import network

OTHER, TOOLS = "210987654321", "444455556666"
"""Another account, and one whose images nodes pull."""
EVERY_ENDPOINT = ("s3", *network.REQUIRED_ENDPOINTS, *network.OPTIONAL_ENDPOINTS)
REPOSITORY = f"arn:aws:ecr:{REGION}:{{}}:repository/team/image"
PERIMETER = Perimeter(account_id=ACCOUNT, region=REGION, image_accounts=(TOOLS,))


@functools.cache
def policies() -> dict[str, list[Statement] | None]:
    """Return the statements of the policy of every endpoint that settings know, by service."""
    return {each: list(endpoint_statements(each, PERIMETER)) or None for each in EVERY_ENDPOINT}


def passes(service: str, action: str, resource: str, *, caller: str | None = ACCOUNT) -> bool:
    """Tell whether an endpoint lets a request through; `caller` is the account, None without credentials."""
    owner = resource.split(":")[4] if resource.startswith("arn:") and not resource.startswith("arn:aws:s3") else ""
    context = {"aws:ResourceAccount": owner or ACCOUNT, **({"aws:PrincipalAccount": caller} if caller else {})}
    found = policies()[service]
    assert all(each["Effect"] == "Allow" for each in found or ())
    return found is None or any(applies(each, action, resource, context) for each in found)
