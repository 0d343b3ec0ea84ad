"""Whatever the order in which objects come, change and go: the same objects end as the same rows.

And what was compiled step by step, for dirty owners only, is what compiling everything would give.
"""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.topology.build import host, namespace, node, pod, settle, subnet, vpc
from weft.api.base import Resource
from weft.topology.engine import Engine
from weft.topology.view import Host

Item = Resource | Host
GATEWAY = {"role": "gateway"}
FINAL: dict[str, Item] = {
    item.ref: item
    for item in (
        vpc("ovn-cluster"),
        vpc("red", namespaces=["ns2"], defaultSubnet="blue"),
        subnet("join", "100.64.0.0/16"),
        subnet("ovn-default", "10.16.0.0/16", default=True),
        subnet("blue", "10.66.0.0/16", "red"),
        subnet("green", "10.67.0.0/16", "red", namespaces=["ns2"]),
        subnet("twin", "10.66.0.0/16"),
        subnet("gate", "10.68.0.0/24", gatewayType="centralized", gatewayNode="lab2,lab1"),
        namespace("ns1"),
        namespace("ns2"),
        pod("static", "blue", ip="10.66.0.11", node="lab1"),
        pod("rival", "twin", ip="10.66.0.11", node="lab2"),
        pod("dynamic", node="lab1"),
        pod("other", ns="ns9", node="lab2"),
        host("lab1"),
        host("lab2"),
        node("lab1", "192.0.2.1"),
    )
}
"""What is there at the end; addresses are static where subnets change on the way."""

PASSING: list[Item] = [
    vpc("red"),
    vpc("red", namespaces=["ns2", "ns8"]),
    vpc("thief", namespaces=["ns2"]),
    subnet("blue", "10.66.0.0/15", "red"),
    subnet("blue", "10.66.0.0/24", "red", mtu=1300, gateway="10.66.0.200"),
    subnet("blue", "10.66.0.0/16", "red", gateway="10.66.0.11"),
    subnet("green", "10.66.128.0/17", "red"),
    subnet("twin", "10.66.0.0/24", excludeIps=["10.66.0.11"]),
    subnet("squatter", "10.67.3.0/24", "red"),
    pod("dynamic"),
    pod("static", "blue", ip="10.66.0.11"),
    pod("visitor", "blue", ip="10.66.0.11"),
    pod("lost", "nowhere"),
    Host("lab1", ("192.0.2.1",), 1500, ready=False),
    Host("lab2", ("192.0.2.1", "192.0.2.2"), 1500, ready=True),
    node("lab1", "192.0.2.2", ready="Unknown", role="gateway"),
    node("lab2", "192.0.2.1", role="gateway"),
    subnet("gate", "10.68.0.0/24", gatewayType="centralized", gatewayNodeSelectors=[{"matchLabels": GATEWAY}]),
    subnet("gate", "10.68.0.0/24", gatewayType="centralized", gatewayNode="lab3,lab1", enableEcmp=True),
    host("lab3"),
]
"""Earlier versions, and objects that will be gone."""

REFS = sorted({*FINAL, *(item.ref for item in PASSING)})
_STEP = st.one_of(
    st.tuples(st.just("put"), st.sampled_from([*FINAL.values(), *PASSING])),
    st.tuples(st.just("remove"), st.sampled_from([*REFS, "IP/static.ns1", "IP/dynamic.ns1", "IP/node-lab1"])),
    st.tuples(st.just("settle"), st.none()),
)
_END = st.permutations([*FINAL.values(), *sorted(set(REFS) - set(FINAL))])


class _World:
    """An engine, and what a database would hold."""

    def __init__(self) -> None:
        self.engine = Engine()
        self.rows: dict[str, Any] = {}

    def step(self, verb: str, what: Any) -> None:
        if verb == "put":
            self.engine.put(what)
        elif verb == "remove":
            self.engine.remove_ref(what)
        else:
            self.settle()

    def settle(self) -> None:
        for owner, rows in settle(self.engine).items():
            if any(rows):
                self.rows[owner] = rows
            else:
                self.rows.pop(owner, None)
        self.check()

    def check(self) -> None:
        engine = self.engine
        compiled = {owner: engine.compile(owner) for owner in engine.owners()}
        from_scratch = {owner: (rows.northbound, rows.weft) for owner, rows in compiled.items()}
        assert self.rows == {owner: rows for owner, rows in from_scratch.items() if any(rows)}
        used = [(ip.spec.subnet, address) for ip in engine.view.ips.values() for address in ip.addresses]
        assert len(used) == len(set(used)), "an address is used twice"
        for name in engine.view.subnets:
            held = {a for s, a in used if s == name}
            assert sum(pool.used for pool in engine.addressing.pools(name).values()) == len(held)
        assert not engine.addressing.conflicts


def _run(steps: list[tuple[str, Any]], end: list[Item | str]) -> _World:
    world = _World()
    for verb, what in steps:
        world.step(verb, what)
    for item in end:
        world.step("remove" if isinstance(item, str) else "put", item)
    world.settle()
    return world


def _without_addresses(rows: dict[str, Any]) -> dict[str, Any]:
    """Addresses that were chosen depend on who came first; nothing else may."""
    chosen = {"Pod/ns1/dynamic", "Pod/ns9/other", "Host/lab1", "Host/lab2", "Subnet/gate"}
    names = {"addresses", "mac", "nexthops"}
    return {
        owner: [
            (row.table, row.key, row.parent, {k: v for k, v in row.columns.items() if k not in names})
            for part in parts
            for row in part
        ]
        if owner in chosen
        else parts
        for owner, parts in rows.items()
    }


EXPECTED = _run([], list(FINAL.values()))


def test_the_final_objects_are_all_in_effect() -> None:
    assert not EXPECTED.engine.rejected
    assert not EXPECTED.engine.unallocated
    assert set(EXPECTED.rows) == {ref for ref in FINAL if not ref.startswith(("Namespace/", "Node/"))}


@given(st.lists(_STEP, max_size=25), _END)
@settings(max_examples=300, deadline=None)
def test_any_history_ends_alike(steps: list[tuple[str, Any]], end: list[Item | str]) -> None:
    world = _run(steps, end)
    assert not world.engine.rejected
    assert not world.engine.unallocated
    assert _without_addresses(world.rows) == _without_addresses(EXPECTED.rows)
    assert set(world.engine.view.ips) == set(EXPECTED.engine.view.ips)


@given(_END)
@settings(max_examples=50, deadline=None)
def test_a_restart_in_any_order_compiles_the_same(end: list[Item | str]) -> None:
    """The reservations are in the store: then addresses do not differ, either."""
    world = _World()
    for ip in EXPECTED.engine.view.ips.values():
        world.engine.put(ip)
    for item in end:
        if not isinstance(item, str):
            world.engine.put(item)
    assert world.engine.reserve(world.engine.owners()) == []
    world.settle()
    assert world.rows == EXPECTED.rows
