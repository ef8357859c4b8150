"""Wrong edits on purpose: which are made, which tests are asked, and what is said of those that nobody notices."""

import ast
import datetime
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support import TODAY

from prismctl.project import ROOT, Project
from settings import stack as settings
from tools.mutants import generated, legitimate, noticing, written
from tools.mutants.__main__ import GENERATED, sampled
from tools.mutants.edits import Edit, contents, in_file

TABLE, HARMLESS = (ROOT / written.FOLDER / name for name in (written.EDITS, written.HARMLESS))


def made(tmp_path: Path, source: str) -> set[str]:
    """Return what stands in place of a line for each edit, of one line of source."""
    (tmp_path / "x.py").write_text(source, encoding="utf-8")
    return {in_file(tmp_path, edit).decode() for edit in generated.of_file(tmp_path, "x.py")}


@pytest.mark.parametrize(
    ("source", "edited"),
    [
        ("x = 3", {"x = 4", "x = 2"}),
        ("x = True", {"x = False"}),
        ("x = 'ab'", {"x = 'xab'"}),
        ("x = f'{a}-b'", {"x = f'x{a}-b'"}),
        ("x = a < b", {"x = a <= b"}),
        ("x = a not in b", {"x = a in b"}),
        ("x = a and b", {"x = a or b"}),
        ("x = a + b", {"x = a - b"}),
        ("x = not a", {"x = (a)"}),
        ("x = a if b else c", {"x = a if not (b) else c"}),
        ("x = [a, b]", {"x = [b]", "x = [a]"}),
        ("x = [a]", {"x = []"}),
        ("x = {'a': (b), **c}", {"x = {**c}", "x = {'a': (b)}"}),
        ("aws.Key(name, a=b, c=d)", {"pass", "aws.Key(name, c=d)", "aws.Key(name, a=b)"}),
        ("aws.Key('name', a=b(é=c), d=e,)", {"pass", "aws.Key('name', d=e,)", "aws.Key('name', a=b(é=c),)"}),
    ],
)
def test_small_slips_are_made_one_at_a_time(tmp_path: Path, source: str, edited: set[str]) -> None:
    assert made(tmp_path, source) == edited


@pytest.mark.parametrize(
    "source",
    [
        '"""What it is."""',
        "raise ValueError('text')",
        "pulumi.log.warn('text')",
        "x: Literal['a'] = b",
        "@dataclass(frozen=True)\nclass X: ...",
        "x = field(repr=False)",
        "super().__init__('ai-prism:aws:Cache', name)",
        "x = aws.Key('state-key')",
        "x = {'description': 'text'}",
        "self.register_outputs({'a': 1})",
    ],
)
def test_what_no_test_could_hold_is_left_alone(tmp_path: Path, source: str) -> None:
    assert made(tmp_path, source) == set()


@pytest.mark.parametrize("file", ["components/cache.py", "components/endpoints.py", "settings/naming.py"])
def test_every_generated_edit_is_still_python(file: str) -> None:
    edits = generated.of_file(ROOT, file)
    assert len(edits) > 30
    for edit in edits:
        ast.parse(in_file(ROOT, edit))


def test_what_is_written_in_the_table_stands_there_once_and_is_still_python() -> None:
    edits = written.edits(ROOT, TABLE)
    assert {edit.file.partition("/")[0] for edit in edits} == set(noticing.BEHIND)
    for edit in edits:
        assert in_file(ROOT, edit) != (ROOT / edit.file).read_bytes()
        if edit.file.endswith(".py"):
            ast.parse(in_file(ROOT, edit))


def test_what_is_harmless_is_an_edit_that_would_be_made() -> None:
    by_rule = {(edit.file, edit.what) for edit in generated.of_folders(ROOT, GENERATED)}
    assert [each for each in written.harmless(HARMLESS) if (each.file, each.what) not in by_rule] == []


def test_an_entry_that_no_longer_fits_is_told_with_all_others(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("twice = 1\ntwice = 1\n", encoding="utf-8")
    table = tmp_path / "edits.yaml"
    table.write_text(
        "- {in: a.py, what: first, find: twice, put: x}\n- {in: gone.py, what: second, find: nothing, put: x}\n"
    )
    with pytest.raises(written.TableError) as raised:
        written.edits(tmp_path, table)
    assert "first: once in a.py, but found in: a.py: 'twice'" in str(raised.value)
    assert "second: once in gone.py, but found in: nowhere: 'nothing'" in str(raised.value)


def test_the_tests_that_mirror_a_file_are_asked_first_and_none_twice() -> None:
    own, behind = noticing.stages(ROOT, "components/cache.py")
    assert "tests/components/test_cache.py" in own
    assert "tests/test_program.py" in behind
    assert not set(own) & set(behind)
    assert noticing.stages(ROOT, "components/cache.py", mirror=True) == [own]
    for file in ("charts/ai-prism/templates/alerts.yaml", "policy/rules/kms.py"):
        assert noticing.stages(ROOT, file, mirror=True), file


@pytest.mark.parametrize("folder", ["components", "settings"])
def test_every_file_that_is_edited_is_mirrored_by_tests(folder: str) -> None:
    """With `--mirror` no test would be asked of it, and each of its edits would count as unnoticed."""
    files = (file.relative_to(ROOT).as_posix() for file in (ROOT / folder).rglob("*.py"))
    edited = [file for file in files if generated.of_file(ROOT, file)]
    assert edited
    assert [file for file in edited if not noticing.stages(ROOT, file, mirror=True)] == []


def test_every_test_that_is_asked_is_there() -> None:
    for arguments in (*noticing.BEHIND.values(), *noticing.MIRRORED_ELSEWHERE.values()):
        for argument in arguments:
            file, _, name = argument.partition("[")[0].partition("::")
            assert (ROOT / file).exists(), argument
            assert not name or f"def {name}(" in (ROOT / file).read_text(encoding="utf-8"), argument


def test_every_test_that_writes_a_golden_is_marked_and_run_by_make_generate() -> None:
    """No such test is asked whether it notices an edit."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        text = file.read_text(encoding="utf-8")
        if re.search(r'getoption\("(--)?golden"\)', text) and file != Path(__file__):
            name = file.relative_to(ROOT).as_posix()
            assert "pytest.mark.golden" in text, f"{name} compares with what make generate writes"
            assert name in makefile or "scenarios" in name, f"make generate does not run {name}"


def test_a_sample_is_the_same_for_the_same_seed() -> None:
    def edits(file: str) -> list[Edit]:
        return [Edit(file=file, line=line, start=0, end=0, text="", what="") for line in range(100)]

    table, rule = edits("table"), edits("rule")
    assert sampled(table, rule, 10, seed=3) == sampled(table, rule, 10, seed=3) != sampled(table, rule, 10, seed=4)
    assert [edit.file for edit in sampled(table, rule, 10, seed=3)] == ["table"] * 5 + ["rule"] * 5


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A program of one function, of which a test holds one half and a golden the other."""
    root = tmp_path / "repository"
    files = {
        "pyproject.toml": "[tool.pytest.ini_options]\nmarkers = ['golden', 'sweep']\npythonpath = ['.']\n",
        "components/__init__.py": "",
        "components/limits.py": "def limits():\n    return {'held': 8, 'golden': 5}\n",
        "settings/nothing.py": "",
        "tests/components/test_limits.py": (
            "import pytest\nfrom components.limits import limits\n\n"
            "def test_it_holds(): assert limits()['held'] == 8\n\n"
            "@pytest.mark.golden\ndef test_it_is_the_same(): assert limits()['golden'] == 5\n"
        ),
        "tools/mutants/edits.yaml": "[]",
        "tools/mutants/harmless.yaml": "[]",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


CODE = """
import sys
from pathlib import Path
from tools.mutants.__main__ import run

run(sys.argv[2:], Path(sys.argv[1]))
"""


def mutants(root: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-c", CODE, str(root), *arguments]


def test_what_only_a_golden_notices_is_listed_by_its_place(repository: Path) -> None:
    before = {file: file.read_bytes() for file in repository.rglob("*.py")}
    run = subprocess.run(  # noqa: S603  # this interpreter
        mutants(repository, "--json"), cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )

    assert run.returncode == 1, run.stderr
    found = {edit["what"]: edit["noticed_by"] for edit in json.loads(run.stdout)["edits"]}
    assert found == {
        "8 is 7": "tests/components/test_limits.py::test_it_holds",
        "8 is 9": "tests/components/test_limits.py::test_it_holds",
        "without 'held': 8 in a mapping": "tests/components/test_limits.py::test_it_holds",
        "5 is 4": None,
        "5 is 6": None,
        "without 'golden': 5 in a mapping": None,
    }
    assert {file: file.read_bytes() for file in repository.rglob("*.py")} == before


def test_tests_that_fail_by_themselves_tell_nothing(repository: Path) -> None:
    (repository / "components/limits.py").write_text("def limits():\n    return {'held': 7}\n")
    run = subprocess.run(  # noqa: S603  # this interpreter
        mutants(repository), cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert run.returncode == 2
    assert "without any edit a test fails, so nothing can be told: tests/components/test_limits.py" in run.stderr


def test_an_interrupt_leaves_neither_a_copy_nor_a_process(repository: Path, tmp_path: Path) -> None:
    slow = repository / "tests/components/test_limits.py"
    slow.write_text(
        "import pathlib, time\ndef test_it_is_slow():\n    pathlib.Path('started').touch(); time.sleep(100)\n"
    )
    copies = tmp_path / "copies"
    copies.mkdir()
    run = subprocess.Popen(  # noqa: S603  # this interpreter
        mutants(repository), cwd=ROOT, env={"TMPDIR": str(copies)}, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 300
    while not list(copies.glob("*/0/started")):
        assert time.monotonic() < deadline
        assert run.poll() is None, run.stderr
        time.sleep(0.1)
    run.send_signal(signal.SIGINT)

    _, errors = run.communicate(timeout=60)
    assert (run.returncode, list(copies.iterdir())) == (130, []), errors
    assert "Traceback" not in errors
    left = subprocess.run(["pgrep", "-f", str(repository)], check=False, capture_output=True, text=True)  # noqa: S603, S607
    assert left.stdout == ""


@pytest.mark.parametrize("edit", list(legitimate.edits(ROOT)), ids=lambda edit: edit.what)
def test_an_edit_that_every_adopter_makes_is_accepted(edit: Edit, tmp_path: Path) -> None:
    """Only then do tests that turn red say something of the tests."""
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    for file, content in contents(ROOT, edit).items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_bytes(content)
    for file in tmp_path.glob("Pulumi.*.yaml"):
        stack = file.name.split(".")[1]
        settings.parse(stack, Project(tmp_path).config(stack), today=datetime.date.fromisoformat(TODAY))
