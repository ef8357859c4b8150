"""The project's files as the engine reads them: `Pulumi.yaml` and the stack files beside it."""

import difflib
import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from prismctl.errors import UsageError
from settings.yaml_files import Loader

ROOT = Path(__file__).resolve().parent.parent


def read_yaml(file: Path) -> Any:
    """Return the document in `file`; raises UsageError with line and column where it is no YAML."""
    try:
        return _parse(file, file.stat().st_mtime_ns)
    except OSError as error:
        raise UsageError(f"{file.name}: cannot be read: {error.strerror}") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{file.name}:{mark.line + 1}:{mark.column + 1}" if mark else file.name
        raise UsageError(f"{where}: not valid YAML: {error.problem}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{file.name}: not valid YAML: {str(error).splitlines()[0]}") from None


@functools.lru_cache(maxsize=64)
def _parse(file: Path, _changed: int) -> Any:
    return yaml.load(file.read_text(encoding="utf-8"), Loader=Loader)  # noqa: S506  # derives from the safe one


@dataclass(frozen=True)
class Project:
    """A Pulumi project on disk."""

    root: Path

    @property
    def name(self) -> str:
        return str(self._definition()["name"])

    def stacks(self) -> tuple[str, ...]:
        """Return the names of all stacks that have a file, from the cheapest to lose to the dearest."""
        order = ("dev", "integration", "staging", "prod")
        found = {file.name.removeprefix("Pulumi.").removesuffix(".yaml") for file in self.root.glob("Pulumi.*.yaml")}
        return (*(name for name in order if name in found), *sorted(found.difference(order)))

    def choose(self, stack: str) -> tuple[str, ...]:
        """Return the stacks that `stack` (a name or `all`) means; raises UsageError listing what is possible."""
        known = self.stacks()
        if "all" in known:
            raise UsageError("Pulumi.all.yaml: all is no name for a stack: it means every one of them")
        if not known:
            raise UsageError(f"no stack has a file Pulumi.STACK.yaml in {self.root}")
        if stack == "all":
            return known
        if stack not in known:
            close = difflib.get_close_matches(stack, known, n=1)
            hint = f'; did you mean "{close[0]}"?' if close else ""
            raise UsageError(f"no stack called {stack!r}{hint}\npossible are {', '.join(known)}, or all")
        return (stack,)

    def config(self, stack: str) -> dict[str, str]:
        """Return the stack's configuration by full key, as text in the way the engine hands it to the program.

        Encrypted values are replaced by `[secret]`: nothing here can decrypt them.
        """
        defaults = {key: value for key, value in self._declared().items() if value is not None}
        chosen = {**defaults, **self._chosen(stack)}
        return {self._full(key): _text(_without_secrets(value)) for key, value in chosen.items()}

    def secret_keys(self, stack: str) -> frozenset[str]:
        """Return the keys whose values are encrypted, in whole or in part."""
        return frozenset(
            self._full(key) for key, value in self._chosen(stack).items() if _without_secrets(value) != value
        )

    def _chosen(self, stack: str) -> Mapping[str, Any]:
        """Return what the stack file itself says, by the keys as they stand there."""
        file = self.root / f"Pulumi.{stack}.yaml"
        document = read_yaml(file)
        if not isinstance(document, Mapping):
            raise UsageError(f"{file.name}: must be a mapping with the key config")
        config = document.get("config")
        config = {} if config is None else config
        if not isinstance(config, Mapping):
            raise UsageError(f"{file.name}: config must be a mapping of keys such as {self.name}:network")
        return {str(key): value for key, value in config.items()}

    def _definition(self) -> Mapping[str, Any]:
        document = read_yaml(self.root / "Pulumi.yaml")
        if not isinstance(document, Mapping) or "name" not in document:
            raise UsageError("Pulumi.yaml: must be a mapping with the key name")
        return document

    def _declared(self) -> Mapping[str, Any]:
        """Return the defaults of the project's declared configuration, None where a key has none."""
        declared: Mapping[str, Any] = self._definition().get("config") or {}
        return {
            key: spec.get("value", spec.get("default")) if isinstance(spec, Mapping) else spec
            for key, spec in declared.items()
        }

    def _full(self, key: str) -> str:
        return key if ":" in key else f"{self.name}:{key}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _without_secrets(value: Any) -> Any:
    """Return `value` with each encrypted part replaced."""
    match value:
        case {"secure": str()} if len(value) == 1:
            return "[secret]"
        case Mapping():
            return {key: _without_secrets(item) for key, item in value.items()}
        case list():
            return [_without_secrets(item) for item in value]
        case _:
            return value
