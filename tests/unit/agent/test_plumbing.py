"""The small parts that the agent's duties stand on."""

from __future__ import annotations

import asyncio
import json
import struct
from types import SimpleNamespace
from typing import Any

import pytest

from weft.agent import rtnl
from weft.agent.locks import Locks
from weft.agent.monitor import matters, parse
from weft.agent.ovs import LocalOvs, Wish, fulfil
from weft.agent.problems import Problems
from weft.agent.reconciler import Reconciler
from weft.cni import plugin

# --- reconciler, locks, problems ---


async def test_pokes_that_come_together_cause_one_run_and_a_failure_another() -> None:
    runs: list[int] = []
    done = asyncio.Event()

    async def duty() -> None:
        runs.append(len(runs))
        if len(runs) == 1:
            raise OSError("first time")
        done.set()

    reconciler = Reconciler("test", duty, settle=0.01, retry=(0.01, 0.1))
    task = asyncio.create_task(reconciler.run())
    for _ in range(5):
        reconciler.poke()
    await asyncio.wait_for(done.wait(), 2)
    await asyncio.sleep(0.05)
    assert runs == [0, 1]
    task.cancel()


async def test_locks_exclude_by_name_and_vanish() -> None:
    locks, order = Locks(), []

    async def work(name: str, label: str) -> None:
        async with locks.held(name):
            order.append(f"+{label}")
            await asyncio.sleep(0.01)
            order.append(f"-{label}")

    await asyncio.gather(work("a", "1"), work("a", "2"), work("b", "3"))
    assert order.index("-1") < order.index("+2")
    assert order.index("+3") < order.index("-1")
    assert not locks._locks


async def test_lock_given_up_while_waiting_is_free_again() -> None:
    locks = Locks()
    async with locks.held("a"):
        waiting = asyncio.create_task(locks.held("a").__aenter__())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    assert not locks._locks


def test_problems_tell_changes_only() -> None:
    problems, told = Problems(), []
    problems.on_change(lambda: told.append(dict(problems.current)))
    problems.report("port/a", "no")
    problems.report("port/a", "no")
    problems.check("port/b", None)
    problems.check("port/b", "never")
    problems.clear("port/a")
    assert told == [{"port/a": "no"}, {"port/a": "no", "port/b": "never"}, {"port/b": "never"}]


# --- netlink ---


def _message(kind: int, *attributes: tuple[int, bytes]) -> bytes:
    body = bytes(16)
    for number, data in attributes:
        body += struct.pack("=HH", 4 + len(data), number) + data + bytes(-len(data) % 4)
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 0, 0) + body


def test_notices_that_matter() -> None:
    ours, eth = (3, b"w0123456789abcd\0"), (3, b"eth9\0")
    data = _message(17, (4, b"abcd"), ours) + _message(16, eth) + _message(20) + _message(17, (3, b"wlan0\0"))
    notices = list(parse(data))
    assert [notice.link for notice in notices] == ["w0123456789abcd", "eth9", "", "wlan0"]
    assert [matters(notice) for notice in notices] == [False, True, True, True]
    route = bytearray(_message(24))
    for table, expected in ((254, True), (255, False)):
        route[20] = table
        assert matters(next(parse(bytes(route)))) == expected


def test_broken_notices_end_quietly() -> None:
    data = _message(17, (4, b"abcd"), (3, b"w1\0"))
    for end in range(len(data)):
        list(parse(data[:end]))
    assert list(parse(bytes(64))) == [], "a length of zero"


@pytest.mark.parametrize(
    "message",
    [
        rtnl.add_veth("w1", "eth0", "0a:00:00:00:00:01", 1400, 5),
        rtnl.raise_host_end("w1", "weft:c/eth0"),
        rtnl.add_address(3, "10.0.0.2/24"),
        rtnl.add_address(3, "fd00::2/64"),
        rtnl.add_route(3, "::/0", "fd00::1"),
        rtnl.add_route(3, "192.168.0.0/24", "10.0.0.1"),
        rtnl.delete_link("w1"),
    ],
)
def test_messages_are_as_long_as_they_say_and_aligned(message: rtnl.Message) -> None:
    assert struct.unpack_from("=I", message.data)[0] == len(message.data)
    assert len(message.data) % 4 == 0


# --- Open vSwitch ---


class _Row(SimpleNamespace):
    def addvalue(self, _column: str, port: Any) -> None:
        self.ports.append(port)

    def delvalue(self, _column: str, port: Any) -> None:
        self.ports.remove(port)

    def setkey(self, column: str, key: str, value: str) -> None:
        getattr(self, column)[key] = value
        self.writes = getattr(self, "writes", 0) + 1


class _Tables:
    """As much of python-ovs' replica and transaction as `fulfil` uses."""

    def __init__(self) -> None:
        self.interface = _Row(name="w1", external_ids={"iface-id": "a.ns", "ovn-installed": "true"})
        self.port = _Row(name="w1", interfaces=[self.interface])
        self.bridge = _Row(name="br-int", ports=[self.port])
        rows = {"Bridge": [self.bridge], "Port": [self.port], "Interface": [self.interface]}
        self.tables = {name: SimpleNamespace(rows=dict(enumerate(items))) for name, items in rows.items()}

    def insert(self, _table: Any) -> _Row:
        return _Row()


def test_wishes_change_only_what_is_not_so_yet() -> None:
    idl = _Tables()
    wishes = [
        Wish("w1", {"iface-id": "a.ns"}), Wish("w2", {"iface-id": "b.ns"}), Wish("w3", None),
    ]  # fmt: skip
    fulfil(idl, idl, "br-int", wishes)
    assert [port.name for port in idl.bridge.ports] == ["w1", "w2"]
    assert not hasattr(idl.interface, "writes"), "equal ids are not written again"
    fulfil(idl, idl, "br-int", [Wish("w1", {"iface-id": "c.ns"})])
    assert idl.interface.external_ids == {"iface-id": "c.ns", "ovn-installed": "true"}
    fulfil(idl, idl, "br-int", [Wish("w1", None)])
    assert [port.name for port in idl.bridge.ports] == ["w2"]
    with pytest.raises(LookupError, match="bridge br-x"):
        fulfil(idl, idl, "br-x", wishes)


class _RecordingOvs(LocalOvs):
    """Commits nothing; a wish whose name begins with "bad" fails its whole transaction."""

    def __init__(self) -> None:
        super().__init__("unix:/nonexistent", "br-int")
        self.commits: list[list[str]] = []

    async def _commit(self, wishes: Any) -> None:
        self.commits.append([wish.name for wish in wishes])
        await asyncio.sleep(0.01)
        if any(wish.name.startswith("bad") for wish in wishes):
            raise OSError("constraint violation")


async def test_wishes_of_many_go_together_and_one_bad_one_fails_alone() -> None:
    ovs = _RecordingOvs()
    names = ["w1", "w2", "bad", "w3"]
    first = asyncio.create_task(ovs.add("w0", {}))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    results = await asyncio.gather(*(ovs.add(name, {}) for name in names), return_exceptions=True)
    await first
    assert ovs.commits == [["w0"], names, ["w1"], ["w2"], ["bad"], ["w3"]]
    assert [type(result) for result in results] == [type(None), type(None), OSError, type(None)]


# --- plugin ---


@pytest.mark.parametrize(
    ("config", "path"),
    [
        ("", plugin.SOCKET),
        ('{"name": "weft"}', plugin.SOCKET),
        ('{"weft_socket": "/x/y.sock", "name": "n"}', "/x/y.sock"),
        ('{"weft_socket"  :\n "/x/y.sock"}', "/x/y.sock"),
        (r'{"weft_socket": "/x/\u0079.sock"}', "/x/y.sock"),
        ('{"weft_socket": 3, "name": "weft"}', "3"),
        ('{"ipam": {"weft_socket": "/x/y.sock"}}', "/x/y.sock"),
        (r'{"ipam": {"weft_socket": "/x/\u0079.sock"}}', "/x/y.sock"),
        ('{"server_socket": "/run/openvswitch/kube-ovn-daemon.sock"}', plugin.SOCKET),
    ],
)
def test_socket_of_the_plugin(config: str, path: str) -> None:
    assert plugin.socket_path(config) == path


def test_request_of_the_plugin_is_json_whatever_is_in_it() -> None:
    nasty = 'a"b\\c\nd\u00e9\u0001'
    line = plugin.request({"CNI_ARGS": nasty}, nasty)
    assert json.loads(line) == {"env": {"CNI_ARGS": nasty}, "config": nasty}
    assert line.count(b"\n") == 1
