"""Repositories: what runs is what was pushed, and a release of last year can still be rolled back to."""

import functools

import pytest
from alone import CONTEXT, KEY_ARN, build
from image_expiry import Image, kept

from components.registry import Registry, RegistryArgs
from recording.graph import Graph, Resource

IMAGES = ("api", "web-server")


@functools.cache
def registry(*, protect: bool = True) -> Graph:
    args = RegistryArgs(context=CONTEXT, images=IMAGES, key_arn=KEY_ARN, protect=protect)
    return build(lambda opts: Registry("registry", args, opts))


def repositories(*, protect: bool = True) -> tuple[Resource, ...]:
    return registry(protect=protect).of_type("aws:ecr/repository:Repository")


def test_each_image_is_pushed_to_a_repository_of_its_name() -> None:
    assert {each.name: each["name"] for each in repositories()} == {
        "registry-api": "ai-prism-test/api",
        "registry-web-server": "ai-prism-test/web-server",
    }


def test_a_tag_never_means_another_image_than_the_one_that_was_tried() -> None:
    assert {each["imageTagMutability"] for each in repositories()} == {"IMMUTABLE"}


def test_every_push_is_looked_through_for_known_holes() -> None:
    assert [each["imageScanningConfiguration"] for each in repositories()] == [{"scanOnPush": True}] * len(IMAGES)


def test_images_are_encrypted_with_the_stacks_key() -> None:
    for each in repositories():
        assert each["encryptionConfigurations"] == [{"encryptionType": "KMS", "kmsKey": KEY_ARN}]


@pytest.mark.parametrize("protect", [True, False])
def test_a_stack_that_may_be_lost_goes_with_its_images_and_another_keeps_them(protect: bool) -> None:
    for each in repositories(protect=protect):
        assert (each.protect, each["forceDelete"]) == (protect, not protect)


@pytest.mark.parametrize("image", IMAGES)
def test_the_last_hundred_releases_can_be_rolled_back_to_however_old_they_are(image: str) -> None:
    policy = registry().named("aws:ecr/lifecyclePolicy:LifecyclePolicy", f"registry-{image}")
    assert (
        policy["repository"] == registry().named("aws:ecr/repository:Repository", f"registry-{image}").outputs["name"]
    )
    releases = [Image(f"v{number}", age_days=10 * number) for number in range(101)]
    assert kept(policy["policy"], releases) == {release.name for release in releases[:100]}


def test_a_push_of_several_architectures_has_a_week_before_its_left_overs_go() -> None:
    policy = registry().of_type("aws:ecr/lifecyclePolicy:LifecyclePolicy")[0]["policy"]
    pushed = [Image("fresh", 6.9, tagged=False), Image("left-over", 7.1, tagged=False), Image("v1", 7.1)]
    assert kept(policy, pushed) == {"fresh", "v1"}


def test_an_image_is_found_where_it_is_or_where_it_would_be() -> None:
    found: dict[str, object] = {}

    def make(opts: object) -> None:
        args = RegistryArgs(context=CONTEXT, images=["api"], key_arn=KEY_ARN, protect=True)
        made = Registry("registry", args, opts)  # type: ignore[arg-type]
        found["elsewhere"] = made.url("worker")
        found["urls"] = made.urls

    graph = build(make)
    host = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
    assert found["elsewhere"] == f"{host}/ai-prism-test/worker"
    urls = graph.of_type("ai-prism:aws:Registry")[0].outputs["urls"]
    assert urls == {"api": f"{host}/ai-prism-test/api"}
