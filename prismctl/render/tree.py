"""The tree of components for a terminal."""

from collections.abc import Mapping

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from prismctl.render.words import phrase, short_type
from recording.graph import Graph, Resource, Unknown

_WIDE = 100
"""From how many characters on counts stand in two columns; in fewer they would be cut off."""


def render(graph: Graph, seconds: float, width: int) -> RenderableType:
    """Return tree, counts, outputs and the time the run took, for a terminal of this width."""
    return Group(
        _tree(graph),
        Text(),
        _counts(graph, columns=2 if width >= _WIDE else 1),
        Text(),
        _outputs(graph),
        Text(),
        summary(graph, seconds),
    )


def summary(graph: Graph, seconds: float) -> Text:
    """Return the closing line."""
    # The stack itself is counted, as `pulumi preview` does.
    resources = len(graph.resources)
    protected = sum(resource.protect for resource in graph.resources)
    mode = "as after an update" if graph.known else "as on an empty account"
    return Text(
        f"{graph.stack}: {resources} resources to create, {protected} protected, {mode}; {seconds:.1f} s", "bold"
    )


def _tree(graph: Graph) -> Tree:
    tree = Tree(Text(f"{graph.project} {graph.stack}", "bold"), guide_style="dim")
    _grow(tree, graph, graph.root)
    return tree


def _grow(tree: Tree, graph: Graph, parent: Resource) -> None:
    children = graph.children.get(parent.urn, ())
    if parent is not graph.root:
        children = sorted(children, key=lambda child: (child.name, child.type))
    for resource in children:
        line = Text(resource.name, "" if resource.custom else "bold cyan", end="")
        line.append(f"  {short_type(resource.type)}", "dim")
        if resource.protect:
            line.append("  protected", "green")
        _grow(tree.add(line), graph, resource)


def _counts(graph: Graph, columns: int) -> Table:
    table = Table(
        title="Resources by type", title_justify="left", title_style="bold", box=None, pad_edge=False, show_header=False
    )
    for _ in range(columns):
        table.add_column(justify="right", no_wrap=True, min_width=3)
        table.add_column(style="dim", no_wrap=True, ratio=1)
    cells = [(str(number), short_type(type_)) for type_, number in graph.counts().items()]
    rows = -(-len(cells) // columns)
    for row in range(rows):
        table.add_row(*(text for cell in cells[row::rows] for text in cell))
    return table


def _outputs(graph: Graph) -> Text:
    text = Text("Outputs", "bold")
    for key in sorted(graph.outputs):
        value = graph.outputs[key]
        text.append(f"\n{key}", "not bold")
        several = isinstance(value, Mapping) and not all(isinstance(item, Unknown) for item in value.values())
        for line in [f"{name}: {phrase(value[name])}" for name in sorted(value)] if several else [phrase(value)]:
            text.append(f"\n  {line}" if several else f"  {line}", "not bold dim")
    return text
