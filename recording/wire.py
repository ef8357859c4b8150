"""Property values between the SDK's wire format and plain data."""

from collections.abc import Mapping
from typing import Any

from google.protobuf import struct_pb2

from recording.graph import UNKNOWN, Reference, Secret, Unknown
from recording.sdk import REFERENCE, SECRET, SIGNATURE, UNKNOWN_MARK


def decode(struct: struct_pb2.Struct) -> dict[str, Any]:
    """Return the properties of `struct` as plain data with UNKNOWN, Secret and Reference."""
    return {key: _decode(value) for key, value in struct.fields.items()}


def _decode(value: struct_pb2.Value) -> Any:
    match value.WhichOneof("kind"):
        case "string_value":
            text = value.string_value
            return UNKNOWN if text == UNKNOWN_MARK else text
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "bool_value":
            return value.bool_value
        case "list_value":
            return [_decode(item) for item in value.list_value.values]
        case "struct_value":
            return _decode_struct(value.struct_value)
        case _:
            return None


def _decode_struct(struct: struct_pb2.Struct) -> Any:
    fields = struct.fields
    if SIGNATURE not in fields:
        return decode(struct)
    match fields[SIGNATURE].string_value:
        case signature if signature == SECRET:
            return Secret(_decode(fields["value"]))
        case signature if signature == REFERENCE:
            return Reference(urn=fields["urn"].string_value, id=fields["id"].string_value)
        case _:
            return decode(struct)


def encode(properties: Mapping[str, Any]) -> struct_pb2.Struct:
    """Return `properties` in the wire format; None is left out, as the SDK does."""
    struct = struct_pb2.Struct()
    fill(struct, properties)
    return struct


def fill(struct: struct_pb2.Struct, properties: Mapping[str, Any]) -> None:
    """Put `properties` into `struct`."""
    for key, value in properties.items():
        if value is not None:
            _encode(struct.fields[key], value)


def _encode(target: struct_pb2.Value, value: Any) -> None:  # noqa: C901  # one case for each kind of value
    match value:
        case str():
            target.string_value = value
        case bool():
            target.bool_value = value
        case int() | float():
            target.number_value = value
        case Mapping():
            target.struct_value.SetInParent()
            fill(target.struct_value, value)
        case list() | tuple():
            target.list_value.SetInParent()
            for item in value:
                _encode(target.list_value.values.add(), item)
        case Unknown():
            target.string_value = UNKNOWN_MARK
        case Secret(inner):
            target.struct_value.fields[SIGNATURE].string_value = SECRET
            _encode(target.struct_value.fields["value"], inner)
        case Reference(urn, id_):
            target.struct_value.fields[SIGNATURE].string_value = REFERENCE
            target.struct_value.fields["urn"].string_value = urn
            target.struct_value.fields["id"].string_value = id_
        case None:
            target.null_value = struct_pb2.NULL_VALUE
        case _:
            raise TypeError(f"no wire format for {type(value).__name__}")


def reveal(value: Any) -> tuple[Any, bool]:
    """Return plain data without its Secret wrappers, and whether there were any."""
    match value:
        case Secret(inner):
            return reveal(inner)[0], True
        case Mapping():
            pairs = {key: reveal(item) for key, item in value.items()}
            return {key: plain for key, (plain, _) in pairs.items()}, any(secret for _, secret in pairs.values())
        case list():
            items = [reveal(item) for item in value]
            return [plain for plain, _ in items], any(secret for _, secret in items)
        case _:
            return value, False
