"""Tells secrets that stand in plain text from names, paths and references that only speak of them."""

import re
from collections.abc import Iterator

_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+")

_SECRET = {"password", "passwd", "passphrase", "secret", "token", "credential", "credentials", "apikey", "secretkey"}
_SECRET_AFTER_ANOTHER = {"pass", "pwd"}
"""Secret at the end of a longer name: DB_PASS, but neither PASS nor the shell's PWD."""
_KEYS = {"api", "access", "private", "secret", "encryption", "signing", "master", "auth", "account"}
"""What makes a key a secret one; a public, a partition or a cache key is none."""
_HARMLESS = {
    # Parts of a language model's vocabulary, and marks in a list of pages.
    "token": {"eos", "bos", "pad", "unk", "sep", "cls", "mask", "stop", "special", "end", "start", "next", "page"},
    # Names of Secret objects.
    "secret": {"pull", "tls", "existing", "kubernetes", "password", "credentials", "use", "enable"},
}

_NO_SECRET = re.compile(
    r"true|false|yes|no|on|off|none|null|nil|enabled|disabled|optional|required|string|password|secret|token"
    r"|\d{1,3}|[a-z0-9.-]+-(secrets?|tls|credentials|creds)|[*x.]+|<.*>|(/[\w.-]+)+/?|(file|arn|vault|ref\+\w+|op|ssm|awssm|secret|gs|s3):.*",
    re.IGNORECASE | re.DOTALL,
)
_REFERENCE = ("$(", "${", "{{", "%(", "<%")

_TELLING = re.compile(
    r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{30}|glpat-[\w-]{20}|xox[abprs]-[\w-]{10}|sk_live_\w{16})"
    r"|\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}"
)
_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@\"']{0,100}:([^\s/@\"']{1,200})@")
_SETTING = re.compile(r"\s*(?:export\s+)?[\"']?([\w.-]{3,80})[\"']?\s*[:=]\s*[\"']?([^\s\"']{6,500})[\"']?\s*,?\s*")
_HINT = re.compile(r"pass|pwd|secret|token|key|credential", re.IGNORECASE)


def names_secret(name: str) -> bool:
    """Whether what goes by this name is a secret itself: DB_PASSWORD, but not PASSWORD_FILE or MAX_TOKENS."""
    words = [word.lower() for word in _WORDS.findall(name)]
    if not words:
        return False
    before, last = (words[-2] if len(words) > 1 else ""), words[-1]
    if last == "key":
        return before in _KEYS
    if last in _SECRET_AFTER_ANOTHER:
        return bool(before)
    return last in _SECRET and before not in _HARMLESS.get(last, set())


def is_literal(value: str) -> bool:
    """Whether a value is the thing itself, and no reference to it, path, placeholder or switch."""
    value = value.strip()
    if not value or value.startswith("$") or any(mark in value for mark in _REFERENCE):
        return False
    return not _NO_SECRET.fullmatch(value)


def shows_secret(text: str) -> bool:
    """Whether a text holds what can only be a secret: a private key, a cloud's key, an address with a password."""
    if _TELLING.search(text):
        return True
    return any(is_literal(found) for found in _ADDRESS.findall(text))


def sets_secret(text: str) -> bool:
    """Whether a file's text gives a secret a value in one of its lines: `spring.datasource.password=...`."""
    return any(names_secret(name) and is_literal(value) for name, value in _settings(text))


def _settings(text: str) -> Iterator[tuple[str, str]]:
    if _HINT.search(text):
        for line in text.splitlines():
            setting = _SETTING.fullmatch(line)
            if setting and _HINT.search(setting[1]):
                yield setting[1], setting[2]
