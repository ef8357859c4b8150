"""Volumes of pods: encrypted by the stack's key, made where their pod runs, and deleted with their claim."""

import functools

from alone import CONTEXT, KEY_ARN
from alone_in_cluster import in_cluster, waits_for

from components.apps.storage_class import ENCRYPTED, EncryptedVolumes, EncryptedVolumesArgs, claim
from recording.graph import Resource


@functools.cache
def storage_class() -> Resource:
    graph = in_cluster(
        lambda _, role, opts: EncryptedVolumes(
            "volumes", EncryptedVolumesArgs(context=CONTEXT, key_arn=KEY_ARN, after=[role]), opts
        )
    )
    (found,) = graph.of_type("kubernetes:storage.k8s.io/v1:StorageClass")
    assert waits_for(graph, found) == {"role"}
    return found


def test_claims_find_the_class_by_its_name() -> None:
    assert storage_class()["metadata"] == {"name": ENCRYPTED}
    assert claim(20) == {
        "storageClassName": "gp3-encrypted",
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "20Gi"}},
    }


def test_volumes_are_encrypted_by_the_stacks_key() -> None:
    parameters = storage_class()["parameters"]
    assert storage_class()["provisioner"] == "ebs.csi.aws.com"
    assert {key: parameters[key] for key in ("type", "encrypted", "kmsKeyId")} == {
        "type": "gp3",
        "encrypted": "true",
        "kmsKeyId": KEY_ARN,
    }


def test_what_is_left_over_in_aws_is_found_by_the_stacks_tags() -> None:
    """https://github.com/kubernetes-sigs/aws-ebs-csi-driver/blob/master/docs/tagging.md counts from one."""
    parameters = storage_class()["parameters"]
    assert {key: value for key, value in parameters.items() if key.startswith("tagSpecification_")} == {
        "tagSpecification_1": "Environment=prod",
        "tagSpecification_2": "ManagedBy=pulumi",
        "tagSpecification_3": "Project=ai-prism",
        "tagSpecification_4": "Stack=test",
    }


def test_a_volume_is_made_in_the_zone_of_its_pod_can_grow_and_goes_with_its_claim() -> None:
    assert storage_class()["volumeBindingMode"] == "WaitForFirstConsumer"
    assert storage_class()["allowVolumeExpansion"] is True
    assert storage_class()["reclaimPolicy"] == "Delete"
