"""`weftctl map`: what is drawn, and that every way of drawing says it."""

from __future__ import annotations

import json
import re
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from tests.unit.topology.build import base, host, namespace, pod, settle, subnet, vip, vpc
from weft.ctl.main import main
from weft.ctl.map.dot import to_dot
from weft.ctl.map.layout import Box, arrange
from weft.ctl.map.model import Choice, Map, SubnetMap, make_map
from weft.ctl.map.page import to_html
from weft.ctl.map.svg import to_svg
from weft.ctl.map.tree import show
from weft.ctl.map.words import number
from weft.topology.engine import Engine

ROUTES = [
    {"cidr": "0.0.0.0/0", "nextHopIP": "10.0.0.254"},
    {"cidr": "10.0.0.0/24", "nextHopIP": "10.0.0.253", "policy": "policySrc", "routeTable": "t"},
]
POLICIES = [
    {"priority": 1, "match": "ip4.src == 10.0.0.2", "action": "drop"},
    {"priority": 2, "match": "ip4.dst == 8.8.8.8", "action": "reroute", "nextHopIP": "10.0.0.9"},
]


def peer(remote: str, address: str) -> dict[str, object]:
    return {"remoteVpc": remote, "localConnectIP": address}


@pytest.fixture
def engine() -> Engine:
    engine = base()
    blue_links = [peer("red", "169.254.0.1/30"), peer("absent", "169.254.1.1/30")]
    for item in (
        host("h1"),
        namespace("ns-blue"),
        vpc("blue", namespaces=["ns-blue"], staticRoutes=ROUTES, policyRoutes=POLICIES, vpcPeerings=blue_links),
        vpc("red", vpcPeerings=[peer("blue", "169.254.0.2/30")], enableExternal=True),
        subnet("blue-1", "10.0.0.0/28,fd00::/64", "blue", private=True, namespaces=["ns-blue"]),
        subnet("blue-2", "10.0.1.0/24", "blue"),
        subnet("red-1", "10.0.0.0/24", "red"),
        subnet("macvlan", "192.168.0.0/24", provider="lan.default"),
        vip("service", "red-1"),
        *(pod(f"web-{n:02}", ns="ns-blue", node=f"h{n % 3}") for n in range(12)),
        pod("many", "blue-2", ns="ns1"),
        pod("late", "nowhere", ns="ns1"),
    ):
        engine.put(item)
    settle(engine)
    return engine


def subnets(drawn: Map) -> dict[str, SubnetMap]:
    return {subnet.name: subnet for vpc in drawn.vpcs for subnet in vpc.subnets}


def test_everything_is_in_it(engine: Engine) -> None:
    drawn = make_map(engine, Choice())
    default, blue, red = drawn.vpcs
    assert (default.name, blue.name, red.name) == ("ovn-cluster", "blue", "red")
    assert blue.routes == ("0.0.0.0/0 via 10.0.0.254", "from 10.0.0.0/24 via 10.0.0.253 (table t)")
    assert blue.policies == ("2: ip4.dst == 8.8.8.8 reroute to 10.0.0.9", "1: ip4.src == 10.0.0.2 drop")
    assert [(gateway.kind, gateway.outside) for gateway in red.gateways] == [("Router", ("external",))]
    assert [item.name for item in drawn.elsewhere] == ["macvlan"]
    assert list(drawn.waiting) == ["Pod/ns1/late"]
    ends = [[(end.vpc, end.address) for end in peering.ends] for peering in drawn.peerings]
    assert ends == [
        [("absent", ""), ("blue", "169.254.1.1/30")],
        [("blue", "169.254.0.1/30"), ("red", "169.254.0.2/30")],
    ]
    assert [peering.complete for peering in drawn.peerings] == [False, True]


def test_counts_are_the_pools_own_and_ports_are_in_order_of_addresses(engine: Engine) -> None:
    found = subnets(make_map(engine, Choice()))
    blue = found["blue-1"]
    assert [(usage.family, usage.used, usage.available) for usage in blue.usage] == [(4, 12, 1), (6, 12, 2**64 - 14)]
    assert [port.addresses for port in blue.ports] == [(f"10.0.0.{n}", f"fd00::{n:x}") for n in range(2, 14)]
    assert blue.traits == ("private",)
    assert [(port.kind, port.label, port.host) for port in found["join"].ports] == [("Host", "h1", "h1")]
    assert [(port.kind, port.label) for port in found["red-1"].ports] == [("Vip", "service")]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (Choice(vpc="blue"), {"blue-1": 12, "blue-2": 1}),
        (Choice(namespace="ns-blue"), {"blue-1": 12}),
        (Choice(namespace="ns1"), {"ovn-default": 0, "blue-2": 1}),
        (Choice(vpc="blue", namespace="ns1"), {"blue-2": 1}),
        (Choice(vpc="blue", ports=False), {"blue-1": 0, "blue-2": 0}),
        (Choice(vpc="blue", most=1), {"blue-1": 1}),
    ],
)
def test_a_part_of_it(engine: Engine, choice: Choice, expected: dict[str, int]) -> None:
    assert {name: len(item.ports) for name, item in subnets(make_map(engine, choice)).items()} == expected


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        (Choice(vpc="blue", most=1), ["… and 11 more ports", "… and 1 more subnet"]),
        (Choice(vpc="blue", ports=False), ["12 ports", "1 port"]),
    ],
)
def test_what_is_not_drawn_is_counted_everywhere(engine: Engine, choice: Choice, words: list[str]) -> None:
    drawn = make_map(engine, choice)
    for text in (to_text(drawn), to_svg(drawn), to_html(drawn), to_dot(drawn)):
        assert all(word in text for word in words)


def to_text(drawn: Map) -> str:
    console = Console(width=200, highlight=False)
    with console.capture() as capture:
        show(drawn, console)
    return capture.get()


def test_every_drawing_names_everything(engine: Engine) -> None:
    drawn = make_map(engine, Choice())
    wanted = ["ovn-cluster", "blue-1", "fd00::/64", "web-11", "10.0.0.13", "macvlan", "169.254.0.2/30"]
    wanted += ["0.0.0.0/0 via 10.0.0.254", "reroute to 10.0.0.9", "service"]
    for text in (to_text(drawn), to_svg(drawn), to_html(drawn), to_dot(drawn)):
        assert [word for word in wanted if word not in text] == []


def test_the_tree(engine: Engine) -> None:
    lines = to_text(make_map(engine, Choice(vpc="blue", most=2))).splitlines()
    assert lines == [
        "blue namespaces ns-blue · 2 subnets",
        "├── route 0.0.0.0/0 via 10.0.0.254",
        "├── route from 10.0.0.0/24 via 10.0.0.253 (table t)",
        "├── policy 2: ip4.dst == 8.8.8.8 reroute to 10.0.0.9",
        "├── policy 1: ip4.src == 10.0.0.2 drop",
        "├── peering 169.254.1.1/30 to absent ? (not asked for by absent)",
        "├── peering 169.254.0.1/30 to red 169.254.0.2/30",
        (
            "├── blue-1  10.0.0.0/28, fd00::/64  gateway 10.0.0.1, fd00::1  private  for ns-blue  "
            "IPv4: 12 used, 1 free  IPv6: 12 used, 1.8e19 free"
        ),
        "│   ├── ns-blue/web-00 10.0.0.2, fd00::2 on h0",
        "│   ├── ns-blue/web-01 10.0.0.3, fd00::3 on h1",
        "│   └── … and 10 more ports",
        "└── blue-2  10.0.1.0/24  gateway 10.0.1.1  IPv4: 1 used, 252 free",
        "    └── ns1/many 10.0.1.2",
        "waits Pod/ns1/late: Subnet/nowhere does not exist",
    ]


@pytest.mark.parametrize("most", [0, 1, 2, 8, None])
@pytest.mark.parametrize("choice", [Choice(), Choice(vpc="blue"), Choice(vpc="ovn-cluster", ports=False)])
def test_boxes_are_inside_each_other_and_never_overlap(engine: Engine, choice: Choice, most: int | None) -> None:
    layout = arrange(make_map(engine, Choice(choice.vpc, choice.namespace, choice.ports, most)))
    assert all(not overlap(one.box, other.box) for one, other in combinations(layout.groups, 2))
    for group in layout.groups:
        assert all(inside(card.box, group.box) for card in group.cards)
        assert all(not overlap(one.box, other.box) for one, other in combinations(group.cards, 2))
        assert all(
            group.box.y < line.y < min((card.box.y for card in group.cards), default=group.box.bottom)
            for line in group.lines
        )
    assert all(inside(group.box, Box(0, 0, layout.width, layout.height)) for group in layout.groups)
    assert all(layout.groups[0].box.right < lane.x < layout.width for lane in layout.lanes)
    assert len({lane.x for lane in layout.lanes}) == len(layout.lanes)


def inside(one: Box, other: Box) -> bool:
    return other.x < one.x and one.right < other.right and other.y < one.y and one.bottom < other.bottom


def overlap(one: Box, other: Box) -> bool:
    return one.x < other.right and other.x < one.right and one.y < other.bottom and other.y < one.bottom


def test_text_stays_in_its_picture(engine: Engine) -> None:
    engine.put(vpc("x" * 63, namespaces=[f"a-namespace-with-a-long-name-{n}" for n in range(20)]))
    engine.put(subnet("y" * 63, "10.9.0.0/16,fd00:aaaa:bbbb:cccc::/64", "x" * 63, private=True))
    engine.put(pod("z" * 63, "y" * 63, ns="n" * 63, node="h" * 63))
    settle(engine)
    layout = arrange(drawn := make_map(engine, Choice(vpc="x" * 63)))
    for text in ET.fromstring(to_svg(drawn)).iter("{http://www.w3.org/2000/svg}text"):
        shown = (text.text or "") + "".join(child.tail or "" for child in text)
        kinds = (text.get("class") or "").split()
        width = len(shown) * (9.5 if "title" in kinds else 6)
        start = float(text.get("x", "0")) - (width if "end" in kinds else width / 2 if "middle" in kinds else 0)
        assert start >= 0, shown
        assert start + width <= layout.width, shown


def test_names_are_quoted(engine: Engine) -> None:
    engine.put(
        vpc("odd", policyRoutes=[{"priority": 1, "match": 'ip4.src == $a && inport == "<b>"', "action": "drop"}])
    )
    settle(engine)
    drawn = make_map(engine, Choice(vpc="odd"))
    ET.fromstring(to_svg(drawn))
    assert "<b>" not in to_html(drawn)
    assert r"\"<b>\"" in to_dot(drawn)
    assert '"<b>"' in to_text(drawn)


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (65_531, "65,531"), (2**24, "16,777,216"), (2**64, "1.8e19"), (2**120, "1.3e36")]
)
def test_numbers(value: int, text: str) -> None:
    assert number(value) == text


# -- as a command -----------------------------------------------------------------------------------------------------

DOCUMENTS = """
{apiVersion: kubeovn.io/v1, kind: Subnet, metadata: {name: s}, spec: {cidrBlock: 10.9.0.0/24, namespaces: [ns1]}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: ns1}}
---
{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: ns1}}
"""


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[object, str, str]:
    with pytest.raises(SystemExit) as caught:
        main(["map", *arguments])
    out, err = capsys.readouterr()
    return caught.value.code, out, err


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "documents.yml"
    path.write_text(DOCUMENTS)
    return path


@pytest.mark.parametrize("form", ["tree", "svg", "html", "dot", "json"])
def test_documents_are_drawn_with_no_fabric_at_hand(capsys: pytest.CaptureFixture[str], file: Path, form: str) -> None:
    code, out, err = said(capsys, "-f", str(file), "-o", form)
    assert (code, err) == (0, "")
    assert "10.9.0.2" in out
    if form == "json":
        names = [item["name"] for vpc in json.loads(out)["vpcs"] for item in vpc["subnets"]]
        assert names == ["join", "ovn-default", "s"]


def test_what_is_wrong_is_said_and_the_rest_drawn(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    more = "---\n{apiVersion: kubeovn.io/v1, kind: Subnet, metadata: {name: t}, spec: {cidrBlock: 10.9.0.0/16}}\n"
    file.write_text(DOCUMENTS + more)
    code, out, err = said(capsys, "-f", str(file))
    assert code == 1
    assert "10.9.0.2" in out
    assert re.search(r"error: .*Subnet/t: spec.cidrBlock: 10.9.0.0/16 overlaps 10.9.0.0/24 of Subnet/s", err)


def test_a_vpc_that_is_not_there(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    code, _, err = said(capsys, "-f", str(file), "--vpc", "nowhere")
    assert code == 2
    assert "nowhere does not exist; there are ovn-cluster" in err
