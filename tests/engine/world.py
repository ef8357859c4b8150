"""A private place to run the real CLI in: its own home and state, fakes as plugins, and a fake account."""

import contextlib
import functools
import hashlib
import importlib.metadata
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import yaml
from engine import real
from support import TODAY

from components.apps import archives
from fakes.aws.account import Account
from fakes.guardian import Guardian
from fakes.plugins import forks
from fakes.urns import name_of, type_of
from prismctl.project import ROOT, read_yaml
from settings import versions
from settings.chart_values import CHART
from tools.build import locate

PLUGINS = Path(forks.__file__).parent
PROGRAM = ("__main__.py", "settings", "components", CHART)
"""What makes up the program, beside the `Pulumi.*.yaml` files."""
_NOTHING = bytes(1024)
"""An archive with nothing in it."""
_FORKING = sys.platform == "linux"
SECONDS_FOR_PLUGINS = 10
PASSPHRASE = "correct horse battery staple"  # noqa: S105  # of states that hold nothing real


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    command: str
    code: int
    out: str
    err: str

    @property
    def output(self) -> str:
        """All that it said, without colours."""
        return f"{self.out}{self.err}"

    def __bool__(self) -> bool:
        return self.code == 0

    def must(self) -> Self:
        """Return itself; raises AssertionError with what the command said where it failed."""
        if not self:
            raise AssertionError(f"{self.command} ended with exit code {self.code}:\n{self.output}")
        return self


class World:
    """One stack of the program, with a backend and an account of its own; leaves nothing behind.

    The program is a copy, so that a test can change it and parallel ones do not meet.
    """

    can_be_real: frozenset[str] = frozenset({"python"})
    """Plugins that need not be fakes here."""
    checkpoints = False
    """Whether the engine keeps its state after every step, as it does by default, and not just when it ends.

    That is half of a first update's time (github.com/pulumi/pulumi, issue 10668). Whoever kills the engine needs it.
    """

    def __init__(
        self, folder: Path, stack: str, cache: Path, source: Path = ROOT, cluster: Mapping[str, str] | None = None
    ) -> None:
        """Make a world in `folder`, a new one, in which nothing stands yet.

        What the fakes find out once for all worlds is kept in `cache`; the program is copied from `source`. What is
        in the cluster stands in the state alone, unless `cluster` says in variables where there is one.
        """
        self._cluster = {"AI_PRISM_KUBECONFIG": "state-only"} if cluster is None else cluster
        self.folder, self.stack, self.cache = folder, stack, cache
        self.program = folder / "program"
        self._running: list[subprocess.Popen[str]] = []
        self._guardian = Guardian(folder)
        self._copy_program(source)
        self._install_plugins()
        (folder / "state").mkdir()
        self.account = Account(folder / "account.sqlite")
        self._prepare_account()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._running:
            end(process)
        self.end_plugins()
        self.account.close()
        self._guardian.end()

    def end_plugins(self) -> None:
        """End the plugins of an engine that was killed, at once: real ones live on, for minutes."""
        deadline = time.monotonic() + SECONDS_FOR_PLUGINS
        while (running := process_ids_of(self.folder)) and time.monotonic() < deadline:
            for process in running:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            time.sleep(0.05)

    @property
    def real(self) -> frozenset[str]:
        """The plugins that are real here, as the run was asked for."""
        return real.chosen() & self.can_be_real

    def _copy_program(self, source: Path) -> None:
        self.program.mkdir(parents=True)
        for name in (*PROGRAM, "Pulumi.yaml", f"Pulumi.{self.stack}.yaml"):
            if (source / name).is_dir():
                shutil.copytree(source / name, self.program / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source / name, self.program / name)
        self._put_charts()
        # A CLI of one's own brings its own language host, which looks here.
        (self.program / ".venv").symlink_to(Path(sys.prefix))

    def _put_charts(self) -> None:
        """Put an archive of nothing in the place of each third-party chart, and let the program expect it."""
        file, digest = self.program / "settings/versions.yaml", hashlib.sha256(_NOTHING).hexdigest()
        text = re.sub(r"(?m)^(      [\w-]+: )([0-9a-f]{64}|null)$", rf"\g<1>{digest}", file.read_text(encoding="utf-8"))
        file.write_text(text, encoding="utf-8")
        charts = self.program / versions.CHARTS
        charts.mkdir()
        for chart in yaml.safe_load(text)["charts"].values():
            for name in chart.get("digests", ()):
                (charts / f"{name}-{chart['version']}.tgz").write_bytes(_NOTHING)
            for name in chart.get("crds", ()):
                made = archives.chart_of_definitions(name, chart["version"], {})
                (charts / versions.archive(archives.of_definitions(name), chart["version"])).write_bytes(made)

    def _install_plugins(self) -> None:
        """Put each fake where the CLI looks for the plugin that it stands in for."""
        versions = {
            "language-python": ("language_host", pulumi_version()),
            "resource-aws": ("aws", importlib.metadata.version("pulumi-aws")),
            "resource-eks": ("eks", importlib.metadata.version("pulumi-eks")),
            "resource-kubernetes": ("kubernetes", importlib.metadata.version("pulumi-kubernetes")),
        }
        for plugin, (module, version) in versions.items():
            script = self.folder / "home" / "plugins" / f"{plugin}-v{version}" / f"pulumi-{plugin}"
            script.parent.mkdir(parents=True)
            if (name := plugin.rpartition("-")[2]) in self.real:
                script.symlink_to(real.find(name))
                continue
            by = f'-IS "{forks.__file__}"' if _FORKING else ""
            text = f'#!/bin/sh\nexec "{sys.executable}" {by} "{PLUGINS / module}.py" "$@"\n'
            script.write_text(text, encoding="utf-8")
            script.chmod(0o755)

    def _prepare_account(self) -> None:
        """Make the account the one that the stack file names, with what must exist before the first update."""
        self.account.set("account_id", self.settings("aws")["account_id"])
        self.account.set("zones", self.settings("dns")["zone"])
        # Whoever brings a stack up first is an administrator whom its file names.
        admins = self.settings("cluster").get("admins") or {"nobody": ""}
        self.account.set("caller", next(iter(admins.values())))
        self.account.set("principals", " ".join(admins.values()))

    @property
    def environment(self) -> dict[str, str]:
        """What the CLI and its plugins are told; nothing of one's own Pulumi or AWS set-up reaches them."""
        # Without bytecode, the fakes would be compiled for every command.
        foreign = ("AI_PRISM_", "AWS_", "KUBE", "PULUMI_", "PYTHONDONTWRITEBYTECODE")
        own = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
        return {
            **own,
            **self._cluster,
            "AI_PRISM_ACCOUNT": str(self.folder / "account.sqlite"),
            "AI_PRISM_CACHE": str(self.cache),
            "AI_PRISM_TODAY": TODAY,
            **({forks.VARIABLE: forks.started(ROOT)} if _FORKING else {}),
            "PULUMI_HOME": str(self.folder / "home"),
            # Without files of attributes, which are not written in one step: whoever reads one at that time, or after
            # a kill, is told EOF (https://pkg.go.dev/gocloud.dev/blob/fileblob#URLOpener).
            "PULUMI_BACKEND_URL": f"file://{self.folder / 'state'}?metadata=skip",
            "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "PULUMI_SKIP_CHECKPOINTS": str(not self.checkpoints).lower(),
            # The engine lives for seconds and has memory to spare: collecting less often saves a sixth of its time.
            "GOGC": "400",
            "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        }

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command of the CLI and return at once."""
        process = subprocess.Popen(  # noqa: S603
            [str(locate("pulumi")), *arguments, "--non-interactive", "--color", "never"],
            cwd=self.program,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._running.append(process)
        self._guardian.watch(process.pid)
        return process

    def finish(self, process: subprocess.Popen[str], *, seconds: float = 300) -> Done:
        """Wait for a command that was started; it is ended when the time is over."""
        try:
            out, err = process.communicate(timeout=seconds)
        finally:
            end(process)
            self._guardian.forget(process.pid)
            self._running.remove(process)
        arguments = process.args[1:-3] if isinstance(process.args, list) else ()
        return Done(" ".join(("pulumi", *map(str, arguments))), process.returncode, out, err)

    def run(self, *arguments: str) -> Done:
        """Run a command of the CLI to its end."""
        return self.finish(self.start(*arguments))

    # The commands of a stack's life, as the documentation gives them

    def init(self) -> Done:
        return self.run("stack", "init", self.stack, "--secrets-provider", "passphrase").must()

    def preview(self) -> Mapping[str, Any]:
        """Return the plan; raises AssertionError with the diagnostics where there is none."""
        done = self.run("preview", "--stack", self.stack, "--json")
        plan = json.loads(done.out)
        if not done:
            raise AssertionError(f"{done.command}: {json.dumps(plan.get('diagnostics'), indent=2)}")
        return plan

    def up(self, *options: str) -> Done:
        return self.run("up", "--stack", self.stack, "--yes", "--skip-preview", *options)

    def refresh(self, *options: str) -> Done:
        return self.run("refresh", "--stack", self.stack, "--yes", "--skip-preview", *options)

    def destroy(self, *options: str) -> Done:
        return self.run("destroy", "--stack", self.stack, "--yes", *options)

    def left(self) -> list[str]:
        """Return the URNs of what a destroy left behind but the key of the data, without which no snapshot opens."""
        return [each.urn for each in self.account.resources() if not each.urn.endswith("::encryption-data")]

    def state(self) -> Mapping[str, Any]:
        """Return the deployment as `pulumi stack export` gives it."""
        return json.loads(self.run("stack", "export", "--stack", self.stack).must().out)["deployment"]

    def resume(self) -> Done:
        """Bring into the state what an update was creating when it was killed, as far as AWS has it.

        `pulumi refresh --import-pending-creates` forgets such resources instead of adopting them (seen with 3.259).
        """
        pending = self.state().get("pending_operations", ())
        creating = {each["resource"]["urn"] for each in pending if each["type"] == "creating"}
        made = {held.urn: held.id for held in self.account.resources() if held.urn in creating}
        done = self.refresh("--clear-pending-creates").must()
        return self.adopt(made) if made else done

    def adopt(self, ids: Mapping[str, str]) -> Done:
        """Import resources that AWS has and the state has not, given by URN and id."""
        file = self.program / "imports.json"
        self.run("preview", "--stack", self.stack, "--import-file", file.name).must()
        wanted = {(type_of(urn), name_of(urn)): id_ for urn, id_ in ids.items()}
        imports = json.loads(file.read_text(encoding="utf-8"))
        known = [
            (each, wanted.get((each["type"], each.get("logicalName", each["name"])))) for each in imports["resources"]
        ]
        imports["resources"] = [{**each, "id": id_} for each, id_ in known if id_]
        file.write_text(json.dumps(imports), encoding="utf-8")
        options = ("--yes", "--skip-preview", "--protect=false", "--generate-code=false")
        return self.run("import", "--stack", self.stack, "--file", file.name, *options).must()

    @property
    def state_file(self) -> Path:
        """The checkpoint, as the backend keeps it."""
        return self.folder / "state" / ".pulumi" / "stacks" / "ai-prism" / f"{self.stack}.json"

    # What a person would edit

    def change_settings(self, section: str, **values: Any) -> None:
        """Change values of one section in the stack file."""
        file = self.program / f"Pulumi.{self.stack}.yaml"
        document = read_yaml(file)
        document["config"].setdefault(f"ai-prism:{section}", {}).update(values)
        file.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")

    def settings(self, section: str) -> dict[str, Any]:
        """Return a section as the stack file has it."""
        return read_yaml(self.program / f"Pulumi.{self.stack}.yaml")["config"][f"ai-prism:{section}"]

    def change_program(self, name: str, before: str, after: str) -> None:
        """Replace the one place in a file of the program that says `before`."""
        file = self.program / name
        text = file.read_text(encoding="utf-8")
        if text.count(before) != 1:
            raise AssertionError(f"{name} says {before!r} {text.count(before)} times")
        file.write_text(text.replace(before, after), encoding="utf-8")

    def add_tag(self, key: str, value: str) -> None:
        """Give everything one more tag."""
        self.change_program(
            "components/stack_context.py", '"ManagedBy": "pulumi"}', f'"ManagedBy": "pulumi", "{key}": "{value}"}}'
        )

    # Snapshots: a world in which something stands is costly to make

    def keep(self, snapshot: Path) -> None:
        """Keep how everything stands, in a new folder that is there only once it is whole."""
        aside = snapshot.with_name(f"{snapshot.name}.aside")
        for part in ("program", "state"):
            shutil.copytree(self.folder / part, aside / part, symlinks=True)
        with contextlib.closing(Account(aside / "account.sqlite")) as kept:
            kept.take_over(self.account)
        aside.rename(snapshot)

    def take(self, snapshot: Path) -> None:
        """Let everything stand as it was kept."""
        for part in ("program", "state"):
            shutil.rmtree(self.folder / part)
            shutil.copytree(snapshot / part, self.folder / part, symlinks=True)
        with contextlib.closing(Account(snapshot / "account.sqlite")) as kept:
            self.account.take_over(kept)


def processes_of(folder: Path) -> list[str]:
    """Return the command lines of all processes that were told of the world in `folder`; needs Linux's /proc."""
    found: list[str] = []
    for process in process_ids_of(folder):
        with contextlib.suppress(OSError):
            found.append(Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


def process_ids_of(folder: Path) -> list[int]:
    """Return all processes that were told of the world in `folder`."""
    mark, found = f"PULUMI_HOME={folder}/".encode(), []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (entry / "environ").read_bytes():
                found.append(int(entry.name))
    return found


def end(process: subprocess.Popen[str]) -> None:
    """End a command that still runs, with all that it started."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@functools.cache
def pulumi_version() -> str:
    """Return the CLI's version, without the v."""
    command = [str(locate("pulumi")), "version"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip().removeprefix("v")  # noqa: S603


def assume(world: World, role: str) -> None:
    """Let everything from now on be asked by a role of the stack, or by an administrator where it is empty."""
    made = {each.urn.rpartition("::")[2]: each.answer("arn") for each in world.account.resources("aws:iam/role:Role")}
    world.account.set("caller", made[role] if role else world.account.get("principals").split()[0])
