"""What a host's certificate may do at the fabric's databases, tried with real ones: directly, and through a relay."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.collection import alias
from tests.support.ovn import WEFT_SCHEMA, OvnSandbox, available

alias()
from tests.support.access import ADDRESS, Central  # noqa: E402 - the collection's name comes first
from tests.support.agent import eventually  # noqa: E402
from tests.support.caller import Caller, RefusedError  # noqa: E402

WEFT, WEFT_RELAY, SOUTHBOUND, SOUTHBOUND_RELAY = 6645, 7645, 6642, 7642
EVERYTHING = 16645
PORT = {"name": "web.default", "host": "h2", "device_type": "veth"}
OWN = {"name": "h1", "hostname": "h1", "ready": True}


@pytest.fixture(scope="module")
def central(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Central]:
    if not available():
        pytest.skip("needs root and the reference OVN (make tools)")
    with OvnSandbox() as ovn:
        made = Central(ovn, tmp_path_factory.mktemp("pki"))
        made.start()
        eventually(lambda: made.northd_status() == "active", "northd works")
        made.start_relay("Weft", WEFT_RELAY)
        made.start_relay("OVN_Southbound", SOUTHBOUND_RELAY)
        yield made


@contextlib.contextmanager
def host(central: Central, port: int, name: str = "h1") -> Iterator[Caller]:
    caller = central.caller(port, central.host if name == "h1" else central.other_host)
    try:
        yield caller
    finally:
        caller.close()


@pytest.fixture(params=[WEFT, WEFT_RELAY], ids=["directly", "through a relay"])
def weft(request: pytest.FixtureRequest, central: Central) -> Iterator[int]:
    """The port; before, the rows that there are: of h2, and what only a controller writes."""
    caller = central.caller(EVERYTHING, central.controller)
    caller.transact(
        "Weft",
        {"op": "insert", "table": "Host_Status", "row": {"name": "h2"}},
        {"op": "insert", "table": "Port", "row": PORT},
        {"op": "insert", "table": "Subnet", "row": {"name": "blue"}},
    )
    yield request.param
    caller.transact("Weft", *({"op": "delete", "table": t, "where": []} for t in ("Host_Status", "Port", "Subnet")))
    caller.close()


def status(central: Central) -> dict[str, dict[str, Any]]:
    caller = central.caller(EVERYTHING, central.controller)
    rows = caller.transact("Weft", {"op": "select", "table": "Host_Status", "where": []})[0]["rows"]
    caller.close()
    return {row["name"]: row for row in rows}


def test_a_host_keeps_its_own_status(central: Central, weft: int) -> None:
    with host(central, weft) as caller:
        caller.transact("Weft", {"op": "insert", "table": "Host_Status", "row": OWN})
        own = [["name", "==", "h1"]]
        row = {"ready": False, "problems": ["map", [["encap", "none"]]], "last_seen": 7}
        caller.transact("Weft", {"op": "update", "table": "Host_Status", "where": own, "row": row})
        assert (status(central)["h1"]["ready"], status(central)["h1"]["last_seen"]) == (False, 7)
        assert caller.transact("Weft", {"op": "select", "table": "Port", "where": []})[0]["rows"], "reading is free"
        caller.transact("Weft", {"op": "delete", "table": "Host_Status", "where": own})
        assert set(status(central)) == {"h2"}


def _update(table: str, row: dict[str, Any], **where: Any) -> dict[str, Any]:
    return {"op": "update", "table": table, "where": [[key, "==", value] for key, value in where.items()], "row": row}


FORBIDDEN: dict[str, dict[str, Any]] = {
    "a status of another name": {"op": "insert", "table": "Host_Status", "row": {"name": "h3"}},
    "another host's status": _update("Host_Status", {"ready": True}, name="h2"),
    "another host's heartbeat": {"op": "mutate", "table": "Host_Status", "where": [["name", "==", "h2"]],
                                 "mutations": [["last_seen", "+=", 1]]},
    "to be rid of another host": {"op": "delete", "table": "Host_Status", "where": [["name", "==", "h2"]]},
    "to become another host": _update("Host_Status", {"name": "h3"}, name="h1"),
    "a port": {"op": "insert", "table": "Port", "row": {**PORT, "name": "mine", "host": "h1"}},
    "to move a port here": _update("Port", {"host": "h1"}, name="web.default"),
    "to be rid of a port": {"op": "delete", "table": "Port", "where": []},
    "a subnet": _update("Subnet", {"host_routed": True}, name="blue"),
    "a host's place": {"op": "insert", "table": "Host", "row": {"name": "h1"}},
    "an object of the store": {"op": "insert", "table": "Object", "row": {"kind": "Vpc", "name": "mine"}},
    "the fence": _update("Fabric", {"epoch": 1000}),
    "to pause the fabric": _update("Fabric", {"paused": True}),
    "a listener without role": {"op": "insert", "table": "Connection", "row": {"target": "pssl:7777"}},
    "its role's rights": _update("RBAC_Permission", {"authorization": ["set", [""]]}),
    "another role": _update("RBAC_Role", {"name": "mine"}),
    "another authority": {"op": "insert", "table": "SSL", "row": {"ca_cert": "/tmp/ca"}},
}  # fmt: skip


@pytest.mark.parametrize("what", FORBIDDEN)
def test_a_host_writes_nothing_else(central: Central, weft: int, what: str) -> None:
    with host(central, weft) as caller:
        caller.transact("Weft", {"op": "insert", "table": "Host_Status", "row": OWN})
        with pytest.raises(RefusedError, match=r"RBAC rules for client \"h1\" role \"weft-host\" prohibit"):
            caller.transact("Weft", FORBIDDEN[what])
    assert set(status(central)) == {"h1", "h2"}


def test_a_host_cannot_convert_a_database(central: Central, weft: int) -> None:
    with host(central, weft) as caller, pytest.raises(RefusedError):
        caller.call("convert", "Weft", json.loads(WEFT_SCHEMA.read_text()))


@pytest.mark.parametrize("port", [SOUTHBOUND, SOUTHBOUND_RELAY], ids=["directly", "through a relay"])
def test_a_host_is_no_other_chassis(central: Central, port: int) -> None:
    def chassis(name: str) -> list[dict[str, Any]]:
        encap = {"type": "geneve", "ip": "192.0.2.1", "chassis_name": name}
        return [
            {"op": "insert", "table": "Encap", "uuid-name": "encap", "row": encap},
            {"op": "insert", "table": "Chassis", "row": {"name": name, "encaps": ["named-uuid", "encap"]}},
        ]

    with host(central, port) as caller:
        caller.transact("OVN_Southbound", *chassis("h1"))
        with pytest.raises(RefusedError, match="RBAC rules"):
            caller.transact("OVN_Southbound", *chassis("h2"))
        caller.transact("OVN_Southbound", {"op": "delete", "table": "Chassis", "where": [["name", "==", "h1"]]})


@pytest.mark.parametrize(
    ("port", "lock", "holder"),
    [(SOUTHBOUND_RELAY, "ovn_northd", 16642), (WEFT_RELAY, "weft_controller", EVERYTHING)],
)
def test_locks_are_a_relays_own(central: Central, port: int, lock: str, holder: int) -> None:
    """Locks are a server's and know no roles: who may only talk to a relay takes nobody's."""
    keeper = central.caller(holder, central.controller)
    if lock != "ovn_northd":
        assert keeper.call("lock", lock) == {"locked": True}
    with host(central, port) as caller:
        assert caller.call("steal", lock) == {"locked": True}
        caller.call("echo")
        assert keeper.call("echo", "still there?") == ["still there?"]
        assert "stolen" not in keeper.notices
        assert central.northd_status() == "active"
    keeper.close()


def test_who_has_no_certificate_is_not_heard(central: Central) -> None:
    for port in (WEFT, SOUTHBOUND, WEFT_RELAY, SOUTHBOUND_RELAY, 6641, EVERYTHING, 16642):
        assert _greeting(central, port) == b"", port


def _greeting(central: Central, port: int) -> bytes:
    """What a listener says to who speaks without TLS."""
    import socket

    from weft.agent import netlink

    connect: Callable[..., Any] = socket.create_connection
    with netlink.in_namespace(f"/run/netns/{central.namespace}", connect, (ADDRESS, port), 5) as plain:
        plain.sendall(b'{"id":1,"method":"list_dbs","params":[]}')
        with contextlib.suppress(ConnectionResetError):
            return bytes(plain.recv(100))
    return b""


def test_the_certificates_are_those_of_the_fabric(central: Central, tmp_path: Path) -> None:
    """One of the right name that another authority signed is not heard either."""
    from tests.support.access import Certificates

    with pytest.raises((OSError, RefusedError)):
        central.caller(WEFT, Certificates(tmp_path).sign("host", "h1")).call("list_dbs")
