"""What is published to tell values and findings apart must not tell the values."""

import json
import re

import pytest
from policy_cases import Case, cases

from policy.fingerprints import OF_SECRETS
from policy.registry import rules
from policy.reports import document
from policy.runner import run
from policy.view import Resource, Stack
from recording.graph import Secret


def published(case: Case) -> list[dict]:
    return document.render(run(case.stack, case.settings, only=[case.rule]))["findings"]


@pytest.mark.parametrize("case", [case for case in cases("violating") if case.rule.id in OF_SECRETS], ids=str)
def test_of_a_secret_in_plain_text_there_is_no_fingerprint(case: Case) -> None:
    assert [finding["rule"] for finding in published(case) if "fingerprint" in finding] == []


def test_a_rule_that_finds_secrets_is_known_as_such() -> None:
    said = re.compile(r"no secret|holds? (a|no) secret|secret's value|password stands|plain text|none from the program")
    found = {rule.id for rule in rules() if said.search(rule.title.lower())}
    found |= {
        case.rule.id
        for case in cases("violating")
        if any(said.search(finding.message) for finding in case.report().findings)
    }
    assert found <= OF_SECRETS
    assert {rule.id for rule in rules()} >= OF_SECRETS


def pod(*environment: dict, privileged: bool = True) -> dict:
    container = {"name": "web", "env": list(environment), "securityContext": {"privileged": privileged}}
    return {"spec": {"containers": [container]}}


def told(inputs: dict, rule: str, type_: str = "kubernetes:core/v1:Pod") -> tuple[str, str]:
    """Return identity and fingerprint of the one finding of a rule."""
    resource = Resource(urn=f"urn:pulumi:prod::shop::{type_}::web", type=type_, name="web", read_inputs=lambda: inputs)
    only = [each for each in rules() if each.id == rule]
    (found,) = run(Stack(name="prod", resources=(resource,)), cases("violating")[0].settings, only=only).findings
    return found.identity, found.published_fingerprint


@pytest.mark.parametrize("hidden", [lambda text: text, Secret], ids=["plain", "marked"])
def test_neither_fingerprint_nor_identity_change_with_a_secret(hidden) -> None:
    def of(password: str) -> tuple[str, str]:
        return told(pod({"name": "DB_PASSWORD", "value": hidden(password)}), "k8s-env-secret")

    assert of("correct-horse") == of("battery-staple")


def test_a_secret_beside_what_was_found_is_no_part_of_a_fingerprint() -> None:
    _, fingerprint = told(pod({"name": "DB_PASSWORD", "value": "correct-horse"}), "k8s-probes")
    assert fingerprint == ""
    _, fingerprint = told(pod({"name": "COLOUR", "value": "blue"}), "k8s-probes")
    assert fingerprint


def policy(*actions: str) -> dict:
    statement = [{"Effect": "Allow", "Action": action, "Resource": "*", "Principal": "*"} for action in actions]
    return {"policy": json.dumps({"Statement": statement}), "enableKeyRotation": True, "deletionWindowInDays": 30}


def test_a_statement_of_a_document_is_the_same_whatever_stands_before_it() -> None:
    def identities(*actions: str) -> list[str]:
        only = [each for each in rules() if each.id == "kms-principal"]
        type_ = "aws:kms/key:Key"
        resource = Resource(
            urn=f"urn:pulumi:prod::shop::{type_}::data", type=type_, name="data", read_inputs=lambda: policy(*actions)
        )
        stack = Stack(name="prod", resources=(resource,))
        return [each.identity for each in run(stack, cases("violating")[0].settings, only=only).findings]

    (alone,) = identities("kms:Decrypt")
    before, behind = identities("kms:Encrypt", "kms:Decrypt")
    assert behind == alone != before
