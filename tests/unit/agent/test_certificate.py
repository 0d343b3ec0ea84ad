"""Until when a certificate is good, and how that is said."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from weft.agent import certificate

KEY = rsa.generate_private_key(65537, 2048)
DAY = 86400


def made(end: dt.datetime) -> str:
    """With a name so long that lengths take more than a byte."""
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "x" * 64)] * 5)
    builder = x509.CertificateBuilder(name, name, KEY.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(dt.datetime(2001, 1, 1, tzinfo=dt.UTC)).not_valid_after(end)
    return builder.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


@pytest.mark.parametrize("year", [2026, 2049, 2050, 2126])
def test_the_end_of_a_certificate(tmp_path: Path, year: int) -> None:
    end = dt.datetime(year, 2, 28, 23, 59, 58, tzinfo=dt.UTC)
    (tmp_path / "host.pem").write_text(f"Certificate:\n  Data: …\n{made(end)}{made(end.replace(year=2030))}")
    assert certificate.expiry(str(tmp_path / "host.pem")) == end.timestamp()


@pytest.mark.parametrize("text", ["", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----", "not PEM", "\0"])
def test_what_is_no_certificate_has_no_end(tmp_path: Path, text: str) -> None:
    (tmp_path / "host.pem").write_text(text)
    assert certificate.expiry(str(tmp_path / "host.pem")) == 0
    assert certificate.expiry(str(tmp_path / "nowhere.pem")) == 0


@pytest.mark.parametrize(
    ("left", "word"), [(15 * DAY, ""), (13 * DAY, "expires on 2027-01-14"), (0, "expired on 2027-01-01")]
)
def test_it_is_a_problem_before_it_is_one(left: float, word: str) -> None:
    now = dt.datetime(2027, 1, 1, tzinfo=dt.UTC).timestamp()
    assert word in (certificate.problem(int(now + left), now) or "")
    assert bool(word) == bool(certificate.problem(int(now + left), now))
    assert certificate.problem(0, now) is None
