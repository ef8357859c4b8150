"""What the recorder keeps, and what it refuses rather than leave out."""

import textwrap

import pulumi
import pytest

from recording import recorder
from recording.graph import UNKNOWN, Secret

PROVIDER = """
import pulumi
import pulumi_aws as aws

provider = aws.Provider("aws", region="eu-west-1", allowed_account_ids=["111122223333"])
on_aws = pulumi.ResourceOptions(provider=provider)
"""


@pytest.fixture
def run(tmp_path):
    def record(program, *, known=False, head=PROVIDER):
        (tmp_path / "__main__.py").write_text(head + textwrap.dedent(program))
        return recorder.record(tmp_path, "shop", "dev", {}, known=known)

    return record


def test_parents_come_before_their_children_and_urns_name_all_ancestors(run):
    graph = run("""
        class Outer(pulumi.ComponentResource):
            def __init__(self, name):
                super().__init__("shop:x:Outer", name)
                aws.sns.Topic("topic", opts=pulumi.ResourceOptions(parent=Inner("inner", self), provider=provider))

        class Inner(pulumi.ComponentResource):
            def __init__(self, name, parent):
                super().__init__("shop:x:Inner", name, opts=pulumi.ResourceOptions(parent=parent))

        Outer("outer")
    """)
    topic = graph.of_type("aws:sns/topic:Topic")[0]
    assert topic.urn == "urn:pulumi:dev::shop::shop:x:Outer$shop:x:Inner$aws:sns/topic:Topic::topic"
    order = [resource.urn for resource in graph.resources]
    assert all(order.index(r.parent) < order.index(r.urn) for r in graph.resources if r.parent)


def test_options_secrets_and_the_line_are_kept(run):
    graph = run("""
        first = aws.sns.Topic("first", opts=on_aws)
        aws.sns.Topic(
            "second",
            display_name=pulumi.Output.secret("hush"),
            tags={"first": first.arn},
            opts=pulumi.ResourceOptions.merge(on_aws, pulumi.ResourceOptions(
                protect=True, retain_on_delete=True, ignore_changes=["tags"], depends_on=[first],
                custom_timeouts=pulumi.CustomTimeouts(create="5m"))),
        )
    """)
    second = graph.named("aws:sns/topic:Topic", "second")
    assert second["displayName"] == Secret("hush")
    assert second["tags"] == {"first": UNKNOWN}
    assert (second.protect, second.retain_on_delete) == (True, True)
    assert second.ignore_changes == ("tags",)
    assert second.custom_timeouts == {"create": "5m"}
    first = graph.named("aws:sns/topic:Topic", "first")
    assert second.dependencies == (first.urn,)
    assert second.property_dependencies["tags"] == (first.urn,)
    assert second.provider_urn == graph.of_type("pulumi:providers:aws")[0].urn
    assert (second.source.file, second.source.line) == ("__main__.py", 9)


def test_what_is_computed_from_a_secret_stays_secret(run):
    graph = run(
        """
        topic = aws.sns.Topic("topic", name=pulumi.Output.secret("hush"), opts=on_aws)
        pulumi.export("arn", topic.arn)
    """,
        known=True,
    )
    assert isinstance(graph.outputs["arn"], Secret)
    topic = graph.of_type("aws:sns/topic:Topic")[0]
    assert isinstance(topic["name"], Secret)
    assert isinstance(topic.outputs["arn"], Secret)


def test_a_transform_that_would_change_the_graph_is_refused(run):
    for program in (
        'aws.sns.Topic("t", opts=pulumi.ResourceOptions(provider=provider, transforms=[lambda args: None]))',
        "pulumi.runtime.register_resource_transform(lambda args: None)",
    ):
        with pytest.raises(NotImplementedError, match="runs no transforms"):
            run(program)


def test_a_type_without_synthetic_outputs_is_named(run):
    with pytest.raises(LookupError, match="no synthetic outputs for aws:sqs/queue:Queue"):
        run('aws.sqs.Queue("queue", opts=on_aws)', known=True)


def test_an_error_that_the_program_logs_ends_the_run(run):
    with pytest.raises(pulumi.RunError, match="this cannot be"):
        run('pulumi.log.error("this cannot be")')


def test_a_name_twice_is_refused(run):
    with pytest.raises(ValueError, match="twice"):
        run('aws.sns.Topic("a", opts=on_aws); aws.sns.Topic("a", opts=on_aws)')
