"""What a pod's rates come to in the kernel, and the way from what a link has to what it shall have."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from pyroute2.netlink.rtnl.tcmsg import tcmsg

from weft.agent.ovs import Interface
from weft.agent.shaping import noop, qdisc
from weft.agent.shaping.duty import plan
from weft.agent.shaping.links import Ends
from weft.agent.shaping.plan import UINT32, Chain, Delay, Found, Rate, Step, delay, from_pod, rate, steps, to_pod
from weft.agent.view import Port

SLOW, FAST = Rate(125_000, 4_096_000, 39_018), Rate(1_250_000, 409_600, 95_268)
LATE, LATER = Delay(156_250, 0, 0, 1000), Delay(312_500, 15_625, 42_949_672, 500)


@pytest.mark.parametrize(
    ("mbits", "expected"),
    [
        (1, SLOW),
        (10, FAST),
        (1000, Rate(125_000_000, 156_250, 7_500_000)),
        (400_000, Rate(50_000_000_000, 156_250, 3_000_000_000)),
        (0.00001, Rate(1, UINT32, 32_768)),
    ],
)
def test_a_rate_lets_some_packets_through_at_once_and_keeps_50_ms_waiting(mbits: float, expected: Rate) -> None:
    assert rate(mbits) == expected


@pytest.mark.parametrize(
    ("shaping", "receives", "sends"),
    [
        ({}, (), ()),
        ({"ingress_rate": "1"}, (SLOW,), ()),
        ({"egress_rate": "10"}, (), (FAST,)),
        ({"latency": "10"}, (LATE,), ()),
        ({"latency": "20", "jitter": "1", "loss": "1", "limit": "500", "ingress_rate": "1"}, (SLOW, LATER), ()),
    ],
)
def test_delays_are_for_what_the_pod_receives(shaping: Mapping[str, str], receives: Chain, sends: Chain) -> None:
    assert (to_pod(shaping), from_pod(shaping)) == (receives, sends)


CLEAR, NEW, INNER = Step(), Step(0, SLOW), Step(1, LATE)


@pytest.mark.parametrize(
    ("wanted", "found", "expected"),
    [
        ((), Found(), []),
        ((), Found(foreign=True), []),
        ((), Found((SLOW,)), [CLEAR]),
        ((SLOW,), Found(), [NEW]),
        ((SLOW,), Found((SLOW,)), []),
        ((SLOW,), Found((FAST,)), [NEW]),
        ((SLOW,), Found(foreign=True), [CLEAR, NEW]),
        ((SLOW, LATE), Found(), [NEW, INNER]),
        ((SLOW, LATE), Found((SLOW,)), [INNER]),
        ((SLOW, LATE), Found((FAST, LATER)), [NEW, INNER]),
        ((SLOW, LATE), Found((LATE,)), [CLEAR, NEW, INNER]),
        ((SLOW,), Found((SLOW, LATE)), [CLEAR, NEW]),
        ((LATE,), Found((SLOW, LATE)), [CLEAR, Step(0, LATE)]),
    ],
)
def test_only_what_differs_is_changed(wanted: Chain, found: Found, expected: list[Step]) -> None:
    assert list(steps(wanted, found)) == expected


@pytest.mark.parametrize("item", [SLOW, FAST, rate(400_000), LATER, delay({})], ids=str)
@pytest.mark.parametrize("place", [0, 1])
def test_the_kernel_says_back_what_it_was_told(item: Rate | Delay, place: int) -> None:
    body = qdisc.request(7, Step(place, item)).data[16:]
    assert qdisc.parse([body]) == {7: Found((item,))}


def test_defaults_of_the_kernel_do_not_count_and_others_disciplines_do() -> None:
    default = qdisc.request(7, Step(0, SLOW)).data[16:]
    default = default[:8] + bytes(4) + default[12:]
    other = default[:8] + b"\0\0\1\0" + default[12:]
    assert qdisc.parse([default]) == {}
    assert qdisc.parse([other]) == {7: Found(foreign=True)}


@pytest.mark.parametrize(
    ("step", "kind", "parent", "options"),
    [
        (Step(0, FAST), "tbf", 0xFFFFFFFF, {"rate": 1_250_000, "buffer": 409_600, "limit": 95_268}),
        (
            Step(1, LATER), "netem", 0x9D0001,
            {"delay": 312_500, "jitter": 15_625, "loss": 42_949_672, "limit": 500, "gap": 0, "duplicate": 0},
        ),
    ],
)  # fmt: skip
def test_requests_are_as_another_program_reads_them(
    step: Step, kind: str, parent: int, options: Mapping[str, int]
) -> None:
    read = tcmsg(qdisc.request(7, step).data)
    read.decode()
    assert (read["index"], read["parent"], read.get_attr("TCA_KIND")) == (7, parent, kind)
    found = read.get_attr("TCA_OPTIONS")
    found = found.get_attr("TCA_TBF_PARMS") if kind == "tbf" else found
    assert options.items() <= {name: found[name] for name in options}.items()


PORT = Port("a.ns", "ns", "a", "u", "eth0", "blue", "0a:00:00:00:00:01", ("10.0.0.2",), "")
ENDS = Ends("a.ns", "w1", "/run/netns/a", "eth0")
IDS = {"iface-id": "a.ns", "pod_netns": "/run/netns/a", "ifname": "eth0"}


@pytest.mark.parametrize(
    ("changes", "ids", "shaped", "restored", "failed"),
    [
        ({}, {}, [], [], {}),
        ({}, {"shaped": "true"}, [], [ENDS], {}),
        (
            {"shaping": {"ingress_rate": "1", "egress_rate": "10"}}, {},
            [Ends("a.ns", "w1", "/run/netns/a", "eth0", (SLOW,), (FAST,))], [], {},
        ),
        (
            {"shaping": {"latency": "soon"}}, {"shaped": "true"}, [], [ENDS],
            {"a.ns": "latency: no effect on this host: it is no number"},
        ),
        (
            {"shaping": {"loss": "1"}, "device_type": "none"}, {}, [], [],
            {"a.ns": "loss: no effect on this host: another plugin makes the interface"},
        ),
        ({"shaping": {"ingress_rate": "1"}, "device_type": "vf"}, {}, [], [], {}),
        (
            {"shaping": {"ingress_rate": "1", "loss": "1"}, "device_type": "vf"}, {}, [], [],
            {"a.ns": "loss: no effect on this host: an interface of type vf has rates only"},
        ),
    ],
)  # fmt: skip
def test_who_is_shaped_and_who_restored(
    changes: dict[str, Any], ids: dict[str, str], shaped: list[Ends], restored: list[Ends], failed: dict[str, str]
) -> None:
    port = Port(**{name: getattr(PORT, name) for name in PORT.__dataclass_fields__} | changes)
    found = plan([port], [Interface("w1", IDS | ids)])
    assert (found.shaped, found.restored, found.failed) == (shaped, restored, failed)


class Row(SimpleNamespace):
    """A row of python-ovs, as far as marking needs one."""

    def setkey(self, column: str, key: str, value: str) -> None:
        getattr(self, column)[key] = value

    def delkey(self, column: str, key: str) -> None:
        del getattr(self, column)[key]


def test_shaped_ports_are_marked_and_left_alone_by_open_vswitch() -> None:
    ports = [Row(name=name, qos=[], interfaces=[Row(external_ids={})]) for name in ("w1", "w2")]
    queues: list[Row] = []

    def rows(items: list[Row]) -> SimpleNamespace:
        return SimpleNamespace(rows=SimpleNamespace(values=lambda: iter(items)))

    idl = SimpleNamespace(tables={"Port": rows(ports), "QoS": rows(queues)})
    transaction = SimpleNamespace(insert=lambda _: queues.append(Row(type="", external_ids={})) or queues[-1])
    noop.mark(transaction, idl, {"w1", "w2"}, set())
    noop.mark(transaction, idl, {"w1"}, {"w2"})
    assert [(queue.type, queue.external_ids) for queue in queues] == [("linux-noop", {"vendor": "weft"})]
    assert [(port.qos, port.interfaces[0].external_ids) for port in ports] == [(queues, {"shaped": "true"}), ([], {})]
