"""Base of the configuration sections: frozen and typed, with errors in terms of the stack file."""

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self, TypeVar, get_args

import pulumi
from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError
from pydantic_core.core_schema import CoreSchema, no_info_after_validator_function

_SHOWN = 80
"""How many characters of a value a message shows."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong with the configuration."""

    path: str
    rule: str
    got: str | None = None
    """The offending value, or None where showing it would be pointless or could show a secret."""

    def __str__(self) -> str:
        return f"{self.path}: {self.rule}" + (f", got {self.got}" if self.got is not None else "")


class SettingsError(pulumi.RunError):
    """The configuration cannot be used; the message lists every problem. Pulumi prints it without a stack trace."""

    def __init__(self, stack: str, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        count = f"{len(problems)} problem{'s' if len(problems) != 1 else ''}"
        super().__init__("\n".join([f"Pulumi.{stack}.yaml: {count}", *(f"  {problem}" for problem in problems)]))


class Section(BaseModel):
    """Base of all sections: frozen, strict about types, refusing unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    def rules(self) -> Iterator[Problem]:
        """Yield the problems between this section's values; paths are relative to the section."""
        yield from ()

    @model_validator(mode="after")
    def _check_rules(self) -> Self:
        problems = tuple(self.rules())
        if problems:
            raise PydanticCustomError("rules", "broken rules", {"problems": problems})
        return self


def require(*, true: bool, rule: str) -> None:
    """Raise the error that a value breaks `rule`, from its validator, unless `true`."""
    if not true:
        raise PydanticCustomError("rule", "{rule}", {"rule": rule})


@dataclass(frozen=True)
class Form:
    """Format of a string, for `Annotated[str, Form(…)]`; messages describe it in words, not by the pattern."""

    pattern: str
    """Regular expression that must match the whole string; ASCII only."""
    words: str
    """What it must be, as in `12 digits`."""
    example: str
    """A valid value."""
    shown: bool = True
    """Whether messages show an invalid value; False where it may be a secret."""

    @property
    def rule(self) -> str:
        return f"must be {self.words}, such as {self.example}"

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check the text after everything else that is asked of it."""
        return no_info_after_validator_function(self._check, handler(source))

    def _check(self, text: str) -> str:
        if re.fullmatch(self.pattern, text, re.ASCII) is None:
            raise PydanticCustomError("rule" if self.shown else "rule_alone", "{rule}", {"rule": self.rule})
        return text


S = TypeVar("S", bound=Section)


def parse_section(path: str, section: type[S], text: str | None, problems: list[Problem]) -> S | None:
    """Return the section that `text` (JSON) describes; or None, with what is wrong added to `problems`.

    `text` None means that the file has no such section, which is right where every value has a default.
    """
    if text is None:
        if any(field.is_required() for field in section.model_fields.values()):
            problems.append(Problem(path, "is required"))
            return None
        text = "{}"
    try:
        return section.model_validate_json(text)
    except ValidationError as error:
        details = error.errors(include_url=False)
        wrong_items = {detail["loc"][:-1] for detail in details if detail["loc"] and isinstance(detail["loc"][-1], int)}
        for detail in details:
            # Items that are wrong are not counted: what is told of an item need not be told of its list.
            if detail["type"] != "too_short" or detail["loc"] not in wrong_items:
                problems += _explain(path, section, detail)
        return None


def _explain(path: str, section: type[Section], detail: ErrorDetails) -> Iterator[Problem]:
    """Turn one of pydantic's errors into problems in the words of the configuration file."""
    where = ".".join([path, *(str(part) for part in detail["loc"] if part != "[key]")])
    match detail["type"]:
        case "rules":
            for problem in detail.get("ctx", {})["problems"]:
                yield Problem(f"{where}.{problem.path}", problem.rule, problem.got)
        case "missing":
            yield Problem(where, "is required")
        case "extra_forbidden":
            # The value stays out of the message: whoever mistyped a key may have typed a password.
            yield Problem(where, unknown_key(str(detail["loc"][-1]), _fields_at(section, detail["loc"][:-1])))
        case "model_type" | "json_invalid":
            yield Problem(where, f"must be a mapping of {', '.join(_fields_at(section, detail['loc']))}")
        case "rule_alone":
            yield Problem(where, detail["msg"])
        case _:
            yield Problem(where, _rule(detail), show(detail["input"]))


_KINDS = {
    "dict_type": "must be a mapping",
    "string_too_long": "must be shorter",
    "string_type": "must be text",
    "tuple_type": "must be a list",
}


def _rule(detail: ErrorDetails) -> str:  # noqa: PLR0911  # one case for each kind of mistake
    """Return the rule that a single value breaks."""
    given, limits = detail["input"], detail.get("ctx", {})
    match detail["type"]:
        case "rule":
            return detail["msg"]
        case "string_type" if isinstance(given, int | float) and not isinstance(given, bool):
            return "must be text: put it in quotes"
        case "int_type":
            return "must be a whole number" + (" without quotes" if str(given).isdecimal() else "")
        case "bool_type":
            return "must be true or false" + (" without quotes" if given in ("true", "false") else "")
        case "ip_v4_network" | "value_error":
            return "must be an IPv4 network without host bits, such as 10.0.0.0/16"
        case "string_too_short":
            return f"must have at least {limits['min_length']} characters"
        case "too_short":
            return f"must have at least {limits['min_length']}"
        case kind if kind in _KINDS:
            return _KINDS[kind]
        case _:
            rule = detail["msg"].replace("Input should be", "must be").replace("Input is", "must be")
            return rule[0].lower() + rule[1:]


def _fields_at(section: type[Section], loc: tuple[int | str, ...]) -> tuple[str, ...]:
    model: type[BaseModel] = section
    for part in loc:
        # Items of lists and mappings have no field of their own.
        if part in model.model_fields:
            model = next(_models_in(model.model_fields[str(part)].annotation))
    return tuple(model.model_fields)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the models that an annotation such as `Restore | None` speaks of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for each in get_args(annotation):
        yield from _models_in(each)


def unknown_key(name: str, known: Mapping[str, object] | tuple[str, ...]) -> str:
    """Return the rule that an unknown key breaks, with the known key it resembles or all that are known."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f'unknown key; did you mean "{close[0]}"?' if close else f"unknown key; known are {', '.join(known)}"


def show(value: object) -> str:
    """Return `value` as the file would write it, short enough for one line, without the login of an address."""
    text = value if isinstance(value, str) and value else json.dumps(value, default=str)
    text = re.sub(r"://[^/@\s]+@", "://…@", text)
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 1]}…"
