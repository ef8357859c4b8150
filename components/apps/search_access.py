"""Who may do what within OpenSearch, how logs lie there and for how long: what no API of AWS can set."""

import json
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from components.apps.installer import Installer
from components.apps.jobs import CURL, CURL_USER, FETCH_CREDENTIALS, SIGN, container, make_job
from components.namespaces import LOGGING

INDEX_PREFIX = "logs"
MERGED = "fields"
"""Where a line that is JSON has its own fields."""


@dataclass(frozen=True, kw_only=True)
class SearchDomain:
    """An OpenSearch domain that keeps the logs."""

    endpoint: pulumi.Input[str]
    """Host name, within the VPC."""
    gib_for_logs: float
    """What all indices may take, copies included."""
    retention_days: int
    reader_arns: Sequence[str]
    """IAM roles that may read the logs."""


@dataclass(frozen=True, kw_only=True)
class SearchAccessArgs:
    """Arguments of SearchAccess."""

    installer: Installer
    region: str
    domain: SearchDomain
    service_account: str
    """Its pods have the role of the domain's master user."""
    writer_arn: pulumi.Input[str]
    """IAM role of the log collector."""
    after: Sequence[pulumi.Resource] = ()
    """Above all the association with the role: pods that start earlier have no credentials."""


class SearchAccess(pulumi.ComponentResource):
    """The log collector may write and nothing else, administrators may read, and logs go when their time is over."""

    granted: pulumi.Resource
    """The collector is refused before this."""

    def __init__(self, name: str, args: SearchAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:cluster:SearchAccess", name, None, opts)

        variables = {"HOST": args.domain.endpoint, "REGION": args.region, **_documents(args)}
        curl = container("curl", args.installer.place_of(CURL), _SCRIPT, variables, user=CURL_USER)
        self.granted = make_job(
            name,
            {"containers": [curl]},
            namespace=LOGGING,
            service_account=args.service_account,
            opts=args.installer.inside(LOGGING, self, *args.after),
        )
        self.register_outputs({})


def _documents(args: SearchAccessArgs) -> dict[str, pulumi.Input[str]]:
    """Return what is put into the domain, by the script's variables."""
    return {
        "WRITER": json.dumps(_WRITER),
        "WRITERS": pulumi.Output.json_dumps({"backend_roles": [args.writer_arn]}),
        "READER": json.dumps(_READER),
        "READERS": json.dumps({"backend_roles": list(args.domain.reader_arns)}),
        "TEMPLATE": json.dumps(_TEMPLATE),
        "AUDIT": json.dumps(_AUDIT),
        "RETENTION": json.dumps(_retention(args.domain.retention_days, args.domain.gib_for_logs / _COPIES)),
    }


# Names of permissions: https://docs.opensearch.org/latest/security/access-control/permissions/
_COPIES = 2
"""Of each shard."""
_PATTERNS = [f"{INDEX_PREFIX}-*"]
_WRITER = {
    "cluster_permissions": ["indices:data/write/bulk"],
    "index_permissions": [
        {"index_patterns": _PATTERNS, "allowed_actions": ["create_index", "indices:data/write/bulk*", "index"]}
    ],
}
_READER = {
    "cluster_permissions": ["cluster_composite_ops_ro"],
    "index_permissions": [{"index_patterns": _PATTERNS, "allowed_actions": ["read", "indices:admin/mappings/get"]}],
    "tenant_permissions": [{"tenant_patterns": ["global_tenant"], "allowed_actions": ["kibana_all_write"]}],
}


# One shard, and its copy, a day. The service would make five (and their copies), of which a year's worth is more than
# its nodes take: a thousand each (https://docs.aws.amazon.com/opensearch-service/latest/developerguide/bp-sharding.html).
#
# What programs write is theirs: of two that call a number and a text by one name, the later would be refused. As a flat
# object, all of it is text, found by its path
# (https://docs.opensearch.org/latest/mappings/supported-field-types/flat-object/). For the same reason no text is taken
# for a date because the first one looked like it; the time of a line is one by name.
_TEMPLATE = {
    "index_patterns": _PATTERNS,
    "priority": 1,
    "template": {
        "settings": {
            "number_of_shards": 1,
            "number_of_replicas": _COPIES - 1,
            # Without thresholds the domain writes no slow log:
            # https://docs.aws.amazon.com/opensearch-service/latest/developerguide/createdomain-configure-slow-logs.html
            "index.search.slowlog.threshold.query.warn": "5s",
            "index.indexing.slowlog.threshold.index.warn": "5s",
        },
        "mappings": {
            "date_detection": False,
            "properties": {"@timestamp": {"type": "date"}, MERGED: {"type": "flat_object"}},
        },
    },
}


# Who was refused, and who changed what; not every call that was granted, which AWS advises against:
# https://docs.aws.amazon.com/opensearch-service/latest/developerguide/audit-logs.html
_AUDIT = {
    "enabled": True,
    "audit": {
        "enable_rest": True,
        "disabled_rest_categories": ["GRANTED_PRIVILEGES", "AUTHENTICATED"],
        "enable_transport": True,
        "disabled_transport_categories": ["GRANTED_PRIVILEGES", "AUTHENTICATED"],
    },
}


def _retention(days: int, gib: float) -> dict[str, Any]:
    """Return the policy of new indices, one a day: deleted once they are old, and large ones earlier.

    A day has its share of the `gib` that there are for one copy. Twice as large, it stays half as long: so whatever is
    written day by day, all that is kept fits. A full domain would take no logs at all.
    Source: https://docs.opensearch.org/latest/im-plugin/ism/policies/ (min_size is that of the primaries)
    """
    steps = days.bit_length()
    states = [
        {
            "name": f"keep-{step}",
            "actions": [],
            "transitions": [
                *(
                    [{"state_name": f"keep-{step + 1}", "conditions": {"min_size": f"{_mib(days, gib, step)}mb"}}]
                    if step + 1 < steps
                    else []
                ),
                {"state_name": "delete", "conditions": {"min_index_age": f"{days >> step}d"}},
            ],
        }
        for step in range(steps)
    ]
    return {
        "policy": {
            "description": "Logs go when their time is over, or their space",
            "default_state": "keep-0",
            "states": [*states, {"name": "delete", "actions": [{"delete": {}}], "transitions": []}],
            "ism_template": [{"index_patterns": _PATTERNS, "priority": 1}],
        }
    }


def _mib(days: int, gib: float, step: int) -> int:
    """Return above which size a day is not kept for `days >> step`."""
    return int(gib * 1024 / days * 2**step)


_SCRIPT = (
    "\nset -eu\n"
    + FETCH_CREDENTIALS
    + r"""field() { printf '%s' "$answer" | tr -d '\n' | sed -n "s/.*\"$1\" *: *\"\([^\"]*\)\".*/\1/p"; }
ask() {
"""
    + textwrap.indent(SIGN, "  ")
    + r"""    curl --config - --silent --show-error --retry 5 --aws-sigv4 "aws:amz:$REGION:es" "$@"
}
put() {
  ask --fail-with-body --request PUT --header 'content-type: application/json' --data "$2" "https://$HOST/$1"
  echo
}
# How an index lies is settled when it is made: before anybody may write.
put _index_template/logs "$TEMPLATE"
put _plugins/_security/api/roles/logs_writer "$WRITER"
put _plugins/_security/api/rolesmapping/logs_writer "$WRITERS"
put _plugins/_security/api/roles/logs_reader "$READER"
put _plugins/_security/api/rolesmapping/logs_reader "$READERS"
put _plugins/_security/api/audit/config "$AUDIT"
known=$(ask "https://$HOST/_plugins/_ism/policies/logs")
number() { printf '%s' "$known" | sed -n "s/.*\"$1\" *: *\([0-9]*\).*/\1/p"; }
version=$(number _seq_no)
put "_plugins/_ism/policies/logs${version:+?if_primary_term=$(number _primary_term)&if_seq_no=$version}" "$RETENTION"
"""
)
"""A policy that is there already is only replaced by a request that names its number."""
