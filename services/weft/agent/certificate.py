"""Until when the host's certificate is good. Pure but for reading the file.

Python's `ssl` does not tell it of one's own certificate, so the few bytes of DER before it are stepped over
(RFC 5280, section 4.1: TBSCertificate is version, serialNumber, signature, issuer, validity …).
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

_VERSION, _UTC_TIME = 0xA0, 0x17
_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
SOON: Final = 14 * 86400
"""Seconds before its end from which on a certificate is a problem."""


def expiry(path: str) -> int:
    """Seconds since 1970 until which the first certificate of a PEM file is valid; 0 when that cannot be told."""
    try:
        return not_after(Path(path).read_text(encoding="utf-8", errors="replace"))
    except (OSError, ValueError, IndexError, StopIteration):
        return 0


def not_after(pem: str) -> int:
    """The same of the text, which may have other text around it. Raises ValueError, IndexError or StopIteration."""
    body = pem[pem.index(_BEGIN) + len(_BEGIN) : pem.index(_END)]
    _, certificate = next(_elements(base64.b64decode(body)))
    _, signed = next(_elements(certificate))
    fields = [value for tag, value in _elements(signed) if tag != _VERSION]
    _, (tag, value) = _elements(fields[3])
    return _seconds(tag, value.decode("ascii"))


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and value of each element (X.690, section 8.1)."""
    offset = 0
    while offset < len(data):
        tag, length = data[offset], data[offset + 1]
        offset += 2
        if length & 0x80:
            size = length & 0x7F
            length = int.from_bytes(data[offset : offset + size])
            offset += size
        yield tag, data[offset : offset + length]
        offset += length


def _seconds(tag: int, text: str) -> int:
    """UTCTime has two digits of the year, those from 50 on are of the last century (RFC 5280, section 4.1.2.5.1)."""
    if tag == _UTC_TIME:
        text = ("19" if text >= "50" else "20") + text
    return int(datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp())


def problem(expires: int, now: float) -> str | None:
    """In words that stay the same from day to day; None while there is time, or when nothing is known."""
    if not expires or expires - now > SOON:
        return None
    day = datetime.fromtimestamp(expires, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"the host's certificate {'expired' if expires <= now else 'expires'} on {day}"
