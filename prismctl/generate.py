"""Writes what is generated from the code: the configuration in `Pulumi.yaml`, and the policies' reference page.

`python -m prismctl.generate` writes, `--check` only says what is stale.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from policy import reference
from prismctl.project import ROOT
from settings import stack as settings

_HEAD = """\
# The part below `config` is generated from settings/: `make generate`.
name: ai-prism
description: The AI-Prism platform on AWS
runtime:
  name: python
  options:
    toolchain: pip
    virtualenv: .venv
options:
  # What AWS and the autoscaler changed is read before anything is decided: nodes are not scaled back by an old state.
  refresh: always
config:
  # Nothing is made with credentials that merely lie around.
  pulumi:disable-default-providers: ["*"]
"""


def project_file() -> str:
    """Return the text of `Pulumi.yaml`: every section of the configuration with its keys, types and defaults."""
    lines = [_HEAD.rstrip()]
    for name, section in settings.SECTIONS.items():
        schema = section.model_json_schema()
        lines += [f"  {settings.PROJECT}:{name}:", "    type: object", "    description: |"]
        lines += [f"      {line}".rstrip() for line in _describe(schema, schema.get("$defs", {}))]
        if not schema.get("required"):
            # The engine insists on a value for what is declared; an empty section takes its own defaults.
            lines.append("    default: {}")
    return "\n".join(lines) + "\n"


def _describe(schema: dict[str, Any], definitions: dict[str, Any], prefix: str = "") -> Iterator[str]:
    if not prefix:
        yield schema["description"].splitlines()[0]
    required = schema.get("required", ())
    for key, field in schema["properties"].items():
        nested = _section(field, definitions)
        if nested:
            if key not in required:
                yield f"{prefix}{key}: mapping, default none; with it:"
            yield from _describe(nested, definitions, f"{prefix}{key}.")
            continue
        default = "required" if key in required else f"default {_default(field['default'])}"
        yield f"{prefix}{key}: {_type(field)}, {default}"


def _section(field: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any] | None:
    """Return the schema of a section within a section, be it optional or not."""
    for choice in (field, *field.get("anyOf", ())):
        if nested := definitions.get(choice.get("$ref", "").rpartition("/")[2]):
            return nested
    return None


def _default(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(str(item) for item in value)}]"
    if value is None:
        return "none"
    return str(value).lower() if isinstance(value, bool) else str(value) or '""'


def _type(field: dict[str, Any]) -> str:
    choices = [choice for choice in field.get("anyOf", ()) if choice.get("type") != "null"]
    if choices:
        return " or ".join(_type(choice) for choice in choices)
    if "enum" in field:
        return " | ".join(str(value) for value in field["enum"])
    match field.get("type"):
        case "array":
            items = field.get("items") or {}
            return f"list of {_type(items)}" if items else "list"
        case "object":
            return f"mapping of names to {_type(field['additionalProperties'])}"
        case kind:
            form = field.get("format")
            return f"{kind} ({form})" if form else str(kind)


def main(arguments: list[str]) -> int:
    """Write or check the generated files; returns 1 where `--check` finds a stale one."""
    stale = False
    for name, wanted in (("Pulumi.yaml", project_file()), ("docs/policies.md", reference.page())):
        file: Path = ROOT / name
        if file.exists() and file.read_text(encoding="utf-8") == wanted:
            continue
        if "--check" in arguments:
            stale = True
            sys.stderr.write(f"error: {name} is stale; make generate\n")
        else:
            file.write_text(wanted, encoding="utf-8")
            sys.stderr.write(f"wrote {name}\n")
    return int(stale)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
