"""Wrong edits generated from Python's syntax tree: small slips that still compile.

Left out, by rule, is what no test could hold or what another test holds by its nature:

- texts for people: docstrings, what is raised, logged or warned, and what is given as a description, title or reason;
- types: annotations, decorators, and `repr`, `init`, `strict` or `encoding` as arguments;
- state keys: the type and the logical name in a resource's constructor, which the golden graphs hold;
- `register_outputs`, which only tells the engine's display.
"""

import ast
import bisect
import io
import re
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from tools.mutants.edits import Edit

FOR_PEOPLE = frozenset(
    {"description", "title", "summary", "reason", "comment", "alarm_description", "Name", "sid", "Sid", "statement_id"}
)
"""Arguments and keys whose text only people read."""
NO_BEHAVIOUR = frozenset({"repr", "init", "compare", "strict", "encoding", "kw_only", "frozen"})
"""Arguments that change no value."""
SAYS = frozenset({"info", "warn", "warning", "debug", "error", "print", "register_outputs"})
"""Calls that only tell something."""
_COMPARISONS: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
}
_ARITHMETIC: dict[type[ast.operator], tuple[str, str]] = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "//"),
    ast.FloorDiv: ("//", "*"),
    ast.Div: ("/", "*"),
}
_SHOWN = 60
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")
_LAYOUT = {
    *(tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT),
    *(tokenize.COMMENT, tokenize.ENDMARKER, tokenize.ENCODING),
}


@dataclass(frozen=True)
class _Token:
    """A token that is no layout, by offsets of bytes."""

    start: int
    end: int
    text: str


def of_file(root: Path, file: str) -> list[Edit]:
    """Return all generated edits of a Python file below `root`, in order of their place."""
    source = (root / file).read_bytes()
    finder = _Finder(file, source)
    finder.visit(ast.parse(source))
    return sorted(set(finder.found))


class _Finder(ast.NodeVisitor):
    """Collects edits on the way through a module."""

    def __init__(self, file: str, source: bytes) -> None:
        self.found: list[Edit] = []
        self._file, self._source = file, source
        self._lines = [0]
        for line in source.splitlines(keepends=True):
            self._lines.append(self._lines[-1] + len(line))
        self._tokens = self._tokenize()

    # Where things stand.

    def _tokenize(self) -> list[_Token]:
        lines = self._source.decode().splitlines(keepends=True)

        def offset(place: tuple[int, int]) -> int:
            line, column = place
            return self._lines[line - 1] + len(lines[line - 1][:column].encode())

        return [
            _Token(offset(token.start), offset(token.end), token.string)
            for token in tokenize.generate_tokens(io.StringIO(self._source.decode()).readline)
            if token.type not in _LAYOUT
        ]

    def _span(self, node: ast.expr | ast.stmt | ast.keyword) -> tuple[int, int]:
        assert node.end_lineno is not None and node.end_col_offset is not None  # noqa: S101, PT018
        start = self._lines[node.lineno - 1] + node.col_offset
        return start, self._lines[node.end_lineno - 1] + node.end_col_offset

    def _text(self, node: ast.expr | ast.stmt) -> str:
        start, end = self._span(node)
        return self._source[start:end].decode()

    def _add(self, line: int, span: tuple[int, int], text: str, what: str) -> None:
        self.found.append(Edit(file=self._file, line=line, start=span[0], end=span[1], text=text, what=what))

    def _replace(self, node: ast.expr, text: str) -> None:
        self._add(node.lineno, self._span(node), text, f"{_short(self._text(node))} is {_short(text)}")

    def _elements(self, node: ast.expr, nodes: Sequence[ast.AST | None], of: str, leave: int = 0) -> None:
        """Drop each of several things between commas; None stays, and `leave` is how many must."""
        spans = self._parts(node)
        if len(spans) != len(nodes) or len(spans) <= leave:
            return
        for index, (each, (start, end)) in enumerate(zip(nodes, spans, strict=True)):
            if each is None:
                continue
            if index + 1 < len(spans):
                span = start, spans[index + 1][0]
            elif index:
                span = spans[index - 1][1], end
            else:
                comma = re.match(rb"\s*,", self._source[end:])
                span = start, end + (comma.end() if comma else 0)
            what = f"without {_short(self._source[start:end].decode())} in {of}"
            self._add(self._line(start), span, "", what)

    def _line(self, offset: int) -> int:
        return bisect.bisect_right(self._lines, offset)

    def _parts(self, node: ast.expr) -> list[tuple[int, int]]:
        """Return where the things between commas stand in a display or a call; none where it has no brackets."""
        start, end = self._span(node)
        first = self._span(node.func)[1] if isinstance(node, ast.Call) else start
        inside = [token for token in self._tokens if first <= token.start < end]
        while inside and isinstance(node, ast.Call) and inside[0].text == ")":
            inside.pop(0)  # of what is called
        if not inside or inside[0].text not in _OPENING:
            return []
        parts: list[tuple[int, int]] = []
        depth, begin, last = 0, 0, 0
        for token in inside:
            depth += (token.text in _OPENING) - (token.text in _CLOSING)
            if depth == 0 or (depth == 1 and token.text == ","):
                if begin:
                    parts.append((begin, last))
                begin = 0
            elif token.start != inside[0].start:
                begin = begin or token.start
                last = token.end
            if depth == 0:
                break
        return parts

    # What is passed over.

    def visit_Expr(self, node: ast.Expr) -> None:
        match node.value:
            case ast.Constant(value=str()):
                return
            case ast.Call() as call if _name(call.func) not in {"__init__", *SAYS}:
                start, end = self._span(node)
                self._add(node.lineno, (start, end), "pass", f"without {_short(self._text(node))}")
            case _:
                pass
        self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> None:
        """Pass over what is raised: who needs it asks whether, not in which words."""

    def visit_Import(self, node: ast.Import) -> None:
        """Pass over: names are no values."""

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """Pass over: names are no values."""

    def visit_Assert(self, node: ast.Assert) -> None:
        """Pass over: it is there for the type checker."""

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value:
            self.visit(node.value)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        for default in (*node.args.defaults, *node.args.kw_defaults):
            if default:
                self.visit(default)
        for statement in node.body:
            self.visit(statement)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for statement in node.body:
            self.visit(statement)

    def visit_If(self, node: ast.If) -> None:
        if _name(node.test) != "TYPE_CHECKING":
            self._invert(node.test)
            self.generic_visit(node)

    # What is edited.

    def _invert(self, test: ast.expr) -> None:
        if not isinstance(test, ast.Compare | ast.UnaryOp):
            self._replace(test, f"not ({self._text(test)})")

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self._invert(node.test)
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not):
            self._replace(node, f"({self._text(node.operand)})")
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        old, new = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        for left, right in pairwise(node.values):
            self._operator(node, left, right, old, new)
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        left = node.left
        for operator, right in zip(node.ops, node.comparators, strict=True):
            self._operator(node, left, right, *_COMPARISONS[type(operator)])
            left = right
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        if type(node.op) in _ARITHMETIC:
            self._operator(node, node.left, node.right, *_ARITHMETIC[type(node.op)])
        self.generic_visit(node)

    def _operator(self, node: ast.expr, left: ast.expr, right: ast.expr, old: str, new: str) -> None:
        """Replace what stands between two operands."""
        start, end = self._span(left)[1], self._span(right)[0]
        between = self._source[start:end].decode()
        pattern = r"\s+".join(map(re.escape, old.split()))
        if old[0].isalpha():
            pattern = rf"\b{pattern}\b"
        if len(re.findall(pattern, between)) == 1:
            shown = f"{_short(self._text(left), 24)} {new} {_short(self._text(right), 24)}"
            self._add(node.lineno, (start, end), re.sub(pattern, new, between), f"{old} is {new}: {shown}")

    def visit_Constant(self, node: ast.Constant) -> None:
        match node.value:
            case bool():
                self._replace(node, str(not node.value))
            case int():
                self._replace(node, str(node.value + 1))
                self._replace(node, str(node.value - 1))
            case float():
                self._replace(node, repr(node.value * 2))
            case str() if node.value:
                self._alter(node)
            case _:
                pass

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        if any(isinstance(part, ast.Constant) for part in node.values):
            self._alter(node)

    def _alter(self, node: ast.Constant | ast.JoinedStr) -> None:
        text = self._text(node)
        opening = re.match(r"""[a-zA-Z]*(?:\"""|'''|"|')""", text)
        if opening:
            self._replace(node, f"{opening[0]}x{text[opening.end() :]}")

    def visit_List(self, node: ast.List) -> None:
        self._elements(node, node.elts, "a list")
        self.generic_visit(node)

    def visit_Set(self, node: ast.Set) -> None:
        self._elements(node, node.elts, "a set", leave=1)
        self.generic_visit(node)

    def visit_Tuple(self, node: ast.Tuple) -> None:
        # Two may be a pair that is taken apart.
        if isinstance(node.ctx, ast.Load):
            self._elements(node, node.elts, "a tuple", leave=2)
        self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        self.visit(node.value)
        if not isinstance(node.slice, ast.Tuple):  # of a type
            self.visit(node.slice)

    def visit_Dict(self, node: ast.Dict) -> None:
        # Another key is the same as no entry, as far as anybody notices.
        pairs = [
            None if isinstance(key, ast.Constant) and key.value in FOR_PEOPLE else value
            for key, value in zip(node.keys, node.values, strict=True)
        ]
        self._elements(node, pairs, "a mapping")
        for value in pairs:
            if value:
                self.visit(value)

    def visit_Call(self, node: ast.Call) -> None:
        name = _name(node.func)
        if name in SAYS:
            return
        makes = name[:1].isupper() and isinstance(node.func, ast.Attribute)
        if isinstance(node.func, ast.Attribute):
            self.visit(node.func.value)
        if name != "__init__":
            for argument in node.args[1 if makes else 0 :]:
                self.visit(argument)
        passed_over = FOR_PEOPLE | NO_BEHAVIOUR
        if makes:
            # Of the SDK: what is not given has a default. Our own functions are held by the type checker.
            options = [each if each.arg and each.arg not in passed_over else None for each in node.keywords]
            self._elements(node, [*(None for _ in node.args), *options], name)
        for each in node.keywords:
            if each.arg not in passed_over:
                self.visit(each.value)


def _name(node: ast.expr) -> str:
    """Return the last part of a name."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _short(text: str, length: int = _SHOWN) -> str:
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 1]}…"


def of_folders(root: Path, folders: Sequence[str]) -> Iterator[Edit]:
    """Yield the generated edits of all Python files below these folders."""
    for folder in folders:
        for file in sorted((root / folder).rglob("*.py")):
            yield from of_file(root, file.relative_to(root).as_posix())
