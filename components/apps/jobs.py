"""Jobs that run once, on the web tier: they set up what no API of AWS can."""

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_kubernetes as kubernetes

from components.apps.installer import WEB_TIER

CURL = "quay.io/curl/curl:8.17.0"  # https://quay.io/repository/curl/curl
CURL_USER = 100
"""The image's user, by its number."""
_TRIES = 5


def container(
    name: str, image: str, script: str, variables: Mapping[str, pulumi.Input[str]], *, user: int
) -> kubernetes.core.v1.ContainerArgsDict:
    """Return a container that runs a shell script without any rights; `user` is a number."""
    return {
        "name": name,
        "image": image,
        "command": ["sh", "-c", script],
        "env": [{"name": key, "value": value} for key, value in variables.items()],
        "security_context": {
            "allow_privilege_escalation": False,
            "read_only_root_filesystem": True,
            "run_as_user": user,
            "capabilities": {"drop": ["ALL"]},
            "seccomp_profile": {"type": "RuntimeDefault"},
        },
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"cpu": "200m", "memory": "64Mi"}},
    }


def make_job(
    name: str,
    namespace: str,
    service_account: str,
    pod: kubernetes.core.v1.PodSpecArgsDict,
    after: Sequence[pulumi.Resource],
    opts: pulumi.ResourceOptions,
) -> kubernetes.batch.v1.Job:
    """Make a job that runs `pod` once, and again whenever what it runs changes.

    It has no time to live after it has ended: a refresh that no longer finds it would make every update run it.
    """
    return kubernetes.batch.v1.Job(
        name,
        # Named by Pulumi: what a job runs cannot be changed, so the next one comes up beside it.
        metadata={
            "namespace": namespace,
            # One that has failed never runs again, and fails every later update: the next update makes another
            # (https://www.pulumi.com/registry/packages/kubernetes/api-docs/batch/v1/job/).
            "annotations": {"pulumi.com/replaceUnready": "true"},
        },
        spec={
            "backoff_limit": _TRIES,
            "template": {
                "spec": {
                    "service_account_name": service_account,
                    "automount_service_account_token": False,
                    "restart_policy": "Never",
                    "node_selector": WEB_TIER,
                    **pod,
                },
            },
        },
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[*after])),
    )
