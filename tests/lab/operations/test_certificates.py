"""Certificates and the authority are replaced while workloads speak, and nobody stops trusting anybody meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.lab.conftest import Lab
from tests.lab.operations.conftest import Pair, killed, operation
from tests.support.pings import Pings

Eventually = Callable[..., None]
PKI = "/etc/weft/pki"
OLD = "/run/weft-test-old-pki"
LISTENERS = (6641, 6642, 6645, 16642, 16645)


def authorities(lab: Lab) -> dict[str, int]:
    """How many authorities each host trusts."""
    return {host.name: int(host.run(f"grep -c BEGIN {PKI}/ca.crt").stdout) for host in lab}


def fingerprints(lab: Lab, name: str) -> set[str]:
    return {host.run(f"openssl x509 -noout -fingerprint -in {PKI}/{name}.crt").stdout for host in lab}


def taken(lab: Lab, directory: str) -> set[tuple[str, int]]:
    """Servers that answer a client with the certificate of a directory."""
    found = set()
    for host in lab:
        tls = f"--private-key={directory}/host.key --certificate={directory}/host.crt --ca-cert={PKI}/ca.crt"
        for port in LISTENERS:
            asked = host.run(f"ovsdb-client --timeout=3 {tls} list-dbs ssl:127.0.0.1:{port}", check=False)
            if asked.ok:
                found.add((host.name, port))
    return found


@pytest.fixture
def old(lab: Lab) -> Iterator[str]:
    """Copies of the certificates of before."""
    lab.on_all(f"rm -rf {OLD}; cp -a {PKI} {OLD}")
    yield OLD
    lab.on_all(f"rm -rf {OLD}")


def test_another_authority_takes_the_place_of_the_first(healthy: Lab, pair: Pair, old: str) -> None:
    before = fingerprints(healthy, "host"), fingerprints(healthy, "ca")
    servers = {(host.name, port) for host in healthy for port in LISTENERS}
    assert taken(healthy, old) == servers
    with Pings(pair.way) as pings:
        operation("rotate_certificates", ca="replace").succeeded()
    print(f"rotate_certificates: {pings.loss}")
    assert pings.loss.lost <= 1, pings.loss  # of some ten thousand, on a machine that may be busy
    assert not before[0] & fingerprints(healthy, "host")
    assert not before[1] & fingerprints(healthy, "ca")
    assert set(authorities(healthy).values()) == {1}
    assert taken(healthy, PKI) == servers
    assert taken(healthy, old) == set(), "running servers do not trust the authority of before any more"


@pytest.mark.operations
def test_nothing_is_done_when_no_certificate_is_due(healthy: Lab) -> None:
    seen = operation("rotate_certificates").succeeded()
    assert "no certificate is due" in seen.text
    assert set(seen.changed.values()) == {0}


@pytest.mark.operations
def test_all_certificates_are_replaced_of_the_same_authority(healthy: Lab, pair: Pair) -> None:
    before, authority = fingerprints(healthy, "host"), fingerprints(healthy, "ca")
    with Pings(pair.way) as pings:
        operation("rotate_certificates", certificates="all").succeeded()
    print(f"rotate_certificates, all: {pings.loss}")
    assert pings.loss.lost == 0, pings.loss
    assert not before & fingerprints(healthy, "host")
    assert fingerprints(healthy, "ca") == authority


@pytest.mark.operations
def test_check_mode_changes_nothing(healthy: Lab) -> None:
    before = healthy["lab2"].run(f"sha256sum {PKI}/*").stdout
    seen = operation("rotate_certificates", "--check", ca="replace").succeeded()
    assert "is made, and trusted everywhere" in seen.text
    assert healthy["lab2"].run(f"sha256sum {PKI}/*").stdout == before
    assert "no certificate is due" in operation("rotate_certificates").succeeded().text


@pytest.mark.operations
def test_the_next_authority_can_be_taken_back(healthy: Lab) -> None:
    before = fingerprints(healthy, "ca")
    operation("rotate_certificates", ca="introduce").succeeded()
    assert set(authorities(healthy).values()) == {2}
    assert set(operation("rotate_certificates", ca="introduce").succeeded().changed.values()) == {0}
    operation("rotate_certificates", ca="abandon").succeeded()
    assert set(authorities(healthy).values()) == {1}
    assert fingerprints(healthy, "ca") == before


@pytest.mark.operations
@pytest.mark.parametrize(
    ("at", "trusted"),
    [
        ("Tell them", 1),
        ("Everybody gets certificates", 2),
        ("Servers show the certificates that they have now", 2),
        ("Restart 5 of", 1),
        ("The authority of before is no longer known", 1),
    ],
)
def test_a_replacement_that_was_killed_is_finished(
    healthy: Lab, pair: Pair, eventually: Eventually, at: str, trusted: int
) -> None:
    task = {"Tell them": "The host has its private keys", "Everybody gets certificates": "The authority signs what"}
    with Pings(pair.way) as pings:
        killed("rotate_certificates", task.get(at, at), ca="replace")
        operation("rotate_certificates", ca="replace").succeeded()
    assert pings.loss.lost == 0, pings.loss
    assert set(authorities(healthy).values()) == {1}


@pytest.mark.operations
def test_nobody_is_left_behind_with_the_authority_of_before(healthy: Lab) -> None:
    """A member is down: it would not hear of the next authority."""
    healthy["lab3"].run(["systemctl", "stop", "weft-ovsdb"])
    try:
        operation("rotate_certificates", ca="replace").refused("Weft: lab3 does not take part")
    finally:
        healthy["lab3"].run(["systemctl", "start", "weft-ovsdb"])
