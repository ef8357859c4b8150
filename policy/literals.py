"""Tells secrets that stand in plain text from names, paths and references that only speak of them.

Keys and tokens that a provider marks by a form of its own are found by detect-secrets
(https://github.com/Yelp/detect-secrets). Passwords have no form: they are found by the name that they are given.
"""

import base64
import contextlib
import functools
import importlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from policy.properties import join, opened

_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+")

_SECRET = re.compile(
    r"(password|passwd|passphrase|secret|token|credentials?|apikey|secretkey|privatekey|authkey|_auth)$"
)
"""What a secret's name ends with, also where it is glued to the word before: PGPASSWORD."""
_SECRET_AFTER_ANOTHER = {"pass", "pwd", "pw", "creds", "pat"}
"""Secret at the end of a longer name: DB_PASS, but neither PASS nor the shell's PWD."""
_SECRET_NAMES = {"secretkeybase", "connectionpassword", "dockerconfigjson", "basicauth"}
_KEYS = {
    *("api", "access", "private", "secret", "encryption", "signing", "master", "auth", "account", "storage"),
    *("jwt", "hmac", "session", "cookie", "shared", "webhook", "license", "decryption", "admin", "fernet"),
}
"""What makes a key a secret one; a public, a partition or a cache key is none."""
_HARMLESS = {
    # Parts of a language model's vocabulary, and marks in a list of pages.
    "token": {
        *("eos", "bos", "pad", "unk", "sep", "cls", "mask", "stop", "special", "end", "start", "next", "page"),
        *("account", "automount", "continuation", "client", "creation", "request", "idempotency"),
    },
    # Names of Secret objects.
    "secret": {
        "pull",
        "tls",
        "existing",
        "kubernetes",
        "password",
        "credentials",
        "use",
        "enable",
        "create",
        "cert",
        "checksum",
    },
    "password": {"generate", "reset", "manage", "rotate", "require", "allow", "use", "empty", "enable"},
    "credentials": {"allow", "include", "use", "existing", "with", "require", "allowed"},
}

_NO_SECRET = re.compile(
    r"true|false|yes|no|on|off|none|null|nil|enabled|disabled|optional|required|string|password|secret|token|default"
    r"|always|never|auto|seconds|minutes|hours|days|\d{1,3}|[a-z0-9.-]+-(secrets?|tls|credentials|creds|passwords?|tokens?|keys?)|[*x.•-]+|<.*>|\[.*\]"
    r"|(replace|insert|enter|your|my|put|set|todo|fixme|example|dummy|redacted|placeholder)[-_ ]?.*[-_ ].*"
    r"|alias/.*|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|todo|fixme|redacted|placeholder|\(?sensitive( value)?\)?|\[secret\]|(/[\w.{}-]+)+/?"
    r"|(file|arn|vault|ref\+\w+|op|ssm|awssm|secret|secrets|gs|s3|env|keyvault|sm|projects|secretref|k8s|bao|doppler)[:/].*"
    r"|[\w./~-]+\.(pem|key|crt|json|txt|md|ya?ml|jks|p12|pfx)",
    re.IGNORECASE | re.DOTALL,
)
_REFERENCE = ("$(", "${", "{{", "%(", "<%", "#{", "__ENV", "valueFrom")
_SHELL = re.compile(r"\$[A-Za-z_({]|%[A-Za-z_]+%$|`")

_PROVIDERS = (
    *("aws.AWSKeyDetector", "azure_storage_key.AzureStorageKeyDetector", "discord.DiscordBotTokenDetector"),
    *("github_token.GitHubTokenDetector", "gitlab_token.GitLabTokenDetector", "jwt.JwtTokenDetector"),
    *("mailchimp.MailchimpDetector", "npm.NpmDetector", "openai.OpenAIDetector", "private_key.PrivateKeyDetector"),
    *("pypi_token.PypiTokenDetector", "sendgrid.SendGridDetector", "slack.SlackDetector", "stripe.StripeDetector"),
    "square_oauth.SquareOAuthDetector",
)
"""Detectors whose forms nothing else has. Left out: entropy and addresses, which find digests and hosts,
and Telegram's tokens, which look like an account and a name in an ARN."""
_NEWER = re.compile(
    r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY"
    r"|\bgithub_pat_\w{30}|\bsk_live_\w{16}|\bsk-(?:ant|proj)-[\w-]{20}|\bAIza[\w-]{35}\b|\bhv[bs]\.[\w-]{24}"
    r"|\bdop_v1_[0-9a-f]{64}|\bglsa_\w{32}_[0-9a-f]{8}|\bxapp-\d-[A-Z0-9]+-\d+-\w{20}|\bAGE-SECRET-KEY-1[A-Z0-9]{58}"
)
"""Forms that detect-secrets 1.5 does not have."""
_LEAST_TOKEN = 16
_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@\"']{0,100}:([^\s/@\"']{1,200})@")
_NAME = r"[\w.-]{0,80}(?:pass|pwd|secret|token|key|credential|auth)[\w.-]{0,40}"
_SETTING = re.compile(
    rf"(?<![\w/.$-])-{{0,2}}[\"']?({_NAME})[\"']?[ \t]*(?::=|=>|[:=])[ \t]*"
    r"(?:\"([^\"\n]{6,500})\"|'([^'\n]{6,500})'|([^\s\"',;&|]{6,500}))",
    re.IGNORECASE,
)
"""A name that is given a value: in shells, properties, YAML, query and connection strings, command lines."""
_OPTION = re.compile(rf"(?<!\S)--({_NAME})[ \t]+[\"']?([^\s\"'-][^\s\"']{{5,500}})", re.IGNORECASE)
_COMMANDS = re.compile(
    r"\bcurl\b[^\n|;&]*\s(?:-u|--user)[ =]?[\"']?[^\s:\"']+:([^\s\"']+)"
    r"|\bsshpass\s+-p\s*[\"']?([^\s\"']+)"
    r"|\bmysql(?:dump|admin)?\b[^\n|;&]*\s-p([^\s\"']+)"
    r"|\bredis-cli\b[^\n|;&]*\s-a\s+[\"']?([^\s\"']+)"
    r"|\bdocker\s+login\b[^\n|;&]*\s-p[ =]?[\"']?([^\s\"']+)"
    r"|\bmachine\s+\S+\s+login\s+\S+\s+password\s+(\S+)"
    r"|^\s*(?:requirepass|masterauth)\s+[\"']?([^\s\"']+)"
    r"|;\s*(?:pwd|password)\s*=\s*([^;\s]+)"
    r"|<(?:\w*[Pp]assword|\w*[Ss]ecret)>([^<\s]{4,})</"
    r"|\bauthorization[\"']?\s*[:=]\s*[\"']?(?:basic|bearer|token)\s+([\w+/=.~-]{8,})"
    r"|^\s*(?:basic|bearer)\s+([\w+/=.~-]{16,})\s*$",
    re.IGNORECASE | re.MULTILINE,
)
"""Commands, headers and elements that hand over a password without naming it."""
_COMMENT = re.compile(r"^\s*(?:#|//).*$", re.MULTILINE)
_HINT = re.compile(r"pass|pwd|secret|token|key|credential|auth|login|curl|mysql|redis|bearer|basic", re.IGNORECASE)
_BASE64 = re.compile(r"[A-Za-z0-9+/\s]{16,}={0,2}\s*")
_LARGEST = 1 << 18
"""Texts beyond this many characters are read line by line alone, and not as documents."""


def names_secret(name: str) -> bool:
    """Whether what goes by this name is a secret itself: DB_PASSWORD, but not PASSWORD_FILE or MAX_TOKENS."""
    words = [word.lower() for word in _WORDS.findall(name)]
    if not words:
        return False
    before, last = (words[-2] if len(words) > 1 else ""), words[-1]
    if last == "key" and before in _KEYS:
        return True
    if last in _SECRET_AFTER_ANOTHER:
        return bool(before)
    joined = "".join(words)
    if any(joined.endswith(each) for each in _SECRET_NAMES):
        return True
    found = _SECRET.search(last)
    return bool(found) and before not in _HARMLESS.get(found[1], set())


def is_literal(value: str) -> bool:
    """Whether a value is the thing itself, and no reference to it, path, placeholder or switch."""
    value = value.strip()
    if not value or any(mark in value for mark in _REFERENCE) or _SHELL.match(value):
        return False
    return not _NO_SECRET.fullmatch(value)


def is_secret(name: str, text: str) -> bool:
    """Whether a text is a secret in plain text, by the name that it has or by what stands in it.

    Documents in it count too: JSON, YAML, and Base64 of either or of text.
    """
    if name in _PROSE:
        return shows_secret(text)
    if (names_secret(name) and is_literal(text)) or shows_secret(text) or sets_secret(text):
        return True
    return any(True for document in _documents(text) for _ in literals(document))


_PROSE = {"description", "comment", "help", "summary", "title"}


@functools.lru_cache(maxsize=8192)
def shows_secret(text: str) -> bool:
    """Whether a text holds what can only be a secret: a private key, a cloud's key, an address with a password."""
    if "://" in text and any(is_literal(found) for found in _ADDRESS.findall(text)):
        return True
    if len(text) < _LEAST_TOKEN:
        return False
    return bool(_NEWER.search(text)) or any(pattern.search(text) for pattern in _forms())


@functools.cache
def _forms() -> tuple[re.Pattern[str], ...]:
    """Return the forms of detect-secrets; imported when they are first needed, because that takes 0.2 s."""
    found: list[re.Pattern[str]] = []
    for each in _PROVIDERS:
        module, _, name = each.partition(".")
        found += getattr(importlib.import_module(f"detect_secrets.plugins.{module}"), name).denylist
    return tuple(found)


@functools.lru_cache(maxsize=8192)
def sets_secret(text: str) -> bool:
    """Whether a text gives a secret a value somewhere: in a line, an option, a query, a header."""
    if not _HINT.search(text):
        return False
    text = _COMMENT.sub("", text)
    named = [(name, first or second or third) for name, first, second, third in _SETTING.findall(text)]
    named += _OPTION.findall(text)
    return any(names_secret(name) and is_literal(value) for name, value in named) or any(
        is_literal(value) for found in _COMMANDS.findall(text) for value in found if value
    )


def literals(value: Any, path: str = "", name: str = "") -> Iterator[str]:
    """Yield the path of each secret in plain text within a value; what is marked as secret is none.

    Goes through mappings and lists, pairs of name and value, options of a command line, and documents in texts: JSON,
    YAML and Base64. A path ends at the text, whatever is found inside it.
    """
    match value:
        case str():
            if is_secret(name, value):
                yield path
        case Mapping():
            yield from _in_mapping(value, path)
        case list() | tuple():
            yield from _in_list(value, path, name)
        case _:
            pass


def _in_mapping(value: Mapping[Any, Any], path: str) -> Iterator[str]:
    if value.get("type") in _STORES:
        return  # a build's variable names where its value is kept
    pair = next((str(value[key]) for key in _PAIR_NAMES if isinstance(opened(value.get(key)), str)), "")
    for key, item in value.items():
        # An ExternalSecret names the key that it fills.
        if key != "secretKey" or "remoteRef" not in value:
            own = pair if str(key) in _PAIR_VALUES and pair else str(key)
            yield from literals(item, join(path, str(key)), own)


def _in_list(value: Sequence[Any], path: str, name: str) -> Iterator[str]:
    """Yield the elements that are secrets; or the list, where only its words together are a command with a password."""
    before, told = "", False
    for index, item in enumerate(value):
        option = before.lstrip("-") if before.startswith("-") and "=" not in before else ""
        for found in literals(item, join(path, index), option or name):
            told = True
            yield found
        before = item if isinstance(item, str) else ""
    words = [item for item in value if isinstance(item, str)]
    if not told and len(words) > 1 and sets_secret(" ".join(words)):
        yield path


_STORES = ("PARAMETER_STORE", "SECRETS_MANAGER")
"""https://docs.aws.amazon.com/codebuild/latest/APIReference/API_EnvironmentVariable.html"""
_PAIR_NAMES = ("name", "key", "Name", "Key", "parameterName")
_PAIR_VALUES = ("value", "Value", "parameterValue")


def _documents(text: str) -> Iterator[Any]:
    """Yield what a text holds as a document: JSON, YAML, or either of them or plain text in Base64."""
    if len(text) > _LARGEST:
        return
    start = text.lstrip()[:1]
    if start in ("{", "["):
        try:
            yield json.loads(text)
        except ValueError:
            pass
        else:
            return
    if "\n" in text and ":" in text and _HINT.search(text):
        with contextlib.suppress(yaml.YAMLError, ValueError):
            yield [each for each in yaml.load_all(text, Loader=yaml.CSafeLoader) if isinstance(each, dict | list)]
    elif _BASE64.fullmatch(text):
        decoded = _decoded(text)
        if decoded:
            yield decoded


def _decoded(text: str) -> str:
    try:
        found = base64.b64decode("".join(text.split()), validate=True).decode("ascii")
    except ValueError:
        return ""
    return found if found.isprintable() or "\n" in found else ""
