"""Images of others by way of ECR: every one that can be, for every release and job, with rights for these alone."""

import functools
import json

import pytest
from alone import CONTEXT, build
from image_expiry import Image, kept
from support import record_with, texts
from third_party import RELEASE, releases

from components.image_cache import ImageCache, ImageCacheArgs
from components.image_places import place_of, places
from components.stack_context import StackContext
from fakes.iam.evaluator import Caller, decide
from fakes.iam.roles import statements
from prismctl.project import ROOT, Project
from recording.graph import Graph, Resource
from settings import stack as settings
from settings.image_registries import UPSTREAMS

RULE = "aws:ecr/pullThroughCacheRule:PullThroughCacheRule"
TEMPLATE = "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate"
CACHED = ("quay.io", "docker.io")
OPEN = {"public.ecr.aws", "quay.io", "registry.k8s.io"}


def login(stack: str, name: str) -> str:
    aws = json.loads(Project(ROOT).config(stack)["ai-prism:aws"])
    return f"arn:aws:secretsmanager:{aws['region']}:{aws['account_id']}:secret:ecr-pullthroughcache/{name}-AbCdEf"


def with_logins() -> Graph:
    logins = {"docker_hub_login": login("dev", "hub"), "ghcr_login": login("dev", "ghcr")}
    return record_with("dev", images=json.dumps(logins))


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


LOGIN = CONTEXT.arn("secretsmanager", "secret:ecr-pullthroughcache/hub-AbCdEf")
NODE_ROLE = "cluster-node-1a2b3c"
"""Of the node's role, as it was made."""


@functools.cache
def cache() -> Graph:
    """Return the cache of two registries alone, one of them with a login."""
    args = ImageCacheArgs(context=CONTEXT, registries={"quay.io": "", "docker.io": LOGIN}, node_role_name=NODE_ROLE)
    return build(lambda opts: ImageCache("image-cache", args, opts))


def rule(host: str) -> Resource:
    return cache().named(RULE, f"image-cache-{UPSTREAMS[host].word}")


def template(host: str) -> Resource:
    return cache().named(TEMPLATE, f"image-cache-{UPSTREAMS[host].word}")


def test_each_registry_has_a_prefix_of_the_stacks_under_which_its_images_are_found() -> None:
    found = {host: (rule(host)["ecrRepositoryPrefix"], rule(host)["upstreamRegistryUrl"]) for host in CACHED}
    assert found == {
        "quay.io": ("ai-prism-test/quay", "quay.io"),
        "docker.io": ("ai-prism-test/hub", "registry-1.docker.io"),
    }
    for host in CACHED:
        assert template(host)["prefix"] == rule(host)["ecrRepositoryPrefix"], host


def test_a_login_is_used_for_the_registry_that_wants_one_and_for_no_other() -> None:
    assert {host: rule(host).get("credentialArn") for host in CACHED} == {"quay.io": None, "docker.io": LOGIN}


@pytest.mark.parametrize("host", CACHED)
def test_a_tag_means_one_image_from_the_first_that_is_pulled(host: str) -> None:
    assert template(host)["appliedFors"] == ["PULL_THROUGH_CACHE"]
    assert template(host)["imageTagMutability"] == "IMMUTABLE"
    # A template's settings hold for repositories that are made after it.
    assert template(host).urn in rule(host).dependencies


@pytest.mark.parametrize("host", CACHED)
def test_ecr_makes_the_repositories_without_a_role_of_the_stacks(host: str) -> None:
    """With a KMS key or tags, it would want one: the first pull would fail."""
    assert template(host)["encryptionConfigurations"] == [{"encryptionType": "AES256"}]
    assert "customRoleArn" not in template(host)
    assert "resourceTags" not in template(host)


@pytest.mark.parametrize("host", CACHED)
def test_a_hundred_versions_stay_however_old_and_what_no_tag_names_goes_after_a_week(host: str) -> None:
    """A node that starts next year pulls what runs today, also while the publisher is not there."""
    versions = [Image(f"v{number}", age_days=30 * number) for number in range(101)]
    parts = [Image("part", 6.9, tagged=False), Image("old part", 7.1, tagged=False)]
    stay = kept(template(host)["lifecyclePolicy"], [*versions, *parts])
    assert stay == {"part", *(version.name for version in versions[:100])}


def node_may(action: str, repository: str) -> bool:
    grants = statements(cache().named("aws:iam/rolePolicy:RolePolicy", "image-cache-nodes")["policy"])
    node = Caller(arn=CONTEXT.iam_arn(f"role/ai-prism/test/{NODE_ROLE}"), identity=grants)
    return bool(decide(node, action, CONTEXT.arn("ecr", f"repository/{repository}")))


def test_whoever_pulls_an_image_first_has_its_repository_made_and_filled() -> None:
    assert cache().named("aws:iam/rolePolicy:RolePolicy", "image-cache-nodes")["role"] == NODE_ROLE
    for repository in ("ai-prism-test/quay/team/image", "ai-prism-test/hub/library/redis"):
        for action in ("ecr:CreateRepository", "ecr:BatchImportUpstreamImage"):
            assert node_may(action, repository), (action, repository)


def test_a_node_fills_nothing_else_and_pushes_nothing() -> None:
    for repository in ("ai-prism-test/api", "ai-prism-test/ghcr/team/image", "ai-prism-prod/quay/team/image"):
        assert not node_may("ecr:CreateRepository", repository), repository
    for action in ("ecr:PutImage", "ecr:DeleteRepository", "ecr:SetRepositoryPolicy"):
        assert not node_may(action, "ai-prism-test/quay/team/image"), action


def test_images_of_a_registry_that_is_not_cached_are_pulled_from_itself() -> None:
    told = cache().of_type("ai-prism:aws:ImageCache")[0].outputs["registries"]
    own = "123456789012.dkr.ecr.us-east-1.amazonaws.com/ai-prism-test"
    cached = {"quay.io": f"{own}/quay", "docker.io": f"{own}/hub"}
    assert told == {host: cached.get(host, host) for host in UPSTREAMS}


def test_a_stack_without_a_cache_makes_nothing_and_gives_nodes_no_right() -> None:
    args = ImageCacheArgs(context=CONTEXT, registries={}, node_role_name=NODE_ROLE)
    graph = build(lambda opts: ImageCache("image-cache", args, opts))
    assert not graph.of_type(RULE, TEMPLATE, "aws:iam/rolePolicy:RolePolicy")


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
