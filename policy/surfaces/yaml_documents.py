"""Reads YAML written by others: in bounded memory, and with an error that says where it is wrong."""

import contextlib
from collections.abc import Generator, Iterator, Mapping
from typing import Any

import yaml

from policy.surfaces import errors
from policy.surfaces.errors import InputError, too_many


def documents(name: str, text: bytes) -> Iterator[tuple[int, Any]]:
    """Yield each document that says anything, with its line; raises InputError. To be surveyed before."""
    with _mistakes_told(name, text):
        for line, document in _constructed(text):
            if _size(document, {}) > errors.MOST_VALUES:
                raise InputError(
                    f"{name}:{line}: has more than {errors.MOST_VALUES} values once its aliases are followed"
                )
            if document is not None:
                yield line, document


def survey(name: str, text: bytes, most: int) -> int:
    """Return the number of values as they are written; raises InputError for more than `most`, or what is too deep.

    This makes nothing of them: libyaml's own recursion would end this process, and each would take its memory.
    """
    count = depth = 0
    with _mistakes_told(name, text):
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            count += isinstance(event, yaml.NodeEvent)
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if count > most:
                raise too_many(name, errors.MOST_VALUES)
            if depth > errors.DEEPEST:
                raise RecursionError
    return count


@contextlib.contextmanager
def _mistakes_told(name: str, text: bytes) -> Generator[None]:
    try:
        yield
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        hint = "; is it a template? Render it first" if b"{{" in text else ""
        raise InputError(f"{where}: not valid YAML{hint}") from None
    except (yaml.YAMLError, UnicodeDecodeError, ValueError):
        # A ValueError is a value that only looks like what YAML knows, such as a day that no month has.
        raise InputError(f"{name}: not valid YAML") from None
    except RecursionError:
        raise InputError(f"{name}: is nested too deeply") from None


def _constructed(text: bytes) -> Iterator[tuple[int, Any]]:
    loader = yaml.CSafeLoader(text)
    try:
        while loader.check_node():
            node: Any = loader.get_node()
            yield node.start_mark.line + 1, loader.construct_document(node)
    finally:
        loader.dispose()


def _size(value: Any, seen: dict[int, int]) -> int:
    """Return the number of values inside, those behind aliases counted each time."""
    if not isinstance(value, Mapping | list):
        return 1
    if id(value) not in seen:
        seen[id(value)] = errors.MOST_VALUES  # while it is being counted: what contains itself has no end
        inner = value.values() if isinstance(value, Mapping) else value
        seen[id(value)] = 1 + sum(_size(item, seen) for item in inner)
    return seen[id(value)]
