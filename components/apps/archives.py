"""Archives of third-party charts: their digests, and the definitions in them that Helm would never upgrade."""

import gzip
import hashlib
import io
import json
import re
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

SUFFIX = "crds"
"""What the chart of a chart's definitions is called, behind the chart's own name."""

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
"""Each definition is kept whatever Helm does with the release, also where an installation fails and is taken back.

With a definition goes every object of its kind (https://helm.sh/docs/howto/charts_tips_and_tricks/#tell-helm-not-to-uninstall-a-resource).
What looks like a template in a description stays as it is, since the folder `files` has no templates.
"""


def digest(archive: Path) -> str:
    """Return the SHA-256 of an archive, in hexadecimal digits; raises OSError."""
    return hashlib.sha256(archive.read_bytes()).hexdigest()


def definitions(chart: Path) -> dict[str, str]:
    """Return the files with definitions in the folder `crds` of a chart, packaged or not.

    Raises OSError, and ValueError where the file is no archive.
    """
    if chart.is_dir():
        files = {file.name: file.read_text(encoding="utf-8") for file in (chart / SUFFIX).glob("*.yaml")}
    else:
        try:
            files = dict(_in_archive(chart))
        except (tarfile.TarError, EOFError, zlib.error) as error:
            raise ValueError(f"{chart} is no archive of a chart: {error}") from None
    return {name: text for name, text in sorted(files.items()) if "kind: CustomResourceDefinition" in text}


def _in_archive(chart: Path) -> Iterator[tuple[str, str]]:
    with tarfile.open(chart) as archive:
        for member in archive:
            if re.fullmatch(rf"[^/]+/{SUFFIX}/[^/]+\.yaml", member.name) and (file := archive.extractfile(member)):
                yield Path(member.name).name, file.read().decode()


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
        with tarfile.open(archive) as opened:
            read = {member.name: opened.extractfile(member) for member in opened}
            found = {path: file.read().decode() for path, file in read.items() if file}
    except (tarfile.TarError, EOFError, zlib.error, UnicodeDecodeError):
        return False
    return found == _contents(name, version, files)


def _contents(name: str, version: str, files: Mapping[str, str]) -> dict[str, str]:
    made = f"{name}-{SUFFIX}"
    metadata = {"apiVersion": "v2", "name": made, "version": version, "description": f"The definitions of {name}."}
    contents = {
        "Chart.yaml": json.dumps(metadata),
        "templates/crds.yaml": _TEMPLATE,
        **{f"files/{file}": text for file, text in files.items()},
    }
    return {f"{made}/{path}": text for path, text in contents.items()}
