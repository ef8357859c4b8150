"""Looks for secrets in plain text in a state: what was handed out as a secret, and whatever looks like one.

A text looks like one where, without ids and names, something is left that is too long and too irregular for words.
Lower-case letters alone are taken for words: a passphrase is found where it is known, not by its looks.
"""

import base64
import binascii
import math
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from cryptography import x509
from engine.world import World

LONG = 16
"""Characters; what is shorter is guessed rather than stolen."""
RANDOM = 0.77
"""Which part of the entropy that a text of its length and characters can have (Shannon) makes it look random.

Random ones have 0.85 of it on average and more; at 0.77 few of them are missed (test_secret_scan.py counts)."""
LONG_HEX = re.compile(r"(?:[0-9a-f]-?){32,}|(?:[0-9A-F]-?){32,}")
"""128 bits and more in hexadecimal, hyphenated or not."""
_DIFFERENT = 8
"""Of 32 random digits so many are different, in all but one case of ten million."""

_MARK = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105
"""Pulumi's mark of a value that is no plain one, and what it says of a secret
(https://github.com/pulumi/pulumi/blob/v3.259.0/sdk/go/common/resource/sig/sig.go)."""

PUBLIC_PLACES = {
    "manifest.magic": "a hash of the CLI's version",
    "secrets_providers.state.salt": "made to stand beside what is encrypted",
}
"""What looks random where it stands, and is meant to; known secrets are found there too."""

PUBLIC_WORDS = (
    "5cf8f73096256a8f31e491e813e4eb8e",  # Pulumi's word for a reference to a resource
    "AL2023_x86_64_NVIDIA",
    "AL2023_x86_64_STANDARD",
    "AWS/ApplicationELB",
    "AWSManagedRulesAmazonIpReputationList",
    "HTTPCode_ELB_5XX_Count",
    "HTTPCode_Target_5XX_Count",
    "IamDbAuthConnectionFailure",
    "KUBERNETES_EXEC_INFO",
    "NumberOfMessagesPublished",
    "NumberOfNotificationsFailed",
    "SizeRestrictions_BODY",
    "SizeRestrictions_Body",
    "UnHealthyHostCount",
    "apiserver_request_total_429",
    "apiserver_request_total_5XX",
    "client.authentication.k8s.io/v1beta1",
    "scheduler_pending_pods_UNSCHEDULABLE",
    "0123456789abcdef",  # the digits by which a script reads what JSON escapes
    # The script that gives the collector of logs its rights, and what it asks OpenSearch.
    "_index_template/",
    "_plugins/_ism/",
    "_plugins/_security/",
    "_primary_term",
    r"\([0-9]*\)",
)
"""Names that have no shape of their own; whoever adds to them has looked at them."""

_SHAPES = re.compile(
    "|".join(
        (
            r"arn:aws:\w+::aws:[\w/-]+",  # of what AWS itself owns, such as a managed policy
            r"arn:aws:[a-z0-9-]+:[a-z0-9-]*:(?:\d{12})?:",  # how any other ARN begins
            r"(?<=/)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b",  # how the ARNs of add-ons and node groups end
            r"(?<=:secret:)rds!cluster-[0-9a-f-]{36}\b",  # what RDS calls the secret that it keeps
            r"\bcluster-[0-9A-Z]{26}\b",  # an RDS cluster's resource id
            r"\bAROA[0-9A-Z]{17}\b",  # a role's unique id
            r"\b[a-z]{1,9}-[0-9a-f]{17}\b",  # ids in EC2
            r"/[0-9a-f]{16}\b",  # how the ARNs of load balancers and target groups end
            r"\b[0-9A-F]{32}\.gr7(?=\.[a-z0-9-]+\.eks\.amazonaws\.com)",  # a control plane's endpoint
            r"(?<=\.amazonaws\.com/id/)[0-9A-F]{32}\b",  # and issuer
            r"(?<![^\s\"])_[0-9a-f]{32}(?=\.)",  # a record that validates a certificate
            r"\b[a-z0-9-]+(?:\.[a-z0-9-]+)*\.amazonaws\.com\b",
            r"\bcom\.amazonaws\.[a-z0-9-]+(?:\.[a-z0-9-]+)*",  # a service behind an endpoint
            r"(?<=[a-z0-9])-[0-9a-f]{7}\b",  # what is appended to names that are made up
            r"\b[a-z]{2}-[a-z]+-\d[a-z]?\b",  # regions and zones
            r"\b\d{12}\b",  # accounts
            r"\b\d{1,3}(?:\.\d{1,3}){3}(?:/\d{1,2})?\b",  # addresses and blocks of them
            r"\belbv2\.k8s\.aws/v\d\w*\b",  # the load balancer controller's kinds
            r"\^eks-\([a-z|]+\)-nodes-\.\*",  # which nodes the autoscaler prefers
            r"\$\{env:[A-Z_]+\}",  # a variable in the collector's settings
            r"\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z\b",
            r"\bproject:///[\w./-]+\.py#\d+",  # where in the program something is
            r"\bv\d+\.\d+\.\d+-eksbuild\.\d+\b",
        )
    )
)
"""What AWS and Pulumi make up, or put around it."""

_WORDS = re.compile(
    r"\b[a-z]*(?:[A-Z]{1,5}[a-z]{2,}|ACL|As|Id|In|Is|My|Or|Re|To|Wo)+\b|\b[a-z]+(?:[-_./:$][a-z]+)+\b|\b[a-z]{4,}\b"
    r"|\b[A-Z]{2,}(?:_[A-Z]{2,})+\b|\b[A-Z][a-z]+(?:_[A-Z][a-z]+)+\b"
)
"""inCamelCase, in-kebab-case, simple ones, IN_CAPITALS and With_Capitals."""
_CERTIFICATES = re.compile(
    r"(?:-----BEGIN CERTIFICATE-----(?:[A-Za-z0-9+/=\s]|\\n)+-----END CERTIFICATE-----(?:\s|\\n)*)+"
)
"""As they are, and within JSON."""
_ENCODED = re.compile(r"LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t[A-Za-z0-9+/]+={0,2}")
"""How a certificate begins in base64, as clusters tell that of their authority."""
_SPACES = re.compile(r"[\s\"]+")
_DELIMITERS = re.compile(r"[/:@=,;?&]")
"""What may stand around a secret in a URL or in options, or in it."""
_CLASSES = (("a-z", 26), ("A-Z", 26), ("0-9", 10), ("^A-Za-z0-9", 32))
"""Kinds of characters, and how many there are of each in ASCII."""


def suspects(state: Mapping[str, Any], secrets: Collection[str]) -> list[str]:
    """Return where in the state (`pulumi stack export`'s deployment) a secret seems to stand, without the secret.

    `secrets` are known ones.
    """
    resources = state.get("resources", ())
    public = {_SHAPES.sub("", resource.get(key, "")) for resource in resources for key in ("id", "type", "urn")}
    known = sorted((text for text in {*public, *PUBLIC_WORDS} if len(text) >= LONG // 2), key=len, reverse=True)
    return [
        place
        for place, path, text in _everything(state)
        if any(secret in text for secret in secrets) or (path not in PUBLIC_PLACES and _looks_secret(text, known))
    ]


def found_in(world: World) -> list[str]:
    """Return where in the world's state something secret seems to stand."""
    return suspects(world.state(), world.account.secrets().values())


def texts(path: str, value: Any) -> Iterator[tuple[str, str]]:
    """Yield each text in a value with its path, but what is encrypted."""
    match value:
        case str():
            yield path, value
        case {"ciphertext": str(), **rest} if rest == {_MARK: _SECRET}:
            return
        case Mapping():
            for key, item in value.items():
                yield from texts(f"{path}.{key}" if path else key, item)
        case list():
            for number, item in enumerate(value):
                yield from texts(f"{path}[{number}]", item)


def _everything(state: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield where each text in the state stands, to a person and by its path, and the text."""
    for path, text in texts("", {key: value for key, value in state.items() if key != "resources"}):
        yield path, path, text
    for resource in state.get("resources", ()):
        for path, text in texts("", resource):
            yield f"{resource['urn']}: {path}", "", text


def _looks_secret(text: str, known: Collection[str]) -> bool:
    """Tell whether a text has something random in it beside ids and names; `known` ones are given longest first."""
    rest = _SHAPES.sub("", _without_certificates(text))
    if len(rest) < LONG:
        return False
    for each in known:
        rest = rest.replace(each, "")
    if any(len(set(digits)) >= _DIFFERENT for digits in LONG_HEX.findall(rest)):
        return True
    parts = _SPACES.split(_WORDS.sub("", rest))
    return any(_random(piece) for part in parts for piece in (part, *_DELIMITERS.split(part)))


def _without_certificates(text: str) -> str:
    """Return a text without certificates, which are public; what only looks like one stays."""

    def plain(found: re.Match[str]) -> str:
        return "" if _is_certificate(found[0]) else found[0]

    def decoded(found: re.Match[str]) -> str:
        try:
            inner = base64.b64decode(found[0], validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return found[0]
        whole = _CERTIFICATES.fullmatch(inner)
        return "" if whole and _is_certificate(inner) else found[0]

    return _CERTIFICATES.sub(plain, _ENCODED.sub(decoded, text))


def _is_certificate(pem: str) -> bool:
    try:
        return bool(x509.load_pem_x509_certificates(pem.replace("\\n", "\n").encode()))
    except ValueError:
        return False


def _random(word: str) -> bool:
    """Tell whether a word is long, and its characters almost as evenly distributed as they can be."""
    if len(word) < LONG:
        return False
    entropy = -sum(count / len(word) * math.log2(count / len(word)) for count in Counter(word).values())
    alphabet = sum(size for characters, size in _CLASSES if re.search(f"[{characters}]", word))
    return entropy >= RANDOM * math.log2(min(len(word), alphabet))
