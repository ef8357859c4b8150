"""Jobs that run once, on the web tier: they set up what no API of AWS can, with credentials of EKS Pod Identity."""

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_kubernetes as kubernetes

from components.apps.installer import WEB_TIER

CURL = "quay.io/curl/curl:8.17.0"  # https://quay.io/repository/curl/curl
CURL_USER = 100
"""The image's user, by its number."""
_RETRIES = 5

FETCH_CREDENTIALS = r"""answer=$(curl --fail --silent --show-error --retry 5 \
  --header "Authorization: $(cat "$AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")" "$AWS_CONTAINER_CREDENTIALS_FULL_URI")
"""
"""Shell that puts the credentials of the pod's role, as JSON, into `answer`.

EKS Pod Identity sets both variables: https://docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works.html
"""
SIGN = r"""printf 'user = "%s:%s"\nheader = "x-amz-security-token: %s"\n' \
  "$(field AccessKeyId)" "$(field SecretAccessKey)" "$(field Token)" |
"""
"""Shell that pipes these credentials to a `curl --config - --aws-sigv4 …`, so that they are in no list of processes.

It calls `field NAME`, which has to print a member of the JSON in `answer`.
"""


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
    pod: kubernetes.core.v1.PodSpecArgsDict,
    *,
    namespace: str,
    service_account: str,
    after: Sequence[pulumi.Resource] = (),
    opts: pulumi.ResourceOptions,
) -> kubernetes.batch.v1.Job:
    """Make a service account, and a job that runs `pod` with it once, and again whenever the pod's definition changes.

    It has no time to live after it has ended: a refresh that no longer finds it would make every update run it.
    """
    account = kubernetes.core.v1.ServiceAccount(
        service_account, metadata={"name": service_account, "namespace": namespace}, opts=opts
    )
    return kubernetes.batch.v1.Job(
        name,
        # Named by Pulumi: a job's pod cannot be changed, so the next job is made before this one is deleted.
        metadata={
            "namespace": namespace,
            # A failed job never runs again and would fail every later update; so the next update replaces it
            # (https://www.pulumi.com/registry/packages/kubernetes/api-docs/batch/v1/job/).
            "annotations": {"pulumi.com/replaceUnready": "true"},
        },
        spec={
            "backoff_limit": _RETRIES,
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
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[account, *after])),
    )
