"""`prismctl release`: shows a stack's Helm releases, and repairs one that blocks updates."""

import datetime
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import typer

from prismctl import helm
from prismctl.drift import drift
from prismctl.errors import UsageError
from prismctl.preview import preview
from prismctl.project import Project
from recording.graph import Graph, Secret, Unknown
from settings import naming

RELEASE = "kubernetes:helm.sh/v3:Release"
_TIMEOUT = "10m"
_MINUTES_OF_AN_UPDATE = 15
"""Longest time that an update needs for a release: Helm's timeout of ten minutes, and time to roll back."""
_SHOWN = 10


@dataclass(frozen=True, kw_only=True)
class WantedRelease:
    """A release as the program declares it."""

    name: str
    namespace: str
    version: str
    values: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Repair:
    """A command that repairs a release."""

    command: tuple[str, ...]
    """Helm's arguments."""
    effect: str
    keeps: str = ""
    """Objects that the command does not delete, for the user; empty where it deletes nothing."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The status of one release, and how to repair it."""

    name: str
    namespace: str
    status: str
    """Helm's, or absent."""
    revision: int | None = None
    since: str | None = None
    trouble: str = ""
    drift: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    """Where the release has other values than the program."""
    repair: Repair | None = None

    @property
    def sound(self) -> bool:
        return not (self.trouble or self.drift or self.values)


def status(
    project: Project, stack: str, names: Sequence[str], where: Callable[[str], helm.Cluster], *, as_json: bool
) -> int:
    """Print the status of a stack's releases; returns 1 if one differs from the program."""
    cluster = _cluster(stack, where)
    wanted = _choose(_releases_of(preview(project, stack, known=False).graph), names, stack)
    found = [judge(each, cluster.find(each.namespace, each.name)) for each in wanted]
    document = {"stack": stack, "server": cluster.server, "releases": [asdict(each) for each in found]}
    _say(json.dumps(document, indent=2) if as_json else "\n".join(_tell(found, stack, cluster)))
    return 0 if all(each.sound for each in found) else 1


def repair(project: Project, stack: str, name: str, where: Callable[[str], helm.Cluster], *, yes: bool) -> int:
    """Repair one release after confirmation; returns 1 if it was declined."""
    cluster = _cluster(stack, where)
    (wanted,) = _choose(_releases_of(preview(project, stack, known=False).graph), [name], stack)
    found = judge(wanted, cluster.find(wanted.namespace, wanted.name))
    _say("\n".join(_tell([found], stack, cluster)))
    if found.repair is None:
        _say("nothing to repair")
        return 0
    _say(f"command: helm {' '.join(found.repair.command)}\n  {found.repair.effect}{found.repair.keeps}")
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError("nothing was done: without a terminal, confirm with --yes")
        if not typer.confirm("Make sure that no update is running. Run this command?"):
            return 1
    cluster.run(found.repair.command)
    _say(f"done; go on with: pulumi up --stack {stack}")
    return 0


def _cluster(stack: str, where: Callable[[str], helm.Cluster]) -> helm.Cluster:
    """Return the stack's cluster; its errors refer to `prismctl reach`."""
    cluster = where(naming.physical_name("cluster", stack))
    return replace(cluster, advice=f"prismctl reach {stack} tells why")


def judge(wanted: WantedRelease, release: helm.Release | None) -> Finding:
    """Return the status of a release that the program declares."""
    if release is None:
        return Finding(
            name=wanted.name,
            namespace=wanted.namespace,
            status="absent",
            trouble="is not installed; the next pulumi up installs it",
        )
    differing = tuple(drift(release)) if release.status == "deployed" else ()
    return Finding(
        name=release.name,
        namespace=release.namespace,
        status=release.status,
        revision=release.revision,
        since=release.since.astimezone(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        trouble=_trouble(release),
        drift=differing,
        values=tuple(_values(wanted, release)) if release.status == "deployed" else (),
        repair=_repair(release, changed=bool(differing)),
    )


# In the words of https://github.com/helm/helm/blob/v3.22.0/pkg/action: upgrade.go, install.go (availableName)
_IN_PROGRESS = '"another operation (install/upgrade/rollback) is in progress"'
_TROUBLES: Mapping[str, str] = {
    "pending-install": 'the installation was interrupted; Helm refuses the next one: "cannot re-use a name that'
    f' is still in use", or {_IN_PROGRESS}',
    "pending-upgrade": f"an upgrade was interrupted; Helm refuses every later one: {_IN_PROGRESS}",
    "pending-rollback": f"a rollback was interrupted; Helm refuses every later upgrade: {_IN_PROGRESS}",
    "uninstalling": "its removal was interrupted; it can neither be installed nor upgraded",
    "failed": "its last installation, upgrade or rollback failed",
}


def _trouble(release: helm.Release) -> str:
    if release.status == "deployed":
        return ""
    words = _TROUBLES.get(release.status, "is in a state from which an update cannot continue")
    if release.status == "failed":
        words = f"{words}: {release.description}"
    age = datetime.datetime.now(datetime.UTC) - release.since
    if release.status != "failed" and age < datetime.timedelta(minutes=_MINUTES_OF_AN_UPDATE):
        words += f". It began {int(age.total_seconds() // 60)} min ago: check whether an update is still running"
    return words


def _repair(release: helm.Release, *, changed: bool) -> Repair | None:
    place = ("--namespace", release.namespace, "--timeout", _TIMEOUT)
    if release.status == "deployed":
        if not changed:
            return None
        return Repair(
            command=("rollback", release.name, str(release.revision), *place),
            effect=f"applies revision {release.revision} again: deleted objects are created and changed ones are reset,"
            " except custom resources that were changed",
        )
    if release.good is not None and release.status != "uninstalling":
        return Repair(
            command=("rollback", release.name, str(release.good), *place),
            effect=f"rolls back to revision {release.good}, the last that was deployed; the next pulumi up repeats the"
            " upgrade",
        )
    return Repair(
        command=("uninstall", release.name, "--wait", *place),
        effect=f"deletes the {len(release.manifest)} objects of the release, as far as they were made; the next pulumi"
        " up installs it anew",
        keeps="\n  It keeps the definitions in the chart's folder crds, claims of volumes that StatefulSets made, and"
        " what the chart marks as kept",
    )


def _values(wanted: WantedRelease, release: helm.Release) -> Iterator[str]:
    """Yield the values in which the release differs from the program."""
    yield from _compare("", wanted.values, release.values)


def _compare(path: str, wanted: Any, given: Any) -> Iterator[str]:
    if isinstance(wanted, Mapping) and isinstance(given, Mapping):
        for key in sorted({*wanted, *given}):
            where = f"{path}.{key}".lstrip(".")
            if key not in given:
                if wanted[key] is not None:
                    yield f"{where}: is not set yet"
            elif key not in wanted:
                yield f"{where}: is still set"
            else:
                yield from _compare(where, wanted[key], given[key])
    elif not _is_unknown(wanted) and wanted != given:
        yield f"{path}: has another value"


def _is_unknown(value: Any) -> bool:
    """Return whether a value is, or contains, an output or a secret."""
    if isinstance(value, Mapping):
        return any(map(_is_unknown, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_is_unknown, value))
    return isinstance(value, Unknown | Secret)


def _releases_of(graph: Graph) -> list[WantedRelease]:
    return [
        WantedRelease(
            name=each["name"],
            namespace=each["namespace"],
            version=each.get("version", ""),
            values=each.get("values") or {},
        )
        for each in graph.of_type(RELEASE)
    ]


def _choose(releases: Sequence[WantedRelease], names: Sequence[str], stack: str) -> list[WantedRelease]:
    """Return the releases of these names, or all; raises UsageError for names that there are not."""
    known = {each.name: each for each in releases}
    if missing := [name for name in names if name not in known]:
        raise UsageError(f"{', '.join(missing)}: no release of {stack}; possible are {', '.join(sorted(known))}")
    return [known[name] for name in names or sorted(known)]


def _tell(found: Sequence[Finding], stack: str, cluster: helm.Cluster) -> Iterator[str]:
    troubled = [each for each in found if not each.sound]
    yield f"{stack} on {cluster.server}: {len(found)} releases, {len(troubled)} with problems"
    for each in sorted(found, key=lambda each: each.sound):
        revision = f"  revision {each.revision}, {each.since}" if each.revision else ""
        yield f"{each.status}  {each.namespace}/{each.name}{revision}"
        if each.trouble:
            yield f"  {each.trouble}"
        yield from _lines("changed by hand", each.drift)
        yield from _lines("values differ from the program's; pulumi up changes them", each.values)
        if each.repair:
            yield f"  prismctl release repair {stack} {each.name}: {each.repair.effect}"


def _lines(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield f"  {title}:"
        yield from (f"    {line}" for line in lines[:_SHOWN])
    if len(lines) > _SHOWN:
        yield f"    and {len(lines) - _SHOWN} more"


def _say(text: str) -> None:
    print(text)  # noqa: T201


def locate(kubeconfig: Path | None, context: str | None) -> Callable[[str], helm.Cluster]:
    """Return a function from an EKS cluster's name to the cluster, by the options of the command line."""
    return lambda eks_name: helm.find_cluster(kubeconfig, context, eks_name)
