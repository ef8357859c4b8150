"""Images of others by way of ECR: every one that can be, for every release and job, with rights for these alone."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from support import record_with
from third_party import RELEASE, releases

from components.image_places import place_of, places
from components.stack_context import StackContext
from prismctl.project import ROOT, Project
from recording.graph import Graph, Resource
from settings import stack as settings
from settings.image_registries import UPSTREAMS

RULE = "aws:ecr/pullThroughCacheRule:PullThroughCacheRule"
TEMPLATE = "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate"
OPEN = {"public.ecr.aws", "quay.io", "registry.k8s.io"}


def login(stack: str, name: str) -> str:
    aws = json.loads(Project(ROOT).config(stack)["ai-prism:aws"])
    return f"arn:aws:secretsmanager:{aws['region']}:{aws['account_id']}:secret:ecr-pullthroughcache/{name}-AbCdEf"


def with_logins() -> Graph:
    logins = {"docker_hub_login": login("dev", "hub"), "ghcr_login": login("dev", "ghcr")}
    return record_with("dev", images=json.dumps(logins))


def texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for item in value.values():
                yield from texts(item)
        case list():
            for item in value:
                yield from texts(item)
        case _:
            pass


def images(graph: Graph) -> list[str]:
    """Return the images of the program's own pods."""
    pods = [each["spec"]["template"]["spec"] for each in graph.of_type("kubernetes:batch/v1:Job")]
    return [each["image"] for pod in pods for each in (*pod.get("initContainers", []), *pod["containers"])]


def test_every_registry_is_cached_that_ecr_takes_images_from_without_a_login(known: Graph) -> None:
    assert {each["upstreamRegistryUrl"] for each in known.of_type(RULE)} == OPEN
    assert not any("credentialArn" in each.inputs for each in known.of_type(RULE))


def test_a_registry_that_wants_a_login_is_cached_once_the_stack_names_it() -> None:
    rules = {each["upstreamRegistryUrl"]: each.get("credentialArn") for each in with_logins().of_type(RULE)}

    assert rules == {
        **dict.fromkeys(OPEN),
        "registry-1.docker.io": login("dev", "hub"),
        "ghcr.io": login("dev", "ghcr"),
    }


def test_a_tag_means_one_image_from_the_first_that_is_pulled(known: Graph) -> None:
    templates = {each["prefix"]: each for each in known.of_type(TEMPLATE)}
    for rule in known.of_type(RULE):
        template = templates[rule["ecrRepositoryPrefix"]]
        assert template["appliedFors"] == ["PULL_THROUGH_CACHE"]
        assert template["imageTagMutability"] == "IMMUTABLE"
        assert template.urn in rule.dependencies


def test_the_newest_versions_are_kept_and_what_no_tag_names_goes(known: Graph) -> None:
    for template in known.of_type(TEMPLATE):
        tagged, untagged = json.loads(template["lifecyclePolicy"])["rules"]
        assert tagged["selection"]["countType"] == "imageCountMoreThan"
        assert untagged["selection"]["tagStatus"] == "untagged"


@pytest.mark.parametrize("other", ["dev2", "de", "prod"])
def test_two_stacks_of_one_account_and_region_keep_their_images_apart(other: str) -> None:
    own, others = (
        places(StackContext(stack, "111122223333", "us-east-1", "dev"), dict.fromkeys(UPSTREAMS, ""))
        for stack in ("dev", other)
    )
    assert len({*own.values(), *others.values()}) == 2 * len(UPSTREAMS)
    assert not any(f"{one}/".startswith(f"{another}/") for one in own.values() for another in others.values())


def test_the_longest_name_of_a_stack_leaves_room_for_every_registry() -> None:
    longest = places(StackContext("s" * 16, "111122223333", "us-east-1", "dev"), dict.fromkeys(UPSTREAMS, ""))

    assert longest.keys() == UPSTREAMS.keys()


def test_an_image_is_pulled_from_where_it_is_unless_its_registry_is_cached() -> None:
    known = {"quay.io": "own/quay"}

    assert place_of("quay.io/team/image:1", known) == "own/quay/team/image:1"
    assert place_of("quay.io", known) == "own/quay"
    assert place_of("quay.io.example.com/image", known) == "quay.io.example.com/image"
    assert place_of("nvcr.io/nvidia/image", known) == "nvcr.io/nvidia/image"


def test_no_pod_asks_for_an_image_before_it_can_be_cached(known: Graph) -> None:
    needed = {
        each.urn for each in (*known.of_type(RULE), known.named("aws:iam/rolePolicy:RolePolicy", "image-cache-nodes"))
    }
    for resource in (*releases(known), *known.of_type("kubernetes:batch/v1:Job")):
        assert needed <= known.needs(resource), resource.name


def test_jobs_of_the_program_take_their_images_from_the_cache_too() -> None:
    graph = with_logins()
    own = f"{graph.of_type(RULE)[0].outputs['registryId']}.dkr.ecr."

    assert images(graph)
    assert [image for image in images(graph) if not image.startswith(own)] == []


def test_no_release_names_a_registry_that_is_cached(known: Graph) -> None:
    for release in releases(known):
        named = [text for text in texts(release["values"]) if text.partition("/")[0] in OPEN]
        assert named == [], release.name


def test_a_stack_may_have_no_cache(stack: str) -> None:
    graph = record_with(stack, images=json.dumps({"source": "registries"}))

    assert not graph.of_type(RULE)
    assert not graph.of_type(TEMPLATE)
    assert not [each for each in graph.of_type("aws:iam/rolePolicy:RolePolicy") if each.name == "image-cache-nodes"]
    values = [text for release in releases(graph) for text in texts(release["values"])]
    assert not [text for text in values if ".dkr.ecr." in text]
    assert "quay.io/argoproj/argocd" in values


def test_the_outputs_say_from_where_images_come(known: Graph) -> None:
    told = known.outputs["imageRegistries"]

    assert told.keys() == UPSTREAMS.keys()
    assert {host for host, place in told.items() if place == host} == {
        host for host, upstream in UPSTREAMS.items() if upstream.login
    }


def test_a_login_is_needed_by_no_registry_that_is_cached_by_default() -> None:
    assert settings.Images().cached == dict.fromkeys(OPEN, "")


def release_of(graph: Graph, name: str) -> Resource:
    return graph.named(RELEASE, name)


def test_sidecars_and_the_mesh_come_from_the_cache_with_a_login() -> None:
    hub = release_of(with_logins(), "istiod")["values"]["global"]["hub"]

    assert hub.endswith(".amazonaws.com/ai-prism-dev/hub/istio")
