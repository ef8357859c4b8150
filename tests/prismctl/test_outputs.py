"""What a preview writes to files: whole, under the usual mode, or not at all."""

from pathlib import Path

import pytest

from prismctl import outputs
from prismctl.errors import UsageError
from prismctl.outputs import PreviewOutputs
from prismctl.project import ROOT, Project


@pytest.fixture
def write(monkeypatch):
    """Return a function that writes ready texts, as if the stacks had been previewed."""

    def previewed(_project, stacks, _render, *, known):
        del known
        kinds = ("text", "json", "markdown", "svg")
        return {
            stack: {"warnings": "", "mandatory": "", **{kind: f"{kind} of {stack}\n" for kind in kinds}}
            for stack in stacks
        }

    monkeypatch.setattr("prismctl.preview.preview_each", previewed)
    return lambda stacks, **wanted: outputs.write(Project(ROOT), stacks, PreviewOutputs(**wanted), known=False)


def contents(folder):
    return {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir()}


def test_each_output_goes_to_its_file(write, tmp_path, capsys):
    write(("dev",), markdown=tmp_path / "plan.md", svg=tmp_path / "plan.svg")
    assert contents(tmp_path) == {"plan.md": "markdown of dev\n", "plan.svg": "svg of dev\n"}
    assert tuple(capsys.readouterr()) == (
        "text of dev\n",
        f"wrote {tmp_path / 'plan.md'}\nwrote {tmp_path / 'plan.svg'}\n",
    )


def test_several_stacks_share_the_comment_and_get_a_diagram_each(write, tmp_path):
    write(("dev", "prod"), markdown=tmp_path / "plan.md", svg=tmp_path / "plan.svg")
    assert contents(tmp_path) == {
        "plan.md": "markdown of dev\n\nmarkdown of prod\n",
        "plan-dev.svg": "svg of dev\n",
        "plan-prod.svg": "svg of prod\n",
    }


def test_a_file_has_the_mode_that_any_new_file_has(write, tmp_path):
    usual = tmp_path / "usual"
    usual.touch()
    write(("dev",), markdown=tmp_path / "plan.md", svg=tmp_path / "plan.svg")
    modes = {file.name: file.stat().st_mode for file in tmp_path.iterdir()}
    assert modes == dict.fromkeys(("usual", "plan.md", "plan.svg"), usual.stat().st_mode)


def test_a_file_that_exists_is_replaced_whole(write, tmp_path):
    file = tmp_path / "plan.svg"
    file.write_text("something old and much longer than what is new\n" * 9, encoding="utf-8")
    write(("dev",), svg=file)
    assert contents(tmp_path) == {"plan.svg": "svg of dev\n"}


@pytest.mark.parametrize("output", ["markdown", "svg"])
def test_a_folder_in_place_of_a_file_is_refused_before_anything_is_written(write, tmp_path, capsys, output):
    with pytest.raises(UsageError) as error:
        write(("dev",), **{output: tmp_path})
    assert str(error.value) == f"{tmp_path}: is a folder; give the name of a file"
    assert tuple(capsys.readouterr()) == ("", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("stacks", "markdown", "svg", "twice"),
    [
        (("dev",), "plan", "plan", "plan"),
        (("dev",), "plan", "inner/../plan", "plan"),
        (("dev",), "plan", "link/plan", "plan"),
        (("dev", "prod"), "plan-dev.svg", "plan.svg", "plan-dev.svg"),
    ],
)
@pytest.mark.parametrize("relative", [True, False])
def test_one_file_for_two_outputs_is_refused_before_anything_is_written(
    write, tmp_path, capsys, monkeypatch, stacks, markdown, svg, twice, relative
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "inner").mkdir()
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(UsageError) as error:
        write(stacks, markdown=Path(markdown) if relative else tmp_path / markdown, svg=tmp_path / svg)
    assert str(error.value) == f"{tmp_path / twice}: named for two outputs; give each a file of its own"
    assert tuple(capsys.readouterr()) == ("", "")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["inner", "link"]


def test_several_stacks_may_have_one_name_for_comment_and_diagrams(write, tmp_path):
    write(("dev", "prod"), markdown=tmp_path / "plan", svg=tmp_path / "plan")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["plan", "plan-dev", "plan-prod"]


def test_a_folder_in_place_of_one_stacks_diagram_is_told_and_nothing_half_written_remains(write, tmp_path):
    (tmp_path / "plan-dev.svg").mkdir()
    with pytest.raises(UsageError) as error:
        write(("dev", "prod"), svg=tmp_path / "plan.svg")
    assert str(error.value) == f"{tmp_path / 'plan-dev.svg'}: is a folder; give the name of a file"
    assert [file.name for file in tmp_path.iterdir()] == ["plan-dev.svg"]


def test_a_full_disk_is_told_and_leaves_what_was_there(write, tmp_path, monkeypatch):
    file = tmp_path / "plan.svg"
    file.write_text("old\n", encoding="utf-8")
    whole = Path.write_text

    def half(path, text, **options):
        whole(path, text[: len(text) // 2], **options)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", half)
    with pytest.raises(UsageError) as error:
        write(("dev",), svg=file)
    assert str(error.value) == f"{file}: cannot be written: No space left on device"
    assert contents(tmp_path) == {"plan.svg": "old\n"}


def test_a_folder_that_cannot_be_written_to_is_told_by_the_files_name(write, tmp_path, monkeypatch):
    def refused(*_arguments, **_options):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "write_text", refused)
    monkeypatch.setattr(Path, "unlink", refused)
    with pytest.raises(UsageError) as error:
        write(("dev",), svg=tmp_path / "plan.svg")
    assert str(error.value) == f"{tmp_path / 'plan.svg'}: cannot be written: Read-only file system"


def test_a_link_stays_a_link_and_its_target_is_replaced(write, tmp_path):
    target, link = tmp_path / "target.svg", tmp_path / "plan.svg"
    target.write_text("old", encoding="utf-8")
    link.symlink_to(target)
    write(("dev",), svg=link)
    assert link.is_symlink()
    assert target.read_text(encoding="utf-8") == "svg of dev\n"


def test_a_device_stays_a_device(write):
    write(("dev",), svg=Path("/dev/null"))
    assert Path("/dev/null").is_char_device()
