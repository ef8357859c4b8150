"""Configuration of Argo CD: who logs in and may do what, and who is notified of failures. Pure functions."""

import json
from typing import Any

from components.apps.argo_cd_rights import watched
from settings.delivery import Gitops, SingleSignOn

PROJECT = "ai-prism"
SINGLE_SIGN_ON, NOTIFICATIONS = "argocd-oidc", "argocd-notifications-secret"
"""Secrets, by the names under which Argo CD looks for them."""
METRICS = {"metrics": {"enabled": True, "serviceMonitor": {"enabled": True, "honorLabels": True}}}
"""Keeps the label `namespace` of the series, which names the namespace of each application."""

_RELEASING = ("sync", "override", "action/*")
_WEBHOOK = "operators"


def configuration(chosen: Gitops, *, administrator: bool) -> dict[str, Any]:
    """Return argocd-cm (https://argo-cd.readthedocs.io/en/stable/operator-manual/argocd-cm-yaml/).

    With `administrator`, the local account `admin` may log in. Health checks of Canary and ExternalSecret are built in
    (https://github.com/argoproj/argo-cd/tree/master/resource_customizations).
    """
    provider = chosen.single_sign_on
    single_sign_on = provider and {
        "name": "single sign-on",
        "issuer": provider.issuer,
        "clientID": provider.client_id,
        "clientSecret": f"${SINGLE_SIGN_ON}:clientSecret",
        "requestedScopes": ["openid", "profile", "email", "groups"],
    }
    return {
        "url": chosen.url,
        "admin.enabled": administrator,
        "resource.inclusions": watched(),
        **({"oidc.config": json.dumps(single_sign_on)} if single_sign_on else {}),
    }


def roles(provider: SingleSignOn | None) -> dict[str, str]:
    """Return who may do what (https://argo-cd.readthedocs.io/en/stable/operator-manual/rbac/)."""
    # Quoted, since a group's name may have a comma in it.
    group = (provider.admins if provider else "").replace('"', '""')
    rules = [f"p, role:releaser, applications, {action}, {PROJECT}/*, allow" for action in _RELEASING]
    return {
        "policy.default": "role:readonly",
        "policy.csv": "\n".join([*rules, f'g, "{group}", role:releaser']) if provider else "",
    }


def notifications(stack: str, url: str) -> dict[str, Any]:
    """Report failed synchronisations, by a webhook that takes a text, such as a chat's.

    Source: https://argo-cd.readthedocs.io/en/stable/operator-manual/notifications/services/webhook/
    """
    text = "{{.app.metadata.name}}: synchronisation {{.app.status.operationState.phase}}"
    body = {"text": f"{stack}: {text}: {{{{.context.argocdUrl}}}}/applications/{{{{.app.metadata.name}}}}"}
    return {
        "argocdUrl": url,
        # Made by an ExternalSecret.
        "secret": {"create": False, "name": NOTIFICATIONS},
        "notifiers": {
            f"service.webhook.{_WEBHOOK}": json.dumps(
                {"url": "$webhook-url", "headers": [{"name": "Content-Type", "value": "application/json"}]}
            )
        },
        "templates": {
            "template.sync-failed": json.dumps({"webhook": {_WEBHOOK: {"method": "POST", "body": json.dumps(body)}}})
        },
        "triggers": {
            "trigger.on-sync-failed": json.dumps(
                [{"when": "app.status.operationState.phase in ['Error', 'Failed']", "send": ["sync-failed"]}]
            )
        },
        "subscriptions": [{"recipients": [_WEBHOOK], "triggers": ["on-sync-failed"]}],
    }
