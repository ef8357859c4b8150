"""Asks the fake AWS for one thing, as its provider does: for the tests of what AWS answers."""

from typing import Any

from fakes.aws.account import Account, Verb
from fakes.aws.service import Aws, Call

ACCOUNT_ID = "111122223333"


def urn(type_: str, name: str = "main") -> str:
    return f"urn:pulumi:dev::ai-prism::{type_}::{name}"


def call(account: Account, verb: Verb, type_: str, name: str = "main") -> Call:
    resource = urn(type_, name)
    account.begin(resource, type_, verb)
    return Call(urn=resource, type=type_, name=name)


def make(aws: Aws, account: Account, type_: str, name: str = "main", /, **inputs: Any) -> tuple[str, Any]:
    """Create a resource called `name`; returns its id and outputs."""
    return aws.create(call(account, "create", type_, name), inputs)


def update(aws: Aws, account: Account, type_: str, id_: str, /, **inputs: Any) -> Any:
    return aws.update(call(account, "update", type_), id_, inputs)


def delete(aws: Aws, account: Account, type_: str, id_: str) -> None:
    aws.delete(call(account, "delete", type_), id_)
