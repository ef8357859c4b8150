"""Builds what the tests run: the Pulumi CLI, a Kubernetes control plane, Helm, and more, from pinned Go modules.

`make engine` builds what is missing into the user's cache, where every clone finds it; `locate` says where a binary is.
The one place of a version is the go.mod beside this file. Standard library only, so that no environment is needed.
"""

import contextlib
import fcntl
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

TOOLS = Path(__file__).parent

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
PLATFORM = sys.platform, _ARCHITECTURES.get(platform.machine(), platform.machine())
"""This machine, as Go names it."""

LOG_LINES = 15
"""How much of a failed build's log is shown."""

FAILED = 3
INTERRUPTED = 130
"""Exit codes; a mistake in the arguments is 2."""


class EngineError(Exception):
    """The engine is not there or cannot be built; the message says what to do."""


class GoMissingError(EngineError):
    """There is no Go to build with, or it is too old."""


@dataclass(frozen=True)
class Tool:
    """One binary."""

    name: str
    folder: Path
    """Where the go.mod lies."""
    package: str
    settings: tuple[str, ...] = ()
    """The linker's `-X`; {version}, {major} and {minor} are filled in."""
    question: tuple[str, ...] = ()
    """Arguments by which one's own on PATH tells its version; without any, only the built one will do."""
    same_major: bool = False
    """Whether another major version is another tool."""
    module: str = ""
    """Whose version it has, where the package is one of our own."""
    amended: bool = False
    """Whether files of the module are replaced by those in `amended`, beside the go.mod."""
    tags: tuple[str, ...] = ()
    """Go's build tags."""


_KUBERNETES = (
    # What the API server tells of itself: https://github.com/kubernetes/kubernetes/blob/v1.36.3/hack/lib/version.sh
    "k8s.io/component-base/version.gitVersion=v{version}",
    "k8s.io/component-base/version.gitMajor={major}",
    "k8s.io/component-base/version.gitMinor={minor}",
)

ENGINE = (
    Tool(
        "pulumi",
        TOOLS / "pulumi",
        "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
        # Without it the CLI tells no version, and the Automation API refuses it.
        ("github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{version}",),
        ("version",),
    ),
    Tool("etcd", TOOLS / "kubernetes", "go.etcd.io/etcd/server/v3"),
    Tool("kube-apiserver", TOOLS / "kubernetes", "k8s.io/kubernetes/cmd/kube-apiserver", _KUBERNETES),
    Tool("kube-controller-manager", TOOLS / "kubernetes", "k8s.io/kubernetes/cmd/kube-controller-manager", _KUBERNETES),
    Tool("kube-scheduler", TOOLS / "kubernetes", "k8s.io/kubernetes/cmd/kube-scheduler", _KUBERNETES),
    Tool("kwok", TOOLS / "kubernetes", "sigs.k8s.io/kwok/cmd/kwok"),
    # What the monitoring chart runs, in its version: the alerts are tried on what it says of a stack's objects.
    Tool("kube-state-metrics", TOOLS / "kube-state-metrics", "k8s.io/kube-state-metrics/v2"),
    Tool(
        "helm",
        TOOLS,
        "helm.sh/helm/v3/cmd/helm",
        # https://github.com/helm/helm/blob/v3.22.0/Makefile
        ("helm.sh/helm/v3/internal/version.version=v{version}",),
        ("version", "--short"),
        same_major=True,
    ),
    # Prometheus 3.14.0, which the monitoring chart runs, so that the tests know the cluster's PromQL. 3.y is 0.3yy:
    # https://github.com/prometheus/prometheus/blob/v3.14.0/README.md#prometheus-code-base
    Tool(
        "promtool",
        TOOLS / "prometheus",
        "github.com/prometheus/prometheus/cmd/promtool",
        # Rules discover no services; the clouds' clients would be most of the build.
        # https://github.com/prometheus/prometheus/blob/v3.14.0/plugins/minimum.go
        tags=("remove_all_sd",),
    ),
)

DELIVERY = (
    Tool("flagger", TOOLS / "flagger", "github.com/fluxcd/flagger/cmd/flagger"),
    Tool(
        "argocd",
        TOOLS / "argo-cd",
        "github.com/argoproj/argo-cd/v3/cmd",
        # https://github.com/argoproj/argo-cd/blob/v3.2.11/Makefile
        ("github.com/argoproj/argo-cd/v3/common.version={version}",),
    ),
    Tool(
        "external-secrets",
        TOOLS / "external-secrets",
        "github.com/external-secrets/external-secrets",
        # All providers would take several times as long.
        amended=True,
    ),
    Tool("redis", TOOLS / "redis", "ai-prism/tools/redis", module="github.com/alicebob/miniredis/v2"),
)
"""What `make e2e-delivery` runs besides: controllers, of which a cluster has more than a binary."""

GROUPS = {"engine": ENGINE, "delivery": DELIVERY}

ACTIONLINT = Tool(
    "actionlint",
    # A module of its own, since it would raise dependencies of Helm's.
    TOOLS / "actionlint",
    "github.com/rhysd/actionlint/cmd/actionlint",
    # https://github.com/rhysd/actionlint/blob/v1.7.12/.goreleaser.yaml
    ("github.com/rhysd/actionlint.version={version}",),
    ("-version",),
)
"""No part of the engine: `make check` builds it, in seconds."""


def locate(name: str) -> Path:
    """Return the binary: one's own on PATH where that will do, else the built one; raises EngineError."""
    tool = next(tool for tool in (*ENGINE, *DELIVERY) if tool.name == name)
    found = _find(tool)
    if found is None:
        arguments = "" if tool in ENGINE else " ARGS=delivery"
        raise EngineError(f"{_title(tool)} is not there; make engine{arguments}")
    return found


def build(tools: Sequence[Tool] = ENGINE) -> dict[str, Path]:
    """Build what is missing, return where each binary is; a second caller waits for the first. Raises EngineError."""
    found = {tool.name: path for tool in tools if (path := _find(tool))}
    missing = [tool for tool in tools if tool.name not in found]
    if missing:
        go = _go([tool.folder for tool in missing], ", ".join(tool.name for tool in missing))
        with _sole_builder():
            # Whoever had the lock before may have built them.
            missing = [tool for tool in missing if not _built(tool).is_file()]
            for number, tool in enumerate(missing, 1):
                _build(go, tool, f"[{number}/{len(missing)}] {_title(tool)}")
    return {tool.name: found.get(tool.name, _built(tool)) for tool in tools}


def pinned(tool: Tool) -> str:
    """Return the version in the tool's go.mod: that of the module which holds its package."""
    return version_of(tool.module or tool.package, tool.folder)


def folder_of(module: str, tools: Path) -> Path:
    """Return the folder of a module's files, in the version that the go.mod in `tools` says; raises EngineError."""
    go = _go([tools], module)
    try:
        return Path(json.loads(_output([go, "mod", "download", "-json", module], tools, seconds=300))["Dir"])
    except subprocess.CalledProcessError as error:
        raise EngineError(f"{module} cannot be had: {error.stderr or error.stdout}") from None


def version_of(package: str, tools: Path) -> str:
    """Return the version of the module which holds a package, from the go.mod in `tools`."""
    return _modules(tools)[_module_of(package, tools)]


def _module_of(package: str, tools: Path) -> str:
    return max((module for module in _modules(tools) if f"{package}/".startswith(f"{module}/")), key=len)


def _modules(tools: Path) -> dict[str, str]:
    text = (tools / "go.mod").read_text(encoding="utf-8")
    return dict(re.findall(r"^(?:require |\t)(\S+) v(\S+)(?: // indirect)?$", text, re.MULTILINE))


def cache() -> Path:
    """Return the folder of what is built."""
    # A relative one is to be ignored: https://specifications.freedesktop.org/basedir-spec/latest/
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".cache") / "ai-prism" / "engine"


def _title(tool: Tool) -> str:
    return f"{tool.name} {pinned(tool)}"


def _find(tool: Tool) -> Path | None:
    built = _built(tool)
    return _installed(tool) or (built if built.is_file() else None)


def _built(tool: Tool) -> Path:
    return cache() / "-".join((tool.name, pinned(tool), *PLATFORM)) / "bin" / tool.name


def _installed(tool: Tool) -> Path | None:
    """Return one's own installation, if it will do."""
    path = shutil.which(tool.name) if tool.question else None
    if path is None:
        return None
    try:
        have, wanted = _numbers(_output([path, *tool.question])), _numbers(pinned(tool))
    except (OSError, subprocess.SubprocessError):
        return None
    other = tool.same_major and have[:1] != wanted[:1]
    return None if other or have < wanted else Path(path)


def _numbers(text: str) -> tuple[int, ...]:
    """Return the first version in a text; an empty one, older than all, where there is none."""
    found = re.search(r"\d+(?:\.\d+)+", text)
    return tuple(map(int, found[0].split("."))) if found else ()


def _output(command: Sequence[str], folder: Path = TOOLS, seconds: float = 20) -> str:
    return subprocess.run(  # noqa: S603  # Go, and the tools of this file
        command,
        cwd=folder,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
        timeout=seconds,
    ).stdout


def _environment() -> dict[str, str]:
    return os.environ | {
        "CGO_ENABLED": "0",
        "GOARCH": PLATFORM[1],
        "GOFLAGS": "-mod=readonly",
        "GOOS": PLATFORM[0],
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
        "PULUMI_SKIP_UPDATE_CHECK": "1",
    }


def _go(folders: Sequence[Path], what: str) -> str:
    """Return Go's path; raises EngineError where it is missing, or older than the modules ask."""
    texts = [(folder / "go.mod").read_text(encoding="utf-8") for folder in folders]
    wanted = max((re.findall(r"^go (\S+)$", text, re.MULTILINE)[0] for text in texts), key=_numbers)
    needed = f"Go {wanted} or newer is needed to build {what}"
    path = shutil.which("go")
    if path is None:
        raise GoMissingError(f"{needed}: https://go.dev/doc/install")
    try:
        have = _output([path, "version"]).strip()
    except (OSError, subprocess.SubprocessError) as error:
        raise EngineError(f"{path} does not run: {error}") from None
    if _numbers(have) < _numbers(wanted):
        raise GoMissingError(f"{needed}, {path} is {have}")
    return path


@contextlib.contextmanager
def _sole_builder() -> Generator[None]:
    cache().mkdir(parents=True, exist_ok=True)
    # The kernel gives a lock back when its process ends, however it ends; the file may stay.
    with (cache() / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("Another build is under way; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(go: str, tool: Tool, title: str) -> None:
    """Build one binary aside, and move it into place when it is done."""
    place = _built(tool).parents[1]
    log = place.with_name(f"{place.name}.log")
    # What a builder that was killed left behind.
    for abandoned in cache().glob(".building-*"):
        shutil.rmtree(abandoned, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=".building-", dir=cache(), ignore_cleanup_errors=True) as folder:
        workshop = Path(folder)
        options = _amend(tool, workshop) if tool.amended else ()
        if _run(_command(go, tool, workshop / "done" / "bin" / tool.name, options), tool.folder, workshop, title):
            (workshop / "log").replace(log)
            raise EngineError(_failure(tool, log))
        shutil.rmtree(place, ignore_errors=True)
        (workshop / "done").rename(place)
    log.unlink(missing_ok=True)


def _amend(tool: Tool, workshop: Path) -> tuple[str, ...]:
    """Copy the tool's module with some of its files replaced; return the options by which that is built.

    Go's own `-overlay` leaves the files in its module cache alone.
    """
    module = _module_of(tool.package, tool.folder)
    copy = workshop / "module"
    # The cache's files cannot be written.
    shutil.copytree(folder_of(module, tool.folder), copy, copy_function=shutil.copyfile)
    for folder in (copy, *(each for each in copy.rglob("*") if each.is_dir())):
        folder.chmod(0o755)
    shutil.copytree(tool.folder / "amended", copy, dirs_exist_ok=True)
    text = (tool.folder / "go.mod").read_text(encoding="utf-8")
    (workshop / "go.mod").write_text(f"{text}\nreplace {module} => {copy}\n", encoding="utf-8")
    shutil.copy(tool.folder / "go.sum", workshop)
    return ("-modfile", str(workshop / "go.mod"))


def _command(go: str, tool: Tool, output: Path, options: Sequence[str] = ()) -> list[str]:
    version = pinned(tool)
    major, minor, *_ = version.split(".")
    settings = (f"-X {each.format(version=version, major=major, minor=minor)}" for each in tool.settings)
    tags = ",".join(tool.tags)
    flags = ["-trimpath", "-tags", tags, "-ldflags", " ".join(("-s -w", *settings)), *options]
    return [go, "build", *flags, "-o", str(output), tool.package]


def _run(command: Sequence[str], folder: Path, workshop: Path, title: str) -> int:
    with (workshop / "log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603  # Go
            command,
            cwd=folder,
            # Its temporary files go with the workshop, and its compilers with its process group.
            env=_environment() | {"GOTMPDIR": str(workshop)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
    try:
        return _watch(process, title)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _watch(process: subprocess.Popen[bytes], title: str) -> int:
    """Wait for a build and tell how it goes: on a terminal in one line that counts the seconds, else in plain lines."""
    started = time.monotonic()
    line = "\r{}: {} {:.0f} s\x1b[K" if sys.stderr.isatty() else ""
    if not line:
        _say(f"{title}: building")
    while True:
        if line:
            sys.stderr.write(line.format(title, "building", time.monotonic() - started))
            sys.stderr.flush()
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = process.wait(timeout=1)
            break
    _say((line or "{}: {} {:.0f} s").format(title, "failed after" if code else "built in", time.monotonic() - started))
    return code


def _failure(tool: Tool, log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:]
    return "\n".join([f"{_title(tool)} cannot be built", *(f"  {line}" for line in lines), f"all of it: {log}"])


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def main(names: Sequence[str]) -> int:
    """Build the named binaries and groups, or the engine; returns the exit code."""
    known = GROUPS | {tool.name: (tool,) for tool in (*ENGINE, *DELIVERY)}
    unknown = [name for name in names if name not in known]
    if unknown:
        there = ", ".join(name for name in known if name not in GROUPS)
        _say(f"error: {', '.join(unknown)}: no such binary; there are {there}, or all of {' or '.join(GROUPS)}")
        return 2
    try:
        places = build(tuple(dict.fromkeys(tool for name in names or ["engine"] for tool in known[name])))
    except (EngineError, OSError) as error:
        _say(f"error: {error}")
        return FAILED
    except KeyboardInterrupt:
        _say("\ninterrupted")
        return INTERRUPTED
    width = max(map(len, places))
    sys.stdout.writelines(f"{name:{width}}  {path}\n" for name, path in places.items())
    return 0


if __name__ == "__main__":
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(each) is not signal.SIG_IGN:
            signal.signal(each, signal.default_int_handler)
    sys.exit(main(sys.argv[1:]))
