"""No secret leaves a host, whatever it is in; what is none is left alone."""

from __future__ import annotations

import base64

import pytest
from ansible_collections.weft.ovn.plugins.module_utils.collect.items import FILES, commands
from ansible_collections.weft.ovn.plugins.module_utils.collect.secrets import scrub

SECRET = "hunter2-Very+Secret/Value"
KEY = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIHunter2\nAAAA\n-----END EC PRIVATE KEY-----\n"
TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ3ZWZ0In0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "text",
    [
        f"password: {SECRET}",
        f"password={SECRET}",
        f'PASSWORD = "{SECRET}"',
        f'{{"password": "{SECRET}", "x": 1}}',
        f'"bgp_password":"{SECRET}"',
        f'["map",[["psk","{SECRET}"],["remote_ip","192.0.2.1"]]]',
        f'options: {{psk="{SECRET}", remote_ip="192.0.2.1"}}',
        f"options: {{psk={SECRET}, remote_ip=x}}",
        f"agent --api-token {SECRET} --verbose",
        f"agent --api-token={SECRET} --verbose",
        f"    client-key-data: {SECRET}",
        f"  token: '{SECRET}'",
        f"Authorization: Bearer {SECRET}",
        f"https://weft:{SECRET}@example.org/",
        f'{{\\"secret\\": \\"{SECRET}\\"}}',
    ],
)
def test_a_secret_is_hidden(text: str) -> None:
    found, count = scrub(text)
    assert SECRET not in found, found
    assert count == 1


@pytest.mark.parametrize(
    "text",
    [
        KEY,
        KEY.replace("\n", "\\n"),
        KEY[:60],
        f"seen: {TOKEN} in a log",
        "data: " + base64.b64encode(KEY.encode()).decode(),
    ],
)
def test_a_key_or_token_is_hidden_wherever_it_is(text: str) -> None:
    found, count = scrub(f"before\n{text}\n")
    assert count >= 1
    assert found.startswith("before")
    assert not any(part in found for part in ("MHcCAQ", "eyJhbG", "LS0tLS1CRUdJTi"))


@pytest.mark.parametrize(
    "text",
    [
        'private_key = "/etc/weft/pki/host.key"',
        "--private-key=/etc/weft/pki/host.key",
        "automountServiceAccountToken: true",
        "secretName: database",
        "tokens of the bucket: 100",
        "cookie=0x1234, duration=4s, table=0, priority=100 actions=resubmit(,8)",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
        "ssl:192.0.2.1:6641",
        '"external_ids":["map",[["weft","pod"],["node","lab1"]]]',
        "2026-11-28T18:00:00Z|00012|reconnect|INFO|ssl:172.30.0.11:6642: connected",
    ],
)
def test_what_is_no_secret_is_left_alone(text: str) -> None:
    assert scrub(text) == (text, 0)


def test_keys_and_kubeconfigs_are_not_read() -> None:
    patterns = [pattern for found in FILES.values() for pattern in found]
    assert not [pattern for pattern in patterns if pattern.endswith(("*", ".key", "kubeconfig"))]


def test_only_what_there_is_is_asked() -> None:
    bare = commands(lambda path: False, [], [], "1 hour ago")
    assert not [path for path in bare if path.split("/")[0] not in ("host", "journal")]
    full = commands(lambda path: True, ["br-int"], ["egress"], "1 hour ago")
    assert {path.split("/")[0] for path in full} == {
        "host", "journal", "openvswitch", "namespaces", "databases", "relays", "northd", "ovn-controller", "weft",
    }  # fmt: skip
