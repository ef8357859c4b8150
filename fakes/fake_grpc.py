"""What gRPC hands to each call, for calling a plugin without a server."""

from collections.abc import Iterable
from typing import NoReturn

import grpc


class AbortedError(Exception):
    """What a call ends with that is aborted; gRPC raises some exception, too."""


class Context:
    """Remembers what the caller would be told."""

    def __init__(self) -> None:
        self.code, self.details = grpc.StatusCode.OK, ""
        self.trailing: dict[str, bytes] = {}

    def abort(self, code: grpc.StatusCode, details: str) -> NoReturn:
        self.code, self.details = code, details
        raise AbortedError(details)

    def set_code(self, code: grpc.StatusCode) -> None:
        self.code = code

    def set_details(self, details: str) -> None:
        self.details = details

    def set_trailing_metadata(self, pairs: Iterable[tuple[str, bytes]]) -> None:
        self.trailing = dict(pairs)
