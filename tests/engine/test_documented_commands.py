"""The commands in the documentation are those that the tests run on the real CLI."""

import ast
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from prismctl.project import ROOT

DOCUMENTS = ("README.md", "docs/adopting.md", "docs/run-for-real.md", "docs/recovery.md")
SOURCES = ("world.py", *(f"scenarios/{name}" for name in ("conftest.py", "test_*.py")))
"""Where commands are run; their words are string literals."""

RUN: Mapping[str, frozenset[str]] = {
    "cancel": frozenset({"--stack", "--yes"}),
    "destroy": frozenset({"--continue-on-error", "--stack", "--yes"}),
    "import": frozenset({"--file", "--generate-code=false", "--protect=false", "--stack", "--yes"}),
    "preview": frozenset({"--import-file", "--json", "--stack"}),
    "refresh": frozenset({"--clear-pending-creates", "--expect-no-changes", "--stack", "--yes"}),
    "stack export": frozenset({"--stack"}),
    "stack import": frozenset({"--file", "--stack"}),
    "stack init": frozenset({"--secrets-provider=passphrase", "NAME"}),
    "stack output": frozenset({"--json", "--stack"}),
    "up": frozenset({"--continue-on-error", "--expect-no-changes", "--parallel", "--stack", "--yes"}),
}
"""What a person may be told to type; not `--skip-preview`, which tests add to up, refresh and import to save time."""

NOT_RUN: Mapping[str, str] = {
    "pulumi login s3://YOUR-STATE-BUCKET": "needs a bucket; the tests' backend is a folder",
    'pulumi stack init staging --secrets-provider "awskms://alias/YOUR-STATE-KEY?region=us-east-1"': (
        "needs a KMS key; the tests' secrets provider is a passphrase"
    ),
    "pulumi stack output kubeconfig --stack staging --show-secrets > kubeconfig": (
        "of use with a real cluster alone; the tests see to it that it is secret without the option"
    ),
}
"""Commands that do need AWS, and why."""

_FENCE = re.compile(r"^ *(?:\d+\. )?```console\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
_WITH_VALUE = ("--file", "--import-file", "--parallel", "--stack")


def documented() -> Iterator[tuple[str, str]]:
    """Yield the document and the text of each Pulumi command in one."""
    for name in DOCUMENTS:
        for block in _FENCE.findall((ROOT / name).read_text(encoding="utf-8")):
            for line in block.splitlines():
                command = line.strip().removeprefix("$ ")
                if command.startswith("pulumi "):
                    yield name, command


def not_run(command: str) -> set[str]:
    """Return what no test runs of a command: some of its words, or all of it."""
    words = shlex.split(command.partition(" > ")[0], comments=True)[1:]
    verb = next((verb for verb in RUN if words[: len(verb.split())] == verb.split()), None)
    return {command} if verb is None else set(_words(words[len(verb.split()) :])) - RUN[verb]


def _words(words: list[str]) -> Iterator[str]:
    """Yield options, with their value only where it makes another thing of the command, and NAME for a plain word."""
    rest = iter(words)
    for word in rest:
        if word == "--secrets-provider":
            yield f"{word}={next(rest, '')}"
        elif word in _WITH_VALUE:
            next(rest, None)
            yield word
        else:
            yield word if word.startswith("-") else "NAME"


def calls(source: str) -> Iterator[tuple[str, set[str]]]:
    """Yield verb and options of each command that a source runs.

    That is `run("up", …, "--yes")`, `up("--yes")` of a world, or `command("--yes")` where a world's `up` was passed on.
    Options may also stand in what is called `options`.
    """
    tree = ast.parse(source)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    given = [(function, node) for function in functions for node in ast.walk(function) if isinstance(node, ast.Call)]
    passed_on = {each.attr for _, call in given for each in call.args if isinstance(each, ast.Attribute)}
    for function, call in given:
        words = [each.value for each in call.args if isinstance(each, ast.Constant) and isinstance(each.value, str)]
        if any(isinstance(each, ast.Starred) for each in call.args):
            words += _options(function)
        match call.func:
            case ast.Attribute(attr="run" | "start"):
                commands = [words]
            case ast.Attribute(attr=name):
                commands = [[name, *words]]
            case ast.Name(id="command"):
                commands = [[name, *words] for name in passed_on]
            case _:
                commands = []
        for command in commands:
            for verb in RUN:
                if command[: len(verb.split())] == verb.split():
                    yield verb, {*command[len(verb.split()) :]}


def _options(function: ast.FunctionDef) -> list[str]:
    """Return the texts in what a function calls `options`."""
    return [
        each.value
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and "options" in {ast.unparse(target) for target in node.targets}
        for each in ast.walk(node.value)
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    ]


def test_the_documents_have_commands():
    assert {name for name, _ in documented()} == set(DOCUMENTS)


@pytest.mark.parametrize(("name", "command"), sorted({*documented()}))
def test_a_documented_command_is_one_that_the_tests_run(name: str, command: str):
    assert command in NOT_RUN or not not_run(command), f"{name} tells to run what no test runs: {command}"


def test_what_is_said_to_be_run_is_run():
    here = Path(__file__).parent
    found = [
        call for pattern in SOURCES for file in here.glob(pattern) for call in calls(file.read_text(encoding="utf-8"))
    ]

    for verb, options in RUN.items():
        run = {word for each, words in found if each == verb for word in words}
        assert verb in {each for each, _ in found}
        for option in options - {"NAME"}:
            assert option in run or set(option.split("=")) <= run, f"{verb} {option}"


def test_an_option_is_one_of_the_command_that_it_stands_in():
    source = """
def life(world):
    options = ("--yes", "--json")
    world.run("stack", "init", "--file", "a")
    world.start("refresh", "--stack", *options)
    world.up("--parallel", "4").must()
    note = "--protect=false"
    repeat(world.destroy, 2)

def repeat(command, times):
    command("--continue-on-error")
"""
    assert sorted(calls(source), key=str) == [
        ("destroy", {"--continue-on-error"}),
        ("refresh", {"--stack", "--yes", "--json"}),
        ("stack init", {"--file", "a"}),
        ("up", {"--parallel", "4"}),
    ]


def test_exceptions_are_documented_commands():
    assert set(NOT_RUN) <= {command for _, command in documented()}


@pytest.mark.parametrize(
    "command",
    [
        "pulumi destroy --stack prod --skip-preview",
        "pulumi import aws:ec2/vpc:Vpc network-vpc vpc-1",
        "pulumi stack init prod --secrets-provider awskms://key",
        "pulumi stack rm prod",
        "pulumi up --stack prod --target URN",
    ],
)
def test_a_command_that_no_test_runs_is_found(command: str):
    assert not_run(command)


def test_every_make_target_in_the_documents_exists():
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    documents = (
        "README.md",
        "CONTRIBUTING.md",
        *sorted(str(each.relative_to(ROOT)) for each in ROOT.glob("docs/**/*.md")),
    )
    told = {
        (name, target)
        for name in documents
        for target in re.findall(
            r"(?:`|^\s*(?:\$ )?)make ([a-z][a-z0-9-]*)", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE
        )
    }

    assert {"engine", "e2e"} <= {target for name, target in told if name == "docs/engine.md"}
    assert [each for each in sorted(told) if each[1] not in targets] == []
