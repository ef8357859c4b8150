"""Brings the third-party charts that `versions.yaml` pins into the user's cache, each checked by its digest.

`make charts` brings what is missing, and puts all of them beside the program, which installs them from there; `locate`
says where a chart is. `--earlier` also brings those from which the tests upgrade, into the cache alone. With `--lock`,
digests that `versions.yaml` does not have yet are written into it; with `--push oci://…`, all are pushed to a registry.
AI_PRISM_CHARTS may name a folder of charts, packaged or not, that tests use instead, unchecked.
"""

import concurrent.futures
import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from components.apps import archives
from settings import versions
from tools.build import FAILED, INTERRUPTED, EngineError
from tools.build import cache as built
from tools.build import locate as binary

ROOT = versions.FILE.parent
"""Where the program lies."""
VARIABLE = "AI_PRISM_CHARTS"
"""Environment variable that names a folder of charts which are trusted as they are."""
CHANGED = 1
"""Exit code where an archive is not the one that was pinned."""
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""By which a run is ended."""
_AT_ONCE = 6
_SECONDS = 180


class ChartError(Exception):
    """A chart cannot be had; the message says what to do."""


class ChangedError(ChartError):
    """An archive is not what its digest says."""


@dataclass(frozen=True)
class Chart:
    """A chart, as its repository calls it."""

    name: str
    version: str
    repository: str
    digest: str | None
    """SHA-256 of the archive; None where no source confirms one."""
    crds: bool = False
    """Whether its folder `crds` is installed as a chart of its own."""

    @property
    def archive(self) -> str:
        return versions.archive(self.name, self.version)

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


def pinned() -> dict[str, Chart]:
    """Return all charts that `versions.yaml` pins, by the name that their repository has for them."""
    return {
        name: Chart(name, pin.version, pin.source, digest, name in pin.crds)
        for pin in versions.load().charts.values()
        for name, digest in pin.digests.items()
    }


def earlier() -> list[Chart]:
    """Return the earlier versions of charts from which the tests upgrade."""
    return [
        Chart(name, version, pin.source, None)
        for pin in versions.load().charts.values()
        for name, known in pin.earlier.items()
        for version in known
    ]


def cache() -> Path:
    """Return the folder that archives are brought to."""
    return built().parent / "charts"


def override() -> Path | None:
    """Return the folder whose charts are trusted as they are, where there is one."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else None


def locate(chart: Chart) -> Path:
    """Return the archive, or folder, of a chart; raises ChartError where it is not there, or another than pinned."""
    folder = override()
    if folder:
        return _trusted(chart, folder)
    archive = cache() / chart.archive
    if not archive.is_file():
        raise ChartError(f"{chart} is not there; make charts")
    _check(chart, archive)
    return archive


def _trusted(chart: Chart, folder: Path) -> Path:
    archive, unpacked = folder / chart.archive, folder / chart.name
    if archive.is_file():
        return archive
    try:
        version = str(yaml.safe_load((unpacked / "Chart.yaml").read_text(encoding="utf-8"))["version"])
    except (OSError, yaml.YAMLError, KeyError, TypeError):
        raise ChartError(
            f"{chart} is not in {folder}, which {VARIABLE} names: neither {chart.archive} nor {chart.name}/Chart.yaml"
        ) from None
    if version != chart.version:
        raise ChartError(f"{unpacked}, which {VARIABLE} names, has version {version}; versions.yaml says {chart}")
    return unpacked


def _check(chart: Chart, archive: Path) -> str:
    """Return an archive's digest; raises ChangedError where it is not the chart's."""
    digest = archives.digest(archive)
    if chart.digest not in (None, digest):
        raise ChangedError(
            f"{archive}: SHA-256 is {digest}, but versions.yaml pins {chart} at {chart.digest}; "
            "an archive that was published must not change: ask its authors before you pin another"
        )
    return digest


class _Downloads:
    """Pulls charts, and ends what still runs when it is left."""

    def __init__(self, helm: Path, folder: Path) -> None:
        self._helm, self._folder = helm, folder
        self._running: set[subprocess.Popen[str]] = set()
        self._ended = threading.Event()

    def pull(self, chart: Chart) -> Path:
        """Bring one chart into the cache, checked."""
        if self._ended.is_set():
            raise ChartError(f"{chart}: not tried")
        aside = self._folder / f"{chart.name}-{chart.version}"
        aside.mkdir()
        command = [self._helm, "pull", chart.name, "--repo", chart.repository, "--version", chart.version]
        process = subprocess.Popen(  # noqa: S603  # Helm
            [*command, "--destination", aside],
            env=os.environ | {"HELM_CACHE_HOME": str(aside / "helm"), "HELM_CONFIG_HOME": str(aside / "helm")},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            # So that an interrupt is told once, by this process.
            start_new_session=True,
        )
        self._running.add(process)
        if self._ended.is_set():  # in between, and without this process
            process.kill()
        try:
            said = process.communicate(timeout=_SECONDS)[1]
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            said = f"no answer in {_SECONDS} seconds"
        finally:
            self._running.discard(process)
        archive = aside / chart.archive
        if process.returncode or not archive.is_file():
            lines = said.strip().splitlines()
            reason = lines[-1].removeprefix("Error: ") if lines else "no archive"
            raise ChartError(f"{chart} cannot be had from {chart.repository}: {reason}")
        _check(chart, archive)
        place = cache() / chart.archive
        archive.replace(place)
        return place

    def end(self) -> None:
        self._ended.set()
        for process in list(self._running):
            process.kill()


@contextlib.contextmanager
def _held_back(*signals: signal.Signals) -> Generator[None, None, None]:
    """Let signals arrive after this. An interrupt while the pool starts a thread would hide that thread from it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def bring(charts: Sequence[Chart]) -> Iterator[tuple[Chart, Path | ChartError]]:
    """Bring what is missing, several at once; yield each chart with where it is, or why it is not."""
    missing: list[Chart] = []
    for chart in charts:
        try:
            yield chart, locate(chart)
        except ChangedError as error:
            yield chart, error
        except ChartError as error:
            if override():
                yield chart, error
            else:
                missing.append(chart)
    if not missing:
        return
    cache().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".pulling-", dir=cache()) as folder:
        downloads = _Downloads(binary("helm"), Path(folder))
        with concurrent.futures.ThreadPoolExecutor(_AT_ONCE) as pool:
            try:
                with _held_back(*STOPS):
                    pulled = {pool.submit(downloads.pull, chart): chart for chart in missing}
                for done in concurrent.futures.as_completed(pulled):
                    error = done.exception()
                    if error and not isinstance(error, ChartError):
                        raise error
                    yield pulled[done], error or done.result()
            finally:
                downloads.end()


def lock(found: Sequence[tuple[Chart, Path]], file: Path = versions.FILE) -> list[str]:
    """Write the digests that `versions.yaml` does not have yet; return the names of the charts."""
    text, written = file.read_text(encoding="utf-8"), list[str]()
    for chart, path in found:
        if chart.digest is None and path.is_file():
            digest = archives.digest(path)
            text, count = re.subn(rf"(?m)^(      {re.escape(chart.name)}: )null$", rf"\g<1>{digest}", text)
            written.extend([chart.name] * count)
    file.write_text(text, encoding="utf-8")
    return written


def put_beside_program(found: Sequence[tuple[Chart, Path]], program: Path) -> list[Path]:
    """Let the program's folder of charts hold these, whole, and those of their definitions; return them.

    Nothing else stays there.
    """
    folder = program / versions.CHARTS
    folder.mkdir(exist_ok=True)
    contents = {path.name: path.read_bytes() for _, path in found}
    for chart, path in found:
        if chart.crds:
            made = archives.chart_of_definitions(chart.name, chart.version, archives.definitions(path))
            contents[versions.archive(archives.of_definitions(chart.name), chart.version)] = made
    for name, content in contents.items():
        aside = folder / f".{name}"
        aside.write_bytes(content)
        aside.replace(folder / name)
    for other in folder.glob("*.tgz"):
        if other.name not in contents:
            other.unlink()
    return [folder / name for name in contents]


def push(charts: Sequence[Path], registry: str) -> list[str]:
    """Push archives to a registry (oci://HOST/PATH) that Helm is logged in to; return why some could not be pushed."""
    errors: list[str] = []
    for chart in charts:
        command = [binary("helm"), "push", chart, registry]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # Helm
        if done.returncode:
            errors.append(f"{chart.name} cannot be pushed to {registry}: {done.stderr.strip().removeprefix('Error: ')}")
        else:
            sys.stdout.write(f"{chart.name:44}  pushed to {registry}\n")
    return errors


_USAGE = 'usage: make charts [ARGS=--lock | ARGS=--earlier | ARGS="--push oci://HOST/PATH"]'


def main(arguments: Sequence[str]) -> int:
    """Bring all charts, and tell of each; returns the exit code."""
    match arguments:
        case [] | ["--lock"] | ["--earlier"]:
            registry = ""
        case ["--push", registry] if registry.startswith("oci://"):
            pass
        case _:
            sys.stderr.write(f"{_USAGE}\n")
            return 2
    if arguments and override():
        sys.stderr.write(f"error: {arguments[0]} takes what is published, and {VARIABLE} names a folder instead\n")
        return 2
    try:
        code = _bring_all(writes="--lock" in arguments, registry=registry)
        if code or "--earlier" not in arguments:
            return code
        return FAILED if _tell(earlier())[1] else 0
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; what was brought stays\n")
        return INTERRUPTED
    except (EngineError, OSError, ValueError) as error:
        sys.stderr.write(f"error: {error}\n")
        return FAILED


# Helm asks by the proxy that the environment names: https://github.com/helm/helm/blob/v3.22.0/pkg/getter/httpgetter.go
_WITHOUT_NETWORK = (
    "What was brought stays, and make charts goes on from there. Where this machine does not reach the repositories: "
    f"name its proxy in HTTPS_PROXY; for tests, name a folder of charts in {VARIABLE}; for pulumi up, name a registry "
    "in charts.source (docs/runbooks/upgrade-a-chart.md).\n"
)


def _bring_all(*, writes: bool, registry: str) -> int:
    charts = list(pinned().values())
    found, errors = _tell(charts)
    if writes:
        sys.stderr.writelines(f"{name}: digest written to versions.yaml\n" for name in lock(found))
    elif loose := [chart.name for chart, _ in found if chart.digest is None and not override()]:
        sys.stderr.write(f"not pinned by digest yet: {', '.join(loose)}; make charts ARGS=--lock\n")
    if errors:
        sys.stderr.write(f"error: {len(errors)} of {len(charts)} charts are missing\n")
        if not override() and not all(isinstance(error, ChangedError) for error in errors):
            sys.stderr.write(_WITHOUT_NETWORK)
    elif not override():
        put = put_beside_program(found, ROOT)
        if refused := push(put, registry) if registry else []:
            sys.stderr.writelines(f"error: {each}\n" for each in refused)
            return FAILED
    if any(isinstance(error, ChangedError) for error in errors):
        return CHANGED
    return FAILED if errors else 0


def _tell(charts: Sequence[Chart]) -> tuple[list[tuple[Chart, Path]], list[ChartError]]:
    """Bring charts and tell of each; return those that are there, and why the others are not."""
    found: list[tuple[Chart, Path]] = []
    errors: list[ChartError] = []
    for chart, result in bring(charts):
        if isinstance(result, ChartError):
            errors.append(result)
            sys.stderr.write(f"error: {result}\n")
        else:
            found.append((chart, result))
            sys.stdout.write(f"{chart!s:32}  {_trust(chart):24}  {result}\n")
    return found, errors


def _trust(chart: Chart) -> str:
    if override():
        return "trusted as it is"
    return "digest is right" if chart.digest else "not pinned by digest"


if __name__ == "__main__":
    for each in STOPS:
        if signal.getsignal(each) is not signal.SIG_IGN:
            signal.signal(each, signal.default_int_handler)
    sys.exit(main(sys.argv[1:]))
