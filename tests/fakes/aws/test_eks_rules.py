"""What EKS allows of versions, zones and sizes."""

import pytest

from fakes.aws import eks_rules
from fakes.aws.held import Held

CLUSTER = Held(
    type=eks_rules.CLUSTER,
    id="prism",
    urn="plane",
    inputs={"version": "1.35", "vpcConfig": {"subnetIds": ["one", "two"]}},
    outputs={"name": "prism"},
)
SUBNETS = [
    Held(type=eks_rules.SUBNET, id=id_, urn=id_, inputs={"availabilityZone": zone})
    for id_, zone in (("one", "us-east-1a"), ("two", "us-east-1b"), ("other", "us-east-1b"), ("three", "us-east-1c"))
]


def cluster(**inputs):
    return Held(
        type=CLUSTER.type, id="prism", urn="plane", inputs={**CLUSTER.inputs, **inputs}, outputs={"name": "prism"}
    )


def nodes(**inputs):
    outputs = {"nodeGroupName": "web", "version": "1.35", **inputs}
    return Held(
        type=eks_rules.NODE_GROUP, id="prism:web", urn="web", inputs={"clusterName": "prism", **inputs}, outputs=outputs
    )


def sizes(least, desired, most):
    return nodes(scalingConfig={"minSize": least, "desiredSize": desired, "maxSize": most})


def proxy(version):
    inputs = {"clusterName": "prism", "addonName": "kube-proxy", "addonVersion": version}
    return Held(type=eks_rules.ADDON, id="prism:kube-proxy", urn="proxy", inputs=inputs)


@pytest.mark.parametrize(
    ("new", "before", "said"),
    [
        (
            cluster(vpcConfig={"subnetIds": ["one", "two", "three"]}),
            CLUSTER,
            (
                "belong to the AZs 'us-east-1a,us-east-1b,us-east-1c'. But they should belong to the exact set of AZs"
                " 'us-east-1a,us-east-1b'"
            ),
        ),
        (cluster(version="1.37"), CLUSTER, "Unsupported Kubernetes minor version update from 1.35 to 1.37"),
        (cluster(version="1.34"), CLUSTER, "Unsupported Kubernetes minor version update from 1.35 to 1.34"),
        (nodes(version="1.34"), None, "Nodegroup version 1.34 does not match cluster version 1.35"),
        (nodes(version="1.36"), nodes(version="1.35"), "Nodegroup version 1.36 does not match"),
        (nodes(version="1.34"), nodes(version="1.35"), "cannot be updated from 1.35 to the earlier 1.34"),
        (
            nodes(version="1.35", releaseVersion="1.34.9-20260714"),
            None,
            "Requested release version 1.34.9-20260714 is not valid for kubernetes version 1.35.",
        ),
        (
            nodes(version="1.35", releaseVersion="1.35.6-20260701"),
            nodes(version="1.35", releaseVersion="1.35.6-20260714"),
            "cannot be updated from 1.35.6-20260714 to the earlier 1.35.6-20260701",
        ),
        (sizes(8, 4, 16), sizes(4, 4, 8), "Minimum capacity 8 can't be greater than desired size 4"),
        (sizes(8, 4, 16), None, "minSize can't be greater than desiredSize"),
        (sizes(1, 9, 8), sizes(1, 9, 16), "desired capacity 9 can't be greater than max size 8"),
        (proxy("v1.36.0-eksbuild.14"), None, "Addon version specified is not supported"),
    ],
)
def test_what_eks_refuses_is_refused_in_its_words(new, before, said):
    assert said in (eks_rules.refusal(new, before, [CLUSTER, *SUBNETS]) or "accepted")


@pytest.mark.parametrize(
    ("new", "before"),
    [
        (cluster(vpcConfig={"subnetIds": ["one", "other"]}), CLUSTER),
        (cluster(version="1.36"), CLUSTER),
        (nodes(version="1.35", releaseVersion="1.35.6-20260714"), nodes(version="1.34")),
        (sizes(4, 4, 4), sizes(0, 0, 1)),
        (proxy("v1.35.3-eksbuild.13"), None),
        (proxy("v1.34.6-eksbuild.13"), None),
    ],
)
def test_what_eks_allows_is_allowed(new, before):
    assert eks_rules.refusal(new, before, [CLUSTER, *SUBNETS]) is None


def test_a_control_plane_waits_for_its_nodes_before_the_next_upgrade():
    standing = [CLUSTER, *SUBNETS, nodes(version="1.34")]
    said = eks_rules.refusal(cluster(version="1.36"), CLUSTER, standing)
    assert said
    assert "Nodegroups web must be updated to match cluster version 1.35" in said


def test_a_node_group_that_names_no_image_keeps_the_one_of_the_day_on_which_it_was_made():
    made = nodes()
    first = eks_rules.chosen(made, None, [CLUSTER], "20260101")
    assert first == {"version": "1.35", "releaseVersion": "1.35.0-20260101"}
    stands = Held(type=made.type, id=made.id, urn=made.urn, inputs=made.inputs, outputs={**made.outputs, **first})
    relabelled = nodes(labels={"tier": "web"})
    assert eks_rules.chosen(relabelled, stands, [cluster(version="1.36")], "20260601") == first
    template = nodes(launchTemplate={"version": "2"})
    later = eks_rules.chosen(template, stands, [CLUSTER], "20260601")
    assert later == {"version": "1.35", "releaseVersion": "1.35.0-20260601"}
