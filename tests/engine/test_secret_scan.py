"""What is taken for a secret in a state, and what is not."""

import base64
import datetime
import json
import random
import string
from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from engine.release import RELEASES
from engine.secret_scan import LONG, PUBLIC_WORDS, suspects, texts
from hypothesis import given, settings
from hypothesis import strategies as st
from support import STACKS, recorded, sample

from prismctl.render import plan

URN = "urn:pulumi:dev::ai-prism::aws:iam/role:Role::node"
MARK = "4dabf18193072939515e22adb298388d"
ENCRYPTED = {MARK: "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:Zk9"}
PASSWORD = "q7Rf2LxVn9TzWb4KdYs8HcJm3GpA5uEe"  # noqa: S105  # of nothing
STATES = sorted(RELEASES.glob("*/*.json"))
SMALL_STATES = [file for file in STATES if file.stem == "dev"]

ALPHANUMERIC = string.ascii_letters + string.digits
KINDS: dict[str, tuple[str, int]] = {
    "128 bits in hexadecimal": ("0123456789abcdef", 32),
    "256 bits in hexadecimal": ("0123456789abcdef", 64),
    "160 bits in upper-case hexadecimal": ("0123456789ABCDEF", 40),
    "letters and digits, shortest": (ALPHANUMERIC, LONG),
    "letters and digits": (ALPHANUMERIC, 20),
    "lower-case letters and digits": (string.ascii_lowercase + string.digits, 24),
    "as AWS's secret access keys": (f"{ALPHANUMERIC}+/", 40),
    "as secrets.token_urlsafe(24)": (f"{ALPHANUMERIC}-_", 32),
    "as RDS's passwords": ("".join(each for each in map(chr, range(33, 127)) if each not in '/@"'), 28),
}
"""Characters and length of secrets, by who makes them up."""
AROUND: dict[str, Callable[[str], str]] = {
    "alone": str,
    "in an option": "--password={} --quiet".format,
    "in a URL": "postgres://app:{}@db.example.org:5432/app".format,
    "in JSON": lambda secret: json.dumps({"user": "app", "password": secret}),
    "beside an id": "vpc-0123456789abcdef0 {}".format,
    "in a policy": lambda secret: json.dumps({"Resource": f"arn:aws:s3:::documents/{secret}/*"}),
}
ENOUGH = 0.99
TRIES = 500


def made(kind: str, seed: int) -> str:
    """Return a secret of a kind, the same for the same seed."""
    characters, length = KINDS[kind]
    return "".join(random.Random(seed).choices(characters, k=length))  # noqa: S311  # a secret of nothing


@st.composite
def placed(draw: st.DrawFn, secrets: st.SearchStrategy[str]) -> tuple[str, dict, str, str]:
    """Return a secret, inputs or outputs that hold it somewhere, its path and the part it is in."""
    secret = draw(secrets)
    value, path = AROUND[draw(st.sampled_from(sorted(AROUND)))](secret), ""
    for step in draw(st.lists(st.sampled_from(["key", "list"]), max_size=3)):
        value, path = ({"deep": value}, f".deep{path}") if step == "key" else (["plain", value], f"[1]{path}")
    return secret, {"name": "node", "value": value}, f".value{path}", draw(st.sampled_from(["inputs", "outputs"]))


def state(**parts: object) -> dict[str, list[dict[str, object]]]:
    return {"resources": [{"urn": "urn:other", "type": "pulumi:pulumi:Stack"}, {"urn": URN, **parts}]}


@settings(max_examples=40)
@given(placed(st.text(string.ascii_letters + string.digits + "-_ ", min_size=4, max_size=20).map("hunter{}".format)))
def test_a_known_secret_is_found_wherever_it_stands_and_told_without_itself(case):
    secret, properties, path, part = case

    assert suspects(state(**{part: properties}), [secret]) == [f"{URN}: {part}{path}"]


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("kind", KINDS)
def test_nearly_every_unknown_secret_is_found(kind: str, around: str):
    values = [AROUND[around](made(kind, seed)) for seed in range(TRIES)]

    found = suspects(state(inputs={"values": values}), [])

    assert len(found) >= ENOUGH * TRIES


@settings(max_examples=60, derandomize=True)
@given(
    placed(
        st.builds(made, st.sampled_from(["128 bits in hexadecimal", "as AWS's secret access keys"]), st.integers(0, 9))
    )
)
def test_what_is_random_is_found_wherever_it_stands(case):
    _, properties, path, part = case

    assert suspects(state(**{part: properties}), []) == [f"{URN}: {part}{path}"]


@pytest.mark.parametrize("file", sample(STATES, *SMALL_STATES), ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_no_real_state_raises_a_false_alarm(file):
    assert suspects(json.loads(file.read_text())["deployment"], []) == []


@pytest.mark.parametrize("file", sample(STATES, *SMALL_STATES), ids=lambda file: f"{file.parent.name}-{file.stem}")
@settings(max_examples=6, derandomize=True, deadline=None)
@given(st.data())
def test_in_a_real_state_a_secret_is_found_beside_all_else(file, data):
    deployment = json.loads(file.read_text())["deployment"]
    resource = data.draw(st.sampled_from([each for each in deployment["resources"] if each.get("inputs")]))
    kind = data.draw(st.sampled_from(["256 bits in hexadecimal", "as AWS's secret access keys", "as RDS's passwords"]))
    resource["inputs"]["description"] = data.draw(st.builds(made, st.just(kind), st.integers(0, 9)))

    assert suspects(deployment, []) == [f"{resource['urn']}: inputs.description"]


def test_every_public_word_stands_in_a_real_state_or_in_what_the_program_makes_today():
    said = "".join(file.read_text() for file in STATES)
    said += "".join(text for stack in STACKS for _, text in texts("", today(stack)))

    assert [word for word in PUBLIC_WORDS if word not in said] == []


@pytest.mark.parametrize("stack", sample(STACKS, "dev", "prod"))
def test_nothing_that_the_program_makes_today_looks_like_a_secret(stack):
    assert suspects(today(stack), []) == []


def authority() -> tuple[str, str]:
    """Return a certificate that is signed by itself, as a cluster's is, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "kubernetes")])
    begins = datetime.datetime(2026, 8, 1, tzinfo=datetime.UTC)
    certificate = x509.CertificateBuilder(
        issuer_name=name,
        subject_name=name,
        public_key=key.public_key(),
        serial_number=1,
        not_valid_before=begins,
        not_valid_after=begins + datetime.timedelta(days=3650),
    ).sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    form = serialization.PrivateFormat.PKCS8
    hidden = key.private_bytes(pem, form, serialization.NoEncryption())
    return certificate.public_bytes(pem).decode(), hidden.decode()


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def today(stack):
    """Return what the program makes of a stack, in the shape of a state."""
    steps = plan.render(recorded(stack, known=True), {}, 1)["steps"]
    return {"resources": [step["newState"] for step in steps]}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "node",
        "arn:aws:iam::111122223333:role/ai-prism-dev-node",
        "vpc-0123456789abcdef0",
        "2026-11-23T00:00:00Z",
        "ELBSecurityPolicy-TLS13-1-2-2021-06",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "00000000-0000-0000-0000-000000000000",
        "https://docs.aws.amazon.com/eks/latest/userguide/",
        "arn:aws:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicy",
        "GreaterThanOrEqualToThreshold",
        "project:///components/network.py#43",
        PASSWORD[: LONG - 1],
    ],
)
def test_names_ids_and_words_are_no_secrets(text):
    assert suspects(state(inputs={"value": text}), []) == []


AUTHORITY, KEY = authority()


@pytest.mark.parametrize("form", [str, encoded], ids=["plain", "base64"])
def test_the_certificate_of_a_clusters_authority_is_public_and_a_key_beside_it_is_not(form: Callable[[str], str]):
    kubeconfig = json.dumps({"clusters": [{"cluster": {"certificate-authority-data": form(AUTHORITY)}}]})
    certificates = {"data": form(AUTHORITY), "chain": form(AUTHORITY * 2), "kubeconfig": kubeconfig}

    assert suspects(state(outputs=certificates), []) == []
    assert suspects(state(outputs={"a": form(AUTHORITY + KEY), "b": form(KEY)}), []) == [
        f"{URN}: outputs.a",
        f"{URN}: outputs.b",
    ]


@pytest.mark.parametrize("form", [str, encoded], ids=["plain", "base64"])
def test_what_only_looks_like_a_certificate_is_found(form: Callable[[str], str]):
    dressed = f"-----BEGIN CERTIFICATE-----\n{PASSWORD}\n-----END CERTIFICATE-----\n"

    assert suspects(state(outputs={"a": form(dressed)}), []) == [f"{URN}: outputs.a"]


def test_what_is_encrypted_is_passed_over_and_what_stands_beside_it_is_not():
    inputs = {"kubeconfig": {**ENCRYPTED, "ciphertext": f"v1:{PASSWORD}"}, "other": [{"deep": PASSWORD}]}

    assert suspects(state(inputs=inputs), [PASSWORD]) == [f"{URN}: inputs.other[0].deep"]


@pytest.mark.parametrize(
    "marked",
    [
        {MARK: "1b47061264138c4ac30d75fd1eb44270", "plaintext": PASSWORD},
        {MARK: "1b47061264138c4ac30d75fd1eb44270", "value": PASSWORD},
        {MARK: "c44067f5952c0a294b673a41bacd8c17", "text": PASSWORD},
        {MARK: "c44067f5952c0a294b673a41bacd8c17", "ciphertext": PASSWORD},
        {**ENCRYPTED, "plaintext": PASSWORD},
    ],
    ids=["a secret in plain text", "a secret on the wire", "an asset", "no secret", "both"],
)
@pytest.mark.parametrize("known", [[], [PASSWORD]], ids=["unknown", "known"])
def test_a_mark_alone_hides_nothing(marked: dict[str, str], known: list[str]):
    *_, key = marked

    assert f"{URN}: inputs.a.{key}" in suspects(state(inputs={"a": marked}), known)


@pytest.mark.parametrize("known", [[], [PASSWORD]], ids=["unknown", "known"])
def test_the_whole_deployment_is_looked_at(known: list[str]):
    pending = {"type": "creating", "resource": {"urn": URN, "inputs": {"a": PASSWORD}}}
    deployment = {**state(), "pending_operations": [pending], "secrets_providers": {"state": {"url": PASSWORD}}}

    assert suspects(deployment, known) == ["pending_operations[0].resource.inputs.a", "secrets_providers.state.url"]


def test_the_salt_is_public_but_no_place_for_a_known_secret():
    deployment = {**state(), "secrets_providers": {"state": {"salt": PASSWORD}}}

    assert suspects(deployment, []) == []
    assert suspects(deployment, [PASSWORD]) == ["secrets_providers.state.salt"]


def test_an_id_is_no_secret_wherever_it_stands_and_hides_nothing():
    resources = [
        {
            "urn": URN,
            "id": PASSWORD,
            "outputs": {"a": [f"{PASSWORD} and more", f"{PASSWORD}/{made('letters and digits', 1)}"]},
        }
    ]

    assert suspects({"resources": resources}, []) == [f"{URN}: outputs.a[1]"]
    assert suspects({"resources": resources}, [PASSWORD]) == [
        f"{URN}: {path}" for path in ("id", "outputs.a[0]", "outputs.a[1]")
    ]


def test_each_place_is_told_once_and_in_its_resource():
    other = made("letters and digits", 2)
    found = suspects(state(inputs={"a": f"{PASSWORD} {other}", "b": "x"}, outputs={"a": PASSWORD}), [PASSWORD])

    assert found == [f"{URN}: inputs.a", f"{URN}: outputs.a"]


def test_every_text_is_looked_at_with_its_path():
    value = {"a": "1", "b": [2, "3", {"c": "4", "d": None}], "e": ENCRYPTED, "f": {}}

    assert list(texts("outputs", value)) == [("outputs.a", "1"), ("outputs.b[1]", "3"), ("outputs.b[2].c", "4")]
