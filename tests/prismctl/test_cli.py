"""The command line: what it answers, where, and with which exit code."""

import gc
import json
import subprocess
import sys

import pytest

from prismctl import cli
from prismctl.project import ROOT, Project


@pytest.fixture(autouse=True)
def _undone(monkeypatch):
    """Undo what a command does to its process, which would otherwise end with it."""
    monkeypatch.setenv("AI_PRISM_TODAY", "2026-11-23")
    collecting = gc.isenabled()
    yield
    if collecting:  # not where nothing is collected for all tests
        gc.enable()


def python(*arguments):
    return subprocess.run(  # noqa: S603  # this interpreter, with arguments from this file
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )


def test_an_unknown_stack_is_answered_with_those_that_exist(capsys):
    assert cli.main(["preview", "nowhere"]) == 2
    assert tuple(capsys.readouterr()) == (
        "",
        "error: no stack called 'nowhere'\npossible are " + ", ".join(Project(ROOT).stacks()) + ", or all\n",
    )


def test_a_misspelt_stack_is_answered_with_a_suggestion(capsys):
    assert cli.main(["preview", "prd", "--json"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: no stack called 'prd'; did you mean \"prod\"?\n")


PREVIEW_USAGE = """\
Usage: prismctl preview [OPTIONS] {STACK|all}
Try 'prismctl preview --help' for help.

"""
USAGE = """\
Usage: prismctl [OPTIONS] COMMAND [ARGS]...
Try 'prismctl --help' for help.

"""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["preview"], f"{PREVIEW_USAGE}Error: Missing argument 'STACK|all'.\n"),
        (["preview", "dev", "--jsn"], f"{PREVIEW_USAGE}Error: No such option: --jsn"),
        (["preview", "dev", "prod"], f"{PREVIEW_USAGE}Error: Got unexpected extra argument(s) (prod)\n"),
        (["preview", "dev", "--svg"], "Error: Option '--svg' requires an argument.\n"),
        (["preview", "dev", "--json=3"], "Error: Option '--json' does not take a value.\n"),
        (["preveiw"], f"{USAGE}Error: No such command 'preveiw'. Did you mean 'preview'?\n"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_use_is_told_on_standard_error(arguments, message, capsys):
    assert cli.main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(message)


def test_no_command_is_bad_use_and_answered_with_help(capsys):
    assert cli.main([]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("Usage: prismctl [OPTIONS] COMMAND [ARGS]...\n")
    assert "\n  preview " in err


def test_bad_use_has_no_stack_trace():
    run = python("-m", "prismctl", "preview")
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == f"{PREVIEW_USAGE}Error: Missing argument 'STACK|all'.\n"


@pytest.mark.parametrize("arguments", [["--help"], ["preview", "--help"], ["versions", "--help"]], ids=" ".join)
def test_help_is_no_mistake(arguments, capsys):
    assert cli.main(arguments) == 0
    out, err = capsys.readouterr()
    assert out.startswith("Usage: prismctl")
    assert err == ""


def test_help_names_every_command(capsys):
    cli.main(["--help"])
    out = capsys.readouterr().out
    assert "\n  preview " in out
    assert "\n  versions " in out
    assert "\n  timeline " in out


def test_help_says_what_each_command_does_in_a_whole_sentence(capsys):
    cli.main(["--help"])
    commands = capsys.readouterr().out.partition("Commands:")[2].splitlines()[1:]
    assert [line for line in commands if not line.endswith(".") or line.endswith("...")] == []


def test_help_needs_neither_pulumi_nor_pydantic():
    heavy = "[name for name in sys.modules if name.partition('.')[0] in ('pulumi', 'pulumi_aws', 'pydantic')]"
    found = python("-c", f"import sys, prismctl.cli; print({heavy})")
    assert (found.returncode, found.stdout, found.stderr) == (0, "[]\n", "")


@pytest.mark.parametrize("option", ["--markdown", "--svg"])
def test_a_file_in_a_folder_that_does_not_exist_is_refused_before_anything_is_written(option, tmp_path, capsys):
    file = tmp_path / "missing" / "file"
    assert cli.main(["preview", "dev", option, str(file)]) == 2
    assert tuple(capsys.readouterr()) == ("", f"error: {file}: the folder does not exist\n")
    assert list(tmp_path.iterdir()) == []


def test_one_missing_folder_keeps_the_other_file_from_being_written(tmp_path, capsys):
    missing = tmp_path / "missing" / "file.svg"
    assert cli.main(["preview", "dev", "--markdown", str(tmp_path / "file.md"), "--svg", str(missing)]) == 2
    assert tuple(capsys.readouterr()) == ("", f"error: {missing}: the folder does not exist\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", ["--markdown", "--svg"])
def test_a_folder_in_place_of_a_file_is_refused_before_anything_is_written(option, tmp_path, capsys):
    assert cli.main(["preview", "dev", option, str(tmp_path)]) == 2
    assert tuple(capsys.readouterr()) == ("", f"error: {tmp_path}: is a folder; give the name of a file\n")
    assert list(tmp_path.iterdir()) == []


def test_one_file_for_two_outputs_is_refused_before_anything_is_written(tmp_path, capsys):
    file = str(tmp_path / "plan")
    assert cli.main(["preview", "dev", "--markdown", file, "--svg", file]) == 2
    assert tuple(capsys.readouterr()) == (
        "",
        f"error: {file}: named for two outputs; give each a file of its own\n",
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("day", ["tomorrow", "2026-02-30", "23.11.2026"])
def test_a_day_that_is_none_is_refused(day, capsys):
    assert cli.main(["preview", "dev", "--today", day]) == 2
    assert tuple(capsys.readouterr()) == ("", f"error: --today: must be a day such as 2026-11-23, got {day}\n")


def test_versions_as_json_is_one_document(capsys):
    assert cli.main(["versions", "--json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    rows = json.loads(out)["versions"]
    (kubernetes,) = [row for row in rows if row["kind"] == "Kubernetes"]
    assert (kubernetes["version"], kubernetes["support_ends"]) == ("1.36", "2027-08-02")
    assert kubernetes["used_by"] == list(Project(ROOT).stacks())


def test_a_preview_as_json_has_the_shape_of_the_engines_own():
    run = python("-m", "prismctl", "preview", "dev", "--json", "--today", "2026-11-23")
    assert (run.returncode, run.stderr) == (0, "")
    plan = json.loads(run.stdout)
    assert set(plan) == {"config", "steps", "duration", "changeSummary"}
    assert json.loads(plan["config"]["ai-prism:environment"])["kind"] == "dev"
    assert isinstance(plan["duration"], int)
    assert plan["duration"] > 0
    assert plan["changeSummary"] == {"create": len(plan["steps"])}
    assert plan["steps"][0]["urn"] == "urn:pulumi:dev::ai-prism::pulumi:pulumi:Stack::ai-prism-dev"
    for step in plan["steps"]:
        assert step["op"] == "create"
        assert set(step) - {"provider"} == {"op", "urn", "newState", "detailedDiff"}
        assert step["newState"]["urn"] == step["urn"]
        assert isinstance(step["newState"]["custom"], bool)
        assert step["urn"].split("::")[2].rpartition("$")[2] == step["newState"]["type"]
    assert len({step["urn"] for step in plan["steps"]}) == len(plan["steps"]) > 100


def test_a_closed_standard_output_is_told_instead_of_a_stack_trace():
    program = f"{sys.executable} -m prismctl versions >&-"
    done = subprocess.run(  # noqa: S602  # only a shell closes a stream; the text is from this file
        program, shell=True, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (
        3,
        "error: standard output is closed; redirect it to a file, or to /dev/null\n",
    )


def test_the_table_of_versions_is_never_cut_and_every_chart_has_its_users(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    assert cli.main(["versions"]) == 0
    table = capsys.readouterr().out
    assert "\u2026" not in table
    charts = [line for line in table.splitlines() if line.startswith("chart ")]
    assert len(charts) > 5
    assert all("all stacks" in line for line in charts)
