"""YAML as Pulumi's engine reads it, with a repeated key as the mistake it is."""

import re
from collections.abc import Hashable

import yaml

_MERGE = "tag:yaml.org,2002:merge"


class Loader(yaml.CSafeLoader):
    """Safe YAML 1.2 values: `yes` is text, as it is for the engine, and so is a date."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Merge what `<<` names into the mapping; raises ConstructorError where a key of its own stands twice."""
        if not hasattr(node, "merged"):
            seen: set[Hashable] = set()
            for key_node, _ in node.value:
                if key_node.tag == _MERGE:
                    continue
                key = self.construct_object(key_node, deep=True)
                if isinstance(key, Hashable) and key in seen:
                    raise yaml.constructor.ConstructorError(
                        problem=f"key {key} twice", problem_mark=key_node.start_mark
                    )
                if isinstance(key, Hashable):
                    seen.add(key)
            # A mapping that is constructed again then holds the merged keys beside its own.
            vars(node)["merged"] = True
        super().flatten_mapping(node)


# https://yaml.org/spec/1.2.2/#103-core-schema; digits behind a leading zero are a number, though not a whole one.
Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag.rpartition(":")[2] in ("null", "merge")]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?(0|[1-9][0-9]*)", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
):
    Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), list(_first))
