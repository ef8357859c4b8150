"""EKS add-ons: how one is made."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws


def make_addon(
    addon: str,
    *,
    parent: pulumi.Resource,
    cluster_name: pulumi.Input[str],
    version: str | None,
    configuration: Mapping[str, Any] | None = None,
    service_accounts: Mapping[str, pulumi.Input[str]] | None = None,
    depends_on: Sequence[pulumi.Resource] = (),
) -> aws.eks.Addon:
    """Make one add-on for `parent`.

    `version` None leaves the choice to EKS; `service_accounts` maps the add-on's accounts to the roles of their pods.
    """
    return aws.eks.Addon(
        f"cluster-{addon}",
        cluster_name=cluster_name,
        addon_name=addon,
        addon_version=version,
        configuration_values=json.dumps(configuration) if configuration else None,
        pod_identity_associations=[
            {"service_account": account, "role_arn": role_arn} for account, role_arn in (service_accounts or {}).items()
        ],
        resolve_conflicts_on_create="OVERWRITE",
        resolve_conflicts_on_update="PRESERVE",
        opts=pulumi.ResourceOptions(parent=parent, depends_on=list(depends_on)),
    )
