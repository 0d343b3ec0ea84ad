"""When a certificate is due, and what it says."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.weft.ovn.plugins.module_utils.pki.authority import Authority, pem
from ansible_collections.weft.ovn.plugins.module_utils.pki.succession import Succession
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from plugins.modules.pki_certificates import described, due


def key_text() -> str:
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    return public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def parameters(folder: Path, **differing: Any) -> dict[str, Any]:
    base = {
        "directory": str(folder),
        "common_name": "CA",
        "passphrase": None,
        "ca_validity_days": 3650,
        "validity_days": 100,
    }
    return {**base, **differing}


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    made = Authority(parameters(tmp_path / "ca"))
    made.save()
    return made


@pytest.fixture
def request_of_a_host(authority: Authority) -> dict[str, Any]:
    request = {
        "host": "host1",
        "name": "host",
        "common_name": "host1",
        "subject_alt_names": ["host1", "192.0.2.1", "2001:db8::1"],
        "public_key": key_text(),
        "certificate": "",
    }
    request["certificate"] = pem(authority.sign(request))
    return request


def test_a_certificate_names_host_and_addresses(request_of_a_host: dict[str, Any]) -> None:
    certificate = x509.load_pem_x509_certificate(request_of_a_host["certificate"].encode())
    assert described(certificate) == ("host1", {"host1", "192.0.2.1", "2001:db8::1"})
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert ipaddress.ip_address("192.0.2.1") in names.get_values_for_type(x509.IPAddress)


def test_a_good_certificate_is_left_alone(authority: Authority, request_of_a_host: dict[str, Any]) -> None:
    assert due(request_of_a_host, authority, 30) is None


@pytest.mark.parametrize(
    ("change", "renew_before_days", "reason"),
    [
        ({"certificate": ""}, 30, "missing"),
        ({"certificate": "no certificate"}, 30, "unreadable"),
        ({"common_name": "host2"}, 30, "names host1"),
        ({"subject_alt_names": ["host1", "192.0.2.2"]}, 30, "wanted host1 (192.0.2.2, host1)"),
        ({"public_key": key_text()}, 30, "made for another key"),
        ({"public_key": ""}, 30, "made for another key"),
        ({}, 101, "within 101 days"),
    ],
)
def test_a_certificate_is_due(
    authority: Authority, request_of_a_host: dict[str, Any], change: dict[str, Any], renew_before_days: int, reason: str
) -> None:
    found = due({**request_of_a_host, **change}, authority, renew_before_days)
    assert found is not None
    assert reason in found


def test_another_authoritys_certificate_is_due(tmp_path: Path, request_of_a_host: dict[str, Any]) -> None:
    assert due(request_of_a_host, Authority(parameters(tmp_path / "other")), 30) == "signed by another authority"


def test_the_authority_is_read_again(tmp_path: Path, authority: Authority) -> None:
    again = Authority(parameters(tmp_path / "ca"))
    assert not again.new
    assert pem(again.certificate) == pem(authority.certificate)
    assert (tmp_path / "ca" / "ca.key").stat().st_mode & 0o777 == 0o600


def test_an_authority_without_its_key_is_refused(tmp_path: Path, authority: Authority) -> None:
    (tmp_path / "ca" / "ca.key").unlink()
    with pytest.raises(ValueError, match="put the key back"):
        Authority(parameters(tmp_path / "ca"))


def test_a_key_without_certificate_gets_one(tmp_path: Path, authority: Authority) -> None:
    (tmp_path / "ca" / "ca.crt").unlink()
    assert Authority(parameters(tmp_path / "ca")).new


def test_the_key_can_be_encrypted(tmp_path: Path) -> None:
    Authority(parameters(tmp_path / "ca", passphrase="secret")).save()
    assert b"ENCRYPTED" in (tmp_path / "ca" / "ca.key").read_bytes()
    assert not Authority(parameters(tmp_path / "ca", passphrase="secret")).new


# --- another authority takes its place ---


def serials(text: str) -> list[int]:
    return [found.serial_number for found in x509.load_pem_x509_certificates(text.encode())]


def took(folder: Path, *steps: str) -> Succession:
    """A run of the module for each step."""
    for step in steps:
        Succession(parameters(folder)).take(step)
    return Succession(parameters(folder))


def test_both_authorities_are_trusted_until_nobody_needs_the_first(tmp_path: Path, authority: Authority) -> None:
    folder, first = tmp_path / "ca", authority.certificate.serial_number
    introduced = took(folder, "introduce")
    second = serials(introduced.trusted())[1]
    assert introduced.phase == "introduced"
    assert introduced.authority.certificate.serial_number == first, "the next one signs nothing yet"
    promoted = took(folder, "promote")
    assert promoted.phase == "promoted"
    assert serials(promoted.trusted()) == [second, first]
    assert serials(promoted.trusted("narrow")) == [second]
    retired = took(folder, "narrow", "retire")
    assert (retired.phase, serials(retired.trusted())) == ("single", [second])
    assert sorted(path.name for path in folder.iterdir()) == ["ca.crt", "ca.key"]


def test_certificates_are_due_when_the_next_authority_signs(
    tmp_path: Path, authority: Authority, request_of_a_host: dict[str, Any]
) -> None:
    assert due(request_of_a_host, took(tmp_path / "ca", "introduce").authority, 30) is None
    reason = due(request_of_a_host, took(tmp_path / "ca", "promote").authority, 30)
    assert reason == "signed by another authority"


@pytest.mark.parametrize(
    ("steps", "phase", "trusted"),
    [
        (("introduce", "introduce"), "introduced", 2),
        (("introduce", "promote", "introduce"), "promoted", 2),
        (("introduce", "promote", "promote"), "promoted", 2),
        (("introduce", "abandon"), "single", 1),
        (("introduce", "promote", "abandon"), "promoted", 2),
        (("promote",), "single", 1),
        (("retire",), "single", 1),
        (("introduce", "retire"), "introduced", 2),
    ],
)
def test_a_step_that_is_not_due_changes_nothing(
    tmp_path: Path, authority: Authority, steps: tuple[str, ...], phase: str, trusted: int
) -> None:
    took(tmp_path / "ca", *steps[:-1])
    before = {path.name: path.read_bytes() for path in (tmp_path / "ca").iterdir()}
    found = took(tmp_path / "ca", steps[-1])
    assert (found.phase, len(serials(found.trusted()))) == (phase, trusted)
    if steps != ("introduce", "abandon"):
        assert {path.name: path.read_bytes() for path in (tmp_path / "ca").iterdir()} == before


def killed_before_the_certificate(folder: Path) -> None:
    (folder / "next.crt").unlink()


def killed_between_key_and_certificate(folder: Path) -> None:
    (folder / "previous.crt").write_bytes((folder / "ca.crt").read_bytes())
    (folder / "next.key").rename(folder / "ca.key")


@pytest.mark.parametrize(
    ("kill", "phase"),
    [(killed_before_the_certificate, "introduced"), (killed_between_key_and_certificate, "promoted")],
)
def test_a_step_that_was_killed_is_finished(
    tmp_path: Path, authority: Authority, kill: Callable[[Path], None], phase: str
) -> None:
    folder = tmp_path / "ca"
    took(folder, "introduce")
    kill(folder)
    assert Succession(parameters(folder), check_mode=True).phase == phase
    found = took(folder, "keep")
    assert found.phase == phase
    assert serials(took(folder, "keep").trusted()) == serials(found.trusted())
    assert took(folder, "promote", "retire").phase == "single"


@pytest.mark.parametrize("step", ["introduce", "abandon", "promote", "retire"])
@pytest.mark.parametrize("before", [(), ("introduce",), ("introduce", "promote")])
def test_check_mode_writes_nothing(tmp_path: Path, authority: Authority, before: tuple[str, ...], step: str) -> None:
    folder = tmp_path / "ca"
    took(folder, *before)
    content = {path.name: path.read_bytes() for path in folder.iterdir()}
    asked = Succession(parameters(folder), check_mode=True)
    asked.take(step)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == content
    assert asked.phase == took(folder, step).phase
