"""The storage class of pods' volumes: encrypted by the stack's own key, which EKS's default class does not use."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from components.stack_context import StackContext

ENCRYPTED = "gp3-encrypted"


@dataclass(frozen=True, kw_only=True)
class EncryptedVolumesArgs:
    """Arguments of EncryptedVolumes."""

    context: StackContext
    """Whose tags the volumes carry."""
    key_arn: pulumi.Input[str]
    """KMS key that encrypts the volumes."""
    after: Sequence[pulumi.Resource] = ()


class EncryptedVolumes(pulumi.ComponentResource):
    """Volumes on gp3, encrypted by the cluster's key, made in the zone of their pod and deleted with their claim."""

    def __init__(self, name: str, args: EncryptedVolumesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:cluster:EncryptedVolumes", name, None, opts)
        # Volumes are not the program's resources, so its default tags do not reach them: what is left over is found by
        # these (https://github.com/kubernetes-sigs/aws-ebs-csi-driver/blob/master/docs/tagging.md).
        tags = {
            f"tagSpecification_{number}": f"{key}={value}"
            for number, (key, value) in enumerate(sorted(args.context.tags.items()), start=1)
        }
        kubernetes.storage.v1.StorageClass(
            ENCRYPTED,
            metadata={"name": ENCRYPTED},
            provisioner="ebs.csi.aws.com",
            # https://github.com/kubernetes-sigs/aws-ebs-csi-driver/blob/master/docs/parameters.md
            parameters={"type": "gp3", "encrypted": "true", "kmsKeyId": args.key_arn, **tags},
            reclaim_policy="Delete",
            volume_binding_mode="WaitForFirstConsumer",
            allow_volume_expansion=True,
            opts=pulumi.ResourceOptions(parent=self, depends_on=args.after),
        )
        self.register_outputs({})


def claim(gibibytes: int) -> Any:
    """Return the spec of a claim on an encrypted volume."""
    return {
        "storageClassName": ENCRYPTED,
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": f"{gibibytes}Gi"}},
    }
