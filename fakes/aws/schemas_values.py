"""Where AWS knows better than the schemas: closed lists that they leave open."""

from typing import Final

_TLS13: Final = ("1-0", "1-2", "1-2-Ext1", "1-2-Ext2", "1-2-Res", "1-3")
_FIPS: Final = ("1-0", "1-1", "1-2", "1-2-Ext0", "1-2-Ext1", "1-2-Ext2", "1-2-Res", "1-3")
_OLDER: Final = (
    "2016-08",
    "FS-1-1-2019-08",
    "FS-1-2-2019-08",
    "FS-1-2-Res-2019-08",
    "FS-1-2-Res-2020-10",
    "FS-2018-06",
    "TLS-1-0-2015-04",
    "TLS-1-1-2017-01",
    "TLS-1-2-2017-01",
    "TLS-1-2-Ext-2018-06",
)

TLS_POLICIES: Final = frozenset(
    f"ELBSecurityPolicy-{name}"
    for name in (
        *_OLDER,
        "TLS13-1-1-2021-06",
        *(f"TLS13-{versions}-2021-06" for versions in _TLS13),
        *(f"TLS13-{versions}-PQ-2025-09" for versions in _TLS13),
        *(f"TLS13-{versions}-FIPS-2023-04" for versions in _FIPS),
        *(f"TLS13-{versions}-FIPS-PQ-2025-09" for versions in _FIPS),
    )
)
"""The security policies of load balancers, those for RFC 9151 apart.

As the CDK lists them (SslPolicy):
https://github.com/aws/aws-cdk/blob/main/packages/aws-cdk-lib/aws-elasticloadbalancingv2/lib/shared/enums.ts
"""

RECORD_TYPES: Final = frozenset(
    (
        "A",
        "AAAA",
        "CAA",
        "CNAME",
        "DS",
        "HTTPS",
        "MX",
        "NAPTR",
        "NS",
        "PTR",
        "SOA",
        "SPF",
        "SRV",
        "SSHFP",
        "SVCB",
        "TLSA",
        "TXT",
    )
)
"""As the installed SDK's documentation of the property lists them."""
