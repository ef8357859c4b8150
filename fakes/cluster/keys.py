"""A key for signing the tokens of service accounts, made without a library: any number will do as a private one."""

import base64
import secrets

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of NIST P-256: https://nvlpubs.nist.gov/nistpubs/SpecialPublications/NIST.SP.800-186.pdf"""


def private_key() -> str:
    """Return a new P-256 key as PEM: https://www.rfc-editor.org/rfc/rfc5915#section-3."""
    number = (secrets.randbelow(_ORDER - 1) + 1).to_bytes(32)
    version, octets = bytes.fromhex("020101"), b"\x04\x20" + number
    curve = bytes.fromhex("a00a06082a8648ce3d030107")
    body = version + octets + curve
    text = base64.encodebytes(bytes([0x30, len(body)]) + body).decode()
    return f"-----BEGIN EC PRIVATE KEY-----\n{text}-----END EC PRIVATE KEY-----\n"
