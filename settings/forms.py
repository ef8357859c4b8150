"""Forms of values that several sections have."""

import ipaddress
from typing import Annotated

from pydantic import AfterValidator

from settings.section import Form

PRIVATE_RANGES = tuple(ipaddress.IPv4Network(cidr) for cidr in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
Zones = Annotated[tuple[str, ...], AfterValidator(lambda zones: tuple(sorted(zones)))]
"""Names of availability zones, such as `us-east-1a`. They are sorted, and their order has no meaning."""
AccountId = Annotated[str, Form(r"[0-9]{12}", "12 digits", "111122223333")]
RoleArn = Annotated[
    str,
    Form(r"arn:aws:iam::[0-9]{12}:role/\S+", "the ARN of an IAM role", "arn:aws:iam::111122223333:role/platform"),
]
URL_PATH = r"(/[A-Za-z0-9._~/-]*)?"
HttpsUrl = Annotated[
    str,
    Form(
        rf"https://[a-z0-9.-]+{URL_PATH}",
        "an https:// address without login, port, query or fragment, its host in lower case",
        "https://git.example.com/platform",
    ),
]
