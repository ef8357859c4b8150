"""Secrets of Argo CD, which it finds by name or label: each holds no more than its reader needs."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
import pulumi_kubernetes as kubernetes

from components.apps.argo_cd_configuration import NOTIFICATIONS, SINGLE_SIGN_ON
from components.apps.external_secrets import ARGO_CD_STORE
from components.apps.installer import make_object
from components.namespaces import ARGO_CD
from settings.delivery import Gitops

_REPOSITORY = "argocd-repository"


@dataclass(frozen=True, kw_only=True)
class SecretSpec:
    """A Secret that External Secrets makes."""

    name: str
    keys: Mapping[str, str]
    """Keys of the Secret, each with the property of the secret in Secrets Manager that it gets."""
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    data: Mapping[str, str] = field(default_factory=dict[str, str])
    """Further keys, whose values are no secret."""


def secret_specs(chosen: Gitops, *, notified: bool) -> list[SecretSpec]:
    """Return the Secrets that these settings take; with `notified`, failures are reported by a webhook."""
    specs: list[SecretSpec] = []
    if chosen.single_sign_on:
        specs.append(
            SecretSpec(
                name=SINGLE_SIGN_ON,
                keys={"clientSecret": "oidcClientSecret"},
                # https://argo-cd.readthedocs.io/en/stable/operator-manual/user-management/#sensitive-data-and-sso-client-secrets
                labels={"app.kubernetes.io/part-of": "argocd"},
            )
        )
    if notified:
        specs.append(SecretSpec(name=NOTIFICATIONS, keys={"webhook-url": "webhookUrl"}))
    if chosen.private:
        specs.append(
            SecretSpec(
                name=_REPOSITORY,
                keys={"username": "repositoryUsername", "password": "repositoryPassword"},
                labels={"argocd.argoproj.io/secret-type": "repository"},
                data={"type": "git", "url": chosen.repository},
            )
        )
    return specs


def make_secret(
    spec: SecretSpec, secret_arn: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> kubernetes.apiextensions.CustomResource:
    """Make an ExternalSecret of properties of one secret in Secrets Manager.

    It is deleted for real, by its controller, and not with its namespace.
    """
    return make_object(
        spec.name,
        "external-secrets.io/v1",
        "ExternalSecret",
        {
            "refreshInterval": "1h",
            "secretStoreRef": {"kind": "ClusterSecretStore", "name": ARGO_CD_STORE},
            "target": {
                "name": spec.name,
                "creationPolicy": "Owner",
                # Where the secret in Secrets Manager is gone, that is an error, and Argo CD keeps what it has. With
                # Delete it would lose its login and its repository, without any error.
                # https://external-secrets.io/latest/guides/ownership-deletion-policy/
                "deletionPolicy": "Retain",
                "template": {
                    "mergePolicy": "Merge",
                    "metadata": {"labels": dict(spec.labels)},
                    "data": dict(spec.data),
                },
            },
            "data": [
                {"secretKey": key, "remoteRef": {"key": secret_arn, "property": property_}}
                for key, property_ in spec.keys.items()
            ],
        },
        namespace=ARGO_CD,
        opts=opts,
    )
