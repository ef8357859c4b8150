"""The comment under a pull request: it tells what matters, shows no secret, and survives any text."""

import dataclasses
import re

import pytest
from support import recorded

from prismctl.render import markdown
from prismctl.render.words import short_type
from recording.graph import STACK_TYPE, UNKNOWN, Graph, Resource, Secret


@pytest.fixture(scope="module", params=[False, True], ids=["unknown", "known"])
def graph(request: pytest.FixtureRequest) -> Graph:
    return recorded("prod", known=request.param)


@pytest.fixture(scope="module")
def comment(graph: Graph) -> str:
    return markdown.render(graph)


def resource(type_: str, name: str, *, parent: Resource | None = None, protect: bool = False) -> Resource:
    return Resource(
        urn=f"urn:pulumi:s::p::{f'{parent.type}$' if parent and parent.type != STACK_TYPE else ''}{type_}::{name}",
        type=type_,
        name=name,
        custom=not type_.startswith("ai-prism:"),
        parent=parent.urn if parent else f"urn:pulumi:s::p::{STACK_TYPE}::stack" if type_ != STACK_TYPE else None,
        protect=protect,
        read_inputs=dict,
        read_outputs=dict,
    )


ROOT = resource(STACK_TYPE, "stack")
STORE = resource("ai-prism:aws:Storage", "storage", parent=ROOT)


def render(*resources: Resource, outputs: dict[str, object] | None = None, warnings: tuple[str, ...] = ()) -> str:
    return markdown.render(
        Graph(
            project="ai-prism",
            stack="test",
            resources=(ROOT, *resources),
            outputs=outputs or {},
            warnings=warnings,
            known=False,
        )
    )


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def row(text: str, first: str) -> list[str]:
    """Return the one row of a table that starts with `first`."""
    found = [line for line in text.splitlines() if line.startswith(f"| {first} |")]
    assert len(found) == 1
    return cells(found[0])


def test_a_bot_finds_the_comment_by_its_first_line(comment: str) -> None:
    assert comment.splitlines()[0] == "<!-- ai-prism preview: prod -->"
    assert comment.splitlines()[2] == "## Preview: prod"


def test_the_summary_counts_resources_and_protection(comment: str, graph: Graph) -> None:
    protected = sum(resource.protect for resource in graph.resources)
    assert f"**{len(graph.resources)} resources**, {protected} protected" in comment


def test_every_component_has_a_row_with_what_it_keeps(comment: str, graph: Graph) -> None:
    for component in graph.children[graph.root.urn]:
        if not component.custom:
            assert row(comment, f"**{component.name}**")[1] == short_type(component.type)
    assert row(comment, "**storage**")[3] == "storage-access-logs, storage-documents"


def test_resources_of_nested_components_are_counted() -> None:
    inner = resource("ai-prism:aws:Inner", "inner", parent=STORE)
    bucket = resource("aws:s3/bucket:Bucket", "bucket", parent=inner, protect=True)
    assert row(render(STORE, inner, bucket), "**storage**")[2:] == ["1", "bucket", "1"]


@pytest.mark.parametrize("type_", markdown.STATEFUL)
def test_each_stateful_resource_tells_whether_it_is_protected(type_: str) -> None:
    kept, open_ = resource(type_, "kept", protect=True), resource(type_, "open")
    text = render(kept, open_)
    assert row(text, "kept")[2] == "yes"
    assert row(text, "open")[2] == "**no**"


def test_what_keeps_nothing_is_not_listed_as_stateful() -> None:
    assert "Stateful resources" not in render(resource("aws:ec2/vpc:Vpc", "vpc"))


def test_warnings_are_shown_where_there_are_any() -> None:
    text = render(warnings=("version 1 is *old*\nupgrade",))
    assert "1 warning;" in text
    assert "> [!WARNING]\n> - version 1 is &#42;old&#42;\n> - upgrade" in text
    assert "[!WARNING]" not in render()


def test_secrets_are_hidden_and_unknown_values_called_so() -> None:
    text = render(outputs={"password": Secret("hunter2"), "list": [Secret("hunter2")], "address": UNKNOWN})
    assert "hunter2" not in text
    assert row(text, "password")[1] == "&#91;secret&#93;"
    assert row(text, "address")[1] == "known after an update"


def test_the_kubeconfig_of_a_stack_is_hidden(comment: str) -> None:
    assert row(comment, "kubeconfig")[1] == "&#91;secret&#93;"
    assert "certificate-authority" not in comment


@pytest.mark.parametrize("text", ["a|b", "<script>", "`code`", "@somebody", "**bold**", "[link](x)", "a\nb", "&lt;"])
def test_no_value_can_leave_its_cell_or_be_markup(text: str) -> None:
    shown = row(render(outputs={"value": text}), "value")
    assert len(shown) == 2
    assert not re.search(r"[<>`@*\[\]]", shown[1])
    assert re.sub(r"&#(\d+);", lambda match: chr(int(match[1])), shown[1]) == text.replace("\n", " ")


def test_tables_have_as_many_cells_in_each_row(comment: str) -> None:
    width = 0
    for line in comment.splitlines():
        if line.startswith("|"):
            width = width or len(cells(line))
            assert len(cells(line)) == width
        else:
            width = 0


def test_the_whole_tree_is_there_to_unfold(comment: str, graph: Graph) -> None:
    tree = comment.partition("```text\n")[2].partition("\n```")[0].splitlines()
    assert len(tree) == len(graph.resources)
    assert sum(line.endswith("  protected") for line in tree) == sum(resource.protect for resource in graph.resources)
    assert comment.count("<details>") == comment.count("</details>") == 2
    # Without the empty line GitHub takes what follows as HTML.
    assert "</summary>\n\n" in comment


def test_a_name_with_backticks_stays_in_its_block() -> None:
    assert "````text\n" in render(resource("aws:ec2/vpc:Vpc", "```"))


def test_every_type_is_counted(comment: str, graph: Graph) -> None:
    for type_, number in graph.counts().items():
        assert f"| {short_type(type_)} | {number} |" in comment


def test_the_order_of_registration_changes_nothing(graph: Graph) -> None:
    resources = tuple(reversed(graph.resources))
    assert markdown.render(dataclasses.replace(graph, resources=resources)) == markdown.render(graph)


def test_the_order_of_namesakes_changes_nothing() -> None:
    nodes = resource("ai-prism:aws:Nodes", "storage", parent=ROOT)
    kept = resource("aws:s3/bucket:Bucket", "bucket", parent=STORE, protect=True)
    open_ = resource("aws:s3/bucket:Bucket", "bucket", parent=nodes)
    assert render(STORE, nodes, kept, open_) == render(nodes, STORE, open_, kept)
