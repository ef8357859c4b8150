"""Archives of third-party charts: their digests, and the definitions in them that Helm would never upgrade."""

import gzip
import hashlib
import io
import json
import re
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path

_FOLDER = "crds"
"""Where a chart has definitions that Helm installs once: https://helm.sh/docs/topics/charts/#custom-resource-definitions-crds."""

_TEMPLATE = """{{- range $path, $file := .Files.Glob "files/*.yaml" }}
{{- range splitList "\\n---\\n" (print "\\n" (toString $file)) }}
{{- with fromYaml . }}
{{- $keep := dict "helm.sh/resource-policy" "keep" }}
{{- $_ := set .metadata "annotations" (merge $keep (.metadata.annotations | default dict)) }}
---
{{ toYaml . }}
{{- end }}
{{- end }}
{{- end }}
"""
"""Helm keeps each definition, also when it uninstalls the release or rolls a failed installation back.

With a definition goes every object of its kind (https://helm.sh/docs/howto/charts_tips_and_tricks/#tell-helm-not-to-uninstall-a-resource).
What looks like a template in a description stays as it is, since the folder `files` has no templates.
"""


def digest(archive: Path) -> str:
    """Return the SHA-256 of an archive, in hexadecimal digits; raises OSError."""
    return hashlib.sha256(archive.read_bytes()).hexdigest()


def of_definitions(chart: str) -> str:
    """Return what the chart of a chart's definitions, and its release, are called."""
    return f"{chart}-crds"


def definitions(chart: Path) -> dict[str, str]:
    """Return the files with definitions in the folder `crds` of a chart, packaged or not.

    Raises OSError, and ValueError where the file is no archive.
    """
    if chart.is_dir():
        files = {file.name: file.read_text(encoding="utf-8") for file in (chart / _FOLDER).glob("*.yaml")}
    else:
        read = _read(chart, rf"[^/]+/{_FOLDER}/[^/]+\.yaml")
        files = {Path(path).name: text for path, text in read.items()}
    return {name: text for name, text in sorted(files.items()) if "kind: CustomResourceDefinition" in text}


def _read(chart: Path, paths: str) -> dict[str, str]:
    """Return the files of an archive whose paths match; raises OSError, and ValueError where it is none."""
    try:
        with tarfile.open(chart) as archive:
            found = {member.name: archive.extractfile(member) for member in archive if re.fullmatch(paths, member.name)}
            return {path: file.read().decode() for path, file in found.items() if file}
    except (tarfile.TarError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise ValueError(f"{chart} is no archive of a chart: {error}") from None


def chart_of_definitions(name: str, version: str, files: Mapping[str, str]) -> bytes:
    """Return the archive of a chart that consists of definitions, as templates, which Helm upgrades."""
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=buffer, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for path, text in _contents(name, version, files).items():
            member = tarfile.TarInfo(path)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


def is_of_definitions(archive: Path, name: str, version: str, files: Mapping[str, str]) -> bool:
    """Whether an archive is a chart of just these definitions, however it is compressed; raises OSError."""
    try:
        return _read(archive, ".*") == _contents(name, version, files)
    except ValueError:
        return False


def _contents(name: str, version: str, files: Mapping[str, str]) -> dict[str, str]:
    made = of_definitions(name)
    metadata = {"apiVersion": "v2", "name": made, "version": version, "description": f"The definitions of {name}."}
    contents = {
        "Chart.yaml": json.dumps(metadata),
        "templates/crds.yaml": _TEMPLATE,
        **{f"files/{file}": text for file, text in files.items()},
    }
    return {f"{made}/{path}": text for path, text in contents.items()}
