"""The ceiling of a CNI ADD: the unavoidable calls and nothing else.

A veth pair, its addresses and routes by ready-made netlink messages, the port by one raw OVSDB transaction, then the
wait for ovn-controller's word. No process is started, nothing is looked up, checked, locked, noted or undone.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import time
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from weft.agent.netlink import disable_tx_checksum
from weft.agent.netns import entered

_NEWLINK, _NEWADDR, _NEWROUTE = 16, 20, 24
_REQUEST, _ACK, _CREATE, _EXCL, _REPLACE = 1, 4, 0x400, 0x200, 0x100


@dataclass(frozen=True)
class Job:
    """One pod to wire."""

    link: str
    netns: str
    port: str
    mac: str
    mtu: int
    addresses: tuple[tuple[str, int], ...]
    gateways: tuple[str, ...]


# --- netlink ---


def _attribute(kind: int, data: bytes) -> bytes:
    return struct.pack("=HH", len(data) + 4, kind) + data + bytes(-len(data) % 4)


def _message(kind: int, flags: int, body: bytes) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, _REQUEST | _ACK | flags, 1, 0) + body


def _create(job: Job, namespace: int) -> bytes:
    peer = (
        struct.pack("=BxHiII", 0, 0, 0, 0, 0)
        + _attribute(3, b"eth0\0")
        + _attribute(1, bytes.fromhex(job.mac.replace(":", "")))
        + _attribute(4, struct.pack("=I", job.mtu))
        + _attribute(28, struct.pack("=I", namespace))
    )
    info = _attribute(1, b"veth\0") + _attribute(2, _attribute(1, peer))
    body = struct.pack("=BxHiII", 0, 0, 0, 1, 1) + _attribute(3, job.link.encode() + b"\0")
    return _message(_NEWLINK, _CREATE | _EXCL, body + _attribute(4, struct.pack("=I", job.mtu)) + _attribute(18, info))


def _inside(job: Job, index: int) -> list[bytes]:
    up = [_message(_NEWLINK, 0, struct.pack("=BxHiII", 0, 0, link, 1, 1)) for link in (1, index)]
    return [*up, *(_address(text, prefix, index) for text, prefix in job.addresses),
            *(_route(gateway, index) for gateway in job.gateways)]  # fmt: skip


def _family(text: str) -> int:
    return socket.AF_INET6 if ":" in text else socket.AF_INET


def _address(text: str, prefix: int, index: int) -> bytes:
    packed = ip_address(text).packed
    body = struct.pack("=BBBBI", _family(text), prefix, 0x02, 0, index) + _attribute(2, packed) + _attribute(1, packed)
    return _message(_NEWADDR, _CREATE | _EXCL, body)


def _route(gateway: str, index: int) -> bytes:
    body = struct.pack("=BBBBBBBBI", _family(gateway), 0, 0, 0, 254, 3, 0, 1, 0)
    body += _attribute(5, ip_address(gateway).packed) + _attribute(4, struct.pack("=I", index))
    return _message(_NEWROUTE, _CREATE | _REPLACE, body)


def _send(channel: socket.socket, messages: list[bytes]) -> None:
    """Send all at once and read an acknowledgement for each."""
    channel.send(b"".join(messages))
    answered = 0
    while answered < len(messages):
        data, offset = channel.recv(65536), 0
        while offset < len(data):
            length, _, _, _, _, error = struct.unpack_from("=IHHIIi", data, offset)
            if error:
                raise OSError(-error, os.strerror(-error))
            offset += (length + 3) & ~3
            answered += 1


def _netlink() -> socket.socket:
    return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)


def _wire(host: socket.socket, job: Job) -> None:
    with Path(job.netns).open("rb") as namespace:
        _send(host, [_create(job, namespace.fileno())])
    with entered(job.netns), _netlink() as inside:
        disable_tx_checksum("eth0")
        _send(inside, _inside(job, socket.if_nametoindex("eth0")))


# --- OVSDB ---


class Ovsdb:
    """A bare JSON-RPC session that watches the Interface table."""

    def __init__(self, path: str) -> None:
        self._channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._channel.connect(path)
        self._buffer, self._decoder = "", json.JSONDecoder()
        select = [{"op": "select", "table": "Bridge", "where": [["name", "==", "br-int"]], "columns": ["_uuid"]}]
        self._bridge = self._call("transact", ["Open_vSwitch", *select])[0]["rows"][0]["_uuid"]
        watch = {"Interface": {"columns": ["name", "external_ids"], "select": {"initial": False}}}
        self._call("monitor", ["Open_vSwitch", "m", watch])

    def add(self, jobs: list[Job]) -> None:
        """One transaction for all ports."""
        operations: list[dict[str, Any]] = []
        for number, job in enumerate(jobs):
            ids = ["map", [["iface-id", job.port]]]
            operations += [
                {"op": "insert", "table": "Interface", "uuid-name": f"i{number}",
                 "row": {"name": job.link, "external_ids": ids}},
                {"op": "insert", "table": "Port", "uuid-name": f"p{number}",
                 "row": {"name": job.link, "interfaces": ["named-uuid", f"i{number}"]}},
            ]  # fmt: skip
        ports = ["set", [["named-uuid", f"p{number}"] for number in range(len(jobs))]]
        operations.append({
            "op": "mutate", "table": "Bridge", "where": [["_uuid", "==", self._bridge]],
            "mutations": [["ports", "insert", ports]],
        })  # fmt: skip
        self._pending = {job.link for job in jobs}
        for result in self._call("transact", ["Open_vSwitch", *operations]):
            assert not result or "error" not in result, result

    def wait_installed(self) -> None:
        while self._pending:
            self._note(self._read())

    def _call(self, method: str, params: list[Any]) -> Any:
        self._channel.sendall(json.dumps({"id": method, "method": method, "params": params}).encode())
        while (message := self._read()).get("id") != method:
            self._note(message)
        return message["result"]

    def _read(self) -> dict[str, Any]:
        while True:
            try:
                message, end = self._decoder.raw_decode(self._buffer)
            except ValueError:
                self._buffer += self._channel.recv(1 << 20).decode()
                continue
            self._buffer = self._buffer[end:].lstrip()
            return dict(message)

    def _note(self, message: dict[str, Any]) -> None:
        if message.get("method") == "echo":
            answer = {"id": message["id"], "result": message["params"], "error": None}
            self._channel.sendall(json.dumps(answer).encode())
        elif message.get("method") == "update":
            for change in message["params"][1].get("Interface", {}).values():
                row = change.get("new") or {}
                if ["ovn-installed", "true"] in row.get("external_ids", ["map", []])[1]:
                    self._pending.discard(row["name"])

    def close(self) -> None:
        self._channel.close()


def measure(host_netns: str, database: str, batches: list[list[Job]]) -> tuple[list[float], list[float]]:
    """For each batch: seconds in all, and of these the wait for ovn-controller."""
    seconds, waits = [], []
    with entered(host_netns), _netlink() as host:
        ovsdb = Ovsdb(database)
        for jobs in batches:
            started = time.perf_counter()
            for job in jobs:
                _wire(host, job)
            ovsdb.add(jobs)
            wired = time.perf_counter()
            ovsdb.wait_installed()
            seconds.append(time.perf_counter() - started)
            waits.append(time.perf_counter() - wired)
        ovsdb.close()
    return seconds, waits
