"""The builder of the engine, with a stand-in for Go."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from prismctl.project import ROOT
from tools.build import (
    ACTIONLINT,
    DELIVERY,
    ENGINE,
    FAILED,
    INTERRUPTED,
    EngineError,
    Tool,
    build,
    cache,
    locate,
    main,
    pinned,
)

TOOLS = {tool.name: tool for tool in (*ENGINE, *DELIVERY)}

GO = """#!/bin/sh
[ "$1" = version ] && { echo "go version go%(version)s linux/amd64"; exit; }
[ "$1" = mod ] && { echo '{"Dir": "%(folder)s/module"}'; exit; }
echo "$@" >> %(folder)s/calls
echo $$ >> %(folder)s/processes
while [ "$1" != -o ]; do shift; done
%(work)s
mkdir -p "$(dirname "$2")" && echo built > "$2" && chmod +x "$2"
"""


class Machine:
    """A folder that stands for a user's machine: what is on PATH, what is in the cache."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.gate = folder / "gate"
        (folder / "bin").mkdir()

    def put(self, name: str, script: str) -> Path:
        file = self.folder / "bin" / name
        file.write_text(script)
        file.chmod(0o755)
        return file

    def put_go(self, work: str = "", version: str = "1.99.0") -> None:
        self.put("go", GO % {"folder": self.folder, "work": work, "version": version})

    def put_slow_go(self) -> None:
        """Install a Go that builds only when the gate is there, and has a child of its own, as the real one."""
        wait = f"while [ ! -e {self.gate} ]; do sleep 0.02; done"
        self.put_go(f"({wait}) & echo $! >> {self.folder}/processes; {wait}")

    def lines(self, name: str) -> list[str]:
        file = self.folder / name
        return file.read_text().splitlines() if file.exists() else []

    @property
    def left(self) -> list[str]:
        """What is in the cache, the lock's file aside."""
        return sorted(each.name for each in cache().glob("*") if each.name != ".lock")

    def start(self, *names: str, errors: int = subprocess.PIPE) -> subprocess.Popen[str]:
        return subprocess.Popen(  # noqa: S603  # this interpreter
            [sys.executable, str(ROOT / "tools" / "build.py"), *names],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Machine]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    machine = Machine(tmp_path)
    yield machine
    # A slow Go that outlived its test ends.
    machine.gate.touch()


def eventually(holds: Callable[[], object]) -> bool:
    deadline = time.monotonic() + 10
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.02)
    return bool(holds())


def alive(process: str) -> bool:
    """Whether a build runs: neither one that has ended unasked for, nor another process that got its number."""
    command = ["ps", "-o", "stat=,args=", "-p", process]
    shown = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False).stdout  # noqa: S603
    return "go build" in shown and not shown.startswith("Z")


def test_what_is_missing_is_built_and_moved_into_place(machine: Machine) -> None:
    machine.put_go()
    places = build([TOOLS["etcd"], TOOLS["kwok"]])
    assert places == {"etcd": locate("etcd"), "kwok": locate("kwok")}
    assert [place.read_text() for place in places.values()] == ["built\n", "built\n"]
    assert machine.left == sorted(place.parents[1].name for place in places.values())
    assert all(pinned(TOOLS[name]) in place.parents[1].name for name, place in places.items())


def test_a_second_call_builds_nothing_and_needs_no_go(machine: Machine) -> None:
    machine.put_go()
    first = build([TOOLS["etcd"]])
    (machine.folder / "bin" / "go").unlink()
    assert build([TOOLS["etcd"]]) == first
    assert len(machine.lines("calls")) == 1


def test_what_was_built_before_a_failure_is_not_built_again(machine: Machine) -> None:
    machine.put_go('case "$3" in *kwok) exit 1;; esac')
    assert main(["etcd", "kwok"]) == FAILED
    machine.put_go()
    assert main(["etcd", "kwok"]) == 0
    assert [call.rpartition("/")[2] for call in machine.lines("calls")] == ["v3", "kwok", "kwok"]


def test_a_failing_build_says_why_and_leaves_only_its_log(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.put_go('for n in $(seq 99); do echo "line $n"; done; echo "undefined: x" >&2; exit 1')
    assert main(["etcd"]) == FAILED
    [log] = machine.left
    errors = capsys.readouterr().err
    assert f"error: etcd {pinned(TOOLS['etcd'])} cannot be built" in errors
    assert "undefined: x" in errors
    assert "line 99" in errors
    assert "line 50" not in errors
    assert str(cache() / log) in errors
    assert "line 50" in (cache() / log).read_text()


def test_the_log_of_a_failure_goes_when_the_build_succeeds(machine: Machine) -> None:
    machine.put_go("exit 1")
    assert main(["etcd"]) == FAILED
    machine.put_go()
    assert main(["etcd"]) == 0
    assert machine.left == [locate("etcd").parents[1].name]


def test_a_missing_go_is_told(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(machine.folder / "bin"))
    assert main(["etcd"]) == FAILED
    assert "error: Go 1.26.0 or newer is needed" in capsys.readouterr().err


@pytest.mark.parametrize("version", ["1.9", "1.25.11", "1.26rc1"])
def test_a_go_that_is_too_old_is_told(machine: Machine, capsys: pytest.CaptureFixture[str], version: str) -> None:
    machine.put_go(version=version)
    assert main(["etcd"]) == FAILED
    assert f"/bin/go is go version go{version}" in capsys.readouterr().err
    assert machine.lines("calls") == []


def test_a_cache_that_cannot_be_written_is_told(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.put_go()
    (machine.folder / "cache").write_text("a file")
    assert main(["etcd"]) == FAILED
    assert "error: " in capsys.readouterr().err


def test_an_unknown_name_is_refused_with_the_known_ones(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["etcd", "kubelet"]) == 2
    assert "error: kubelet: no such binary; there are pulumi, etcd, " in capsys.readouterr().err
    assert machine.left == []


def test_the_engine_is_built_without_what_only_the_delivery_runs(machine: Machine) -> None:
    machine.put_go()
    (machine.folder / "module").mkdir()
    assert main([]) == 0
    assert len(machine.lines("calls")) == len(ENGINE)
    assert main(["delivery"]) == 0
    assert len(machine.lines("calls")) == len(ENGINE) + len(DELIVERY)
    with pytest.raises(EngineError, match=r"^flagger [0-9.]+ is not there; make engine ARGS=delivery$"):
        (locate("flagger").unlink(), locate("flagger"))


def test_a_module_is_amended_in_a_copy(machine: Machine, tmp_path: Path) -> None:
    register = "pkg/provider/register/register.go"
    module = tmp_path / "module"
    (module / "pkg" / "provider" / "register").mkdir(parents=True)
    (module / register).write_text("all of them")
    (module / "main.go").write_text("as it is")
    (module / "main.go").chmod(0o444)
    (module / "pkg").chmod(0o555)
    machine.put_go(f"cd $GOTMPDIR && cp go.mod module/main.go module/{register} {tmp_path}")
    try:
        build([TOOLS["external-secrets"]])
    finally:
        (module / "pkg").chmod(0o755)
    assert (tmp_path / "main.go").read_text() == "as it is"
    assert "provider/aws" in (tmp_path / "register.go").read_text()
    replaced = (tmp_path / "go.mod").read_text().splitlines()[-1]
    assert re.fullmatch(r"replace github.com/external-secrets/external-secrets => /.+/module", replaced)
    [call] = machine.lines("calls")
    assert re.search(r" -modfile /\S+/go.mod ", call)
    assert (module / register).read_text() == "all of them"


def test_versions_are_linked_in(machine: Machine) -> None:
    machine.put_go()
    build([TOOLS["kube-scheduler"]])
    version = pinned(TOOLS["kube-scheduler"])
    major, minor, _ = version.split(".")
    [call] = machine.lines("calls")
    assert f"-X k8s.io/component-base/version.gitVersion=v{version} " in call
    assert f"-X k8s.io/component-base/version.gitMajor={major} " in call
    assert f"-X k8s.io/component-base/version.gitMinor={minor} " in call


def test_tags_are_given_to_go(machine: Machine) -> None:
    machine.put_go()
    build([TOOLS["promtool"]])
    [call] = machine.lines("calls")
    assert "-tags remove_all_sd " in call


@pytest.mark.parametrize(
    ("name", "version"), [("pulumi", "3.999.0"), ("pulumi", "4.0.0"), ("pulumi", "pinned"), ("helm", "3.999.0+g1a2b")]
)
def test_a_tool_on_the_path_that_is_new_enough_is_used(machine: Machine, name: str, version: str) -> None:
    own = machine.put(name, f"#!/bin/sh\necho v{version.replace('pinned', pinned(TOOLS[name]))}\n")
    assert locate(name) == own
    assert build([TOOLS[name]]) == {name: own}
    assert machine.left == []


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("pulumi", "echo v3.9.0"),
        ("pulumi", "echo v2.999.0"),
        ("pulumi", "echo nothing"),
        ("pulumi", "exit 1"),
        ("helm", "echo v3.9.0"),
        ("helm", "echo v4.0.0"),
        ("etcd", "echo 9.9.9"),
        ("promtool", "echo promtool, version 3.99.0"),
    ],
)
def test_a_tool_on_the_path_that_will_not_do_is_not_used(machine: Machine, name: str, answer: str) -> None:
    own = machine.put(name, f"#!/bin/sh\n{answer}\n")
    machine.put_go()
    built = build([TOOLS[name]])[name]
    assert built != own
    assert built == locate(name)
    assert built.is_relative_to(cache())


def test_what_is_not_there_is_named_with_its_remedy(machine: Machine) -> None:
    with pytest.raises(EngineError, match=r"^kube-apiserver \d+\.\d+\.\d+ is not there; make engine$"):
        locate("kube-apiserver")
    assert machine.left == []


def test_a_second_builder_waits_for_the_first_and_finds_it_done(machine: Machine) -> None:
    machine.put_slow_go()
    first = machine.start("etcd")
    assert eventually(lambda: machine.lines("calls"))
    second = machine.start("etcd")
    assert second.stderr
    assert second.stderr.readline() == "Another build is under way; waiting for it\n"
    machine.gate.touch()
    assert (first.communicate(timeout=20)[0], first.returncode) == (f"etcd  {locate('etcd')}\n", 0)
    assert (second.communicate(timeout=20)[0], second.returncode) == (f"etcd  {locate('etcd')}\n", 0)
    assert len(machine.lines("calls")) == 1


def test_a_killed_builder_stands_in_nobodys_way(machine: Machine) -> None:
    machine.put_slow_go()
    first = machine.start("etcd")
    assert eventually(lambda: machine.lines("calls"))
    first.kill()
    first.communicate()
    assert len(machine.left) == 1
    # Its Go would go on for a while.
    os.killpg(int(machine.lines("processes")[0]), signal.SIGKILL)
    machine.gate.touch()
    assert main(["etcd"]) == 0
    assert machine.left == [locate("etcd").parents[1].name]


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_build_leaves_no_file_and_no_process(machine: Machine, ending: signal.Signals) -> None:
    machine.put_slow_go()
    run = machine.start("etcd")
    assert eventually(lambda: len(machine.lines("processes")) == 2)
    run.send_signal(ending)
    _, errors = run.communicate(timeout=20)
    assert run.returncode == INTERRUPTED
    assert "Traceback" not in errors
    assert eventually(lambda: not any(map(alive, machine.lines("processes"))))
    assert machine.left == []


def test_on_a_terminal_one_line_tells_how_it_goes(machine: Machine) -> None:
    machine.put_go()
    reading, terminal = os.openpty()
    run = machine.start("etcd", errors=terminal)
    run.communicate(timeout=20)
    shown = os.read(reading, 1000).decode()
    os.close(reading)
    os.close(terminal)
    title = f"[1/1] etcd {pinned(TOOLS['etcd'])}"
    assert shown.startswith(f"\r{title}: building 0 s\x1b[K\r{title}: ")
    assert shown.endswith(" s\x1b[K\r\n")
    assert f"\r{title}: built in " in shown


def test_a_relative_cache_folder_is_ignored(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "cache")
    monkeypatch.setenv("HOME", str(machine.folder))
    assert cache() == machine.folder / ".cache" / "ai-prism" / "engine"


def test_a_version_is_that_of_the_module_which_holds_the_package(tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text(
        "module tools\n\ngo 1.26\n\ntool example.com/a/b/cmd/c\n\nrequire example.com/a v1.2.3\n\n"
        "require (\n\texample.com/a/b v0.4.0-rc.1 // indirect\n\texample.com/a/bc v9.9.9\n)\n\n"
        "replace example.com/a/b => example.com/fork v7.7.7\n"
    )
    assert pinned(Tool("c", tmp_path, "example.com/a/b/cmd/c")) == "0.4.0-rc.1"
    assert pinned(Tool("d", tmp_path, "example.com/a/cmd/d")) == "1.2.3"


@pytest.mark.parametrize("tool", [*TOOLS.values(), ACTIONLINT], ids=lambda tool: tool.name)
def test_every_tool_is_pinned_with_sums(tool: Tool) -> None:
    # Go writes down a sum for whatever a build needs; a package that go.mod calls no tool would be tidied away.
    assert tool.package in (tool.folder / "go.mod").read_text().split()
    assert f" v{pinned(tool)} h1:" in (tool.folder / "go.sum").read_text()
