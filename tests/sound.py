"""Complete configurations that settings accept, one of each kind: tests assert on them and edit them.

They are not the stack files, so that an edit of a stack file changes no expectation.
"""

import copy
import json
from typing import Any

Sections = dict[str, dict[str, Any]]

SINGLE_SIGN_ON = {"issuer": "https://login.example.com", "client_id": "argo-cd", "admins": "platform"}

_SMALL: Sections = {
    "aws": {"account_id": "111122223333", "region": "us-east-1"},
    "environment": {"kind": "dev", "protect": False},
    "network": {
        "cidr": "10.10.0.0/16",
        "zones": ["us-east-1a", "us-east-1b"],
        "nat_gateways": 1,
        "nat_zone": "us-east-1a",
    },
    "cluster": {
        "version": "1.36",
        "zones": ["us-east-1a", "us-east-1b"],
        "admins": {"platform": "arn:aws:iam::111122223333:role/Platform"},
    },
    "nodes": {
        "web": {"types": ["t3.large", "t3a.large"], "min": 2, "desired": 2, "max": 4},
        "api": {"types": ["c5.large", "c5a.large", "c6i.large"], "min": 1, "desired": 1, "max": 3},
        "gpu": {"types": ["g4dn.xlarge", "g5.xlarge"], "min": 0, "desired": 0, "max": 1, "disk_gb": 100},
    },
    "database": {"version": "17.11", "instance_class": "db.t4g.medium", "instances": 1, "backup_days": 7},
    "cache": {"version": "8.2", "node_type": "cache.t4g.small", "nodes": 1},
    "dns": {"zone": "dev.ai-prism.com", "api_host": "api.dev.ai-prism.com"},
    "delivery": {"repository": "company/infrastructure"},
    "observability": {"monthly_budget_usd": 600, "log_days": 14},
    "gitops": {"repository": "https://github.com/company/infrastructure", "revision": "main"},
}

_ZONES = ["us-east-1a", "us-east-1b", "us-east-1c"]
_LARGE: Sections = {
    "aws": {"account_id": "123456789012", "region": "us-east-1"},
    "environment": {"kind": "prod", "protect": True},
    "network": {"cidr": "10.0.0.0/16", "zones": _ZONES, "nat_gateways": 3},
    "cluster": {
        "version": "1.36",
        "zones": _ZONES,
        "admins": {"platform": "arn:aws:iam::123456789012:role/Platform"},
    },
    "nodes": {
        "web": {"types": ["t3.xlarge", "t3a.xlarge"], "min": 3, "desired": 6, "max": 20},
        "api": {
            "types": ["c5.xlarge", "c5a.xlarge", "c6i.xlarge"],
            "min": 5,
            "desired": 10,
            "max": 50,
            "on_demand_fallback": 10,
        },
        "gpu": {"types": ["g4dn.xlarge", "g5.xlarge"], "min": 2, "desired": 5, "max": 15, "disk_gb": 200},
    },
    "database": {"version": "17.11", "instance_class": "db.r6g.large", "instances": 3, "backup_days": 30},
    "cache": {"version": "8.2", "node_type": "cache.r6g.large", "nodes": 3},
    "dns": {"zone": "ai-prism.com", "api_host": "api.ai-prism.com"},
    "delivery": {"repository": "company/infrastructure"},
    "observability": {
        "monthly_budget_usd": 12000,
        "log_days": 365,
        "alert_emails": ["on-call@example.com"],
        "search": {
            "instance_type": "r6g.large.search",
            "zones": _ZONES,
            "nodes": 3,
            "volume_gb": 500,
            "version": "3.5",
        },
    },
    "gitops": {
        "repository": "https://github.com/company/infrastructure",
        "revision": "v1.2.3",
        "time_zone": "America/New_York",
        "single_sign_on": SINGLE_SIGN_ON,
    },
}

KINDS = ("dev", "integration", "staging", "prod")


def sections(kind: str) -> Sections:
    """Return a configuration by section, the caller's to edit; names no address for alarms but in prod."""
    found = copy.deepcopy(_SMALL if kind in ("dev", "integration") else _LARGE)
    found["environment"]["kind"] = kind
    if kind == "integration":
        found["gitops"]["single_sign_on"] = dict(SINGLE_SIGN_ON)
    if kind == "staging":
        del found["observability"]["alert_emails"]
    return found


def configuration(kind: str) -> dict[str, str]:
    """Return `sections(kind)` in the way the engine hands it to the program: by full key, as JSON."""
    return {f"ai-prism:{name}": json.dumps(values) for name, values in sections(kind).items()}
