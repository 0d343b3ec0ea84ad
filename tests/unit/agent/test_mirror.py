"""Which mirrors pods and hosts come to, and how Open vSwitch is told of tunnels."""

from __future__ import annotations

from typing import Any

import pytest

from weft.agent.config import AgentConfig, MirrorSection
from weft.agent.mirror.plan import Mirror, plan, tunnel, tunnel_name
from weft.agent.ovs import Interface
from weft.agent.view import Port
from weft.service import ConfigError, parse_config

GRE = "gre:192.0.2.9/100"
TUNNEL = {"remote_ip": "192.0.2.9", "key": "100"}


def port(name: str, *mirrors: str, device_type: str = "veth") -> Port:
    return Port(name, "ns", name, "u", "eth0", "blue", "", (), "", device_type, mirrors=mirrors)


def to_collector(*ports: str, everything: bool = False) -> Mirror:
    return Mirror(tunnel_name(GRE), "gre", TUNNEL, frozenset(ports), everything)


def to_device(*ports: str, everything: bool = False, name: str = "mirror0") -> Mirror:
    return Mirror(name, "internal", {}, frozenset(ports), everything)


@pytest.mark.parametrize(
    ("ports", "settings", "expected"),
    [
        ([port("a")], {}, []),
        ([port("a", "local"), port("b", "local")], {}, [to_device("w-a", "w-b")]),
        ([port("a", "local", GRE), port("b", GRE)], {}, [to_collector("w-a", "w-b"), to_device("w-a")]),
        ([port("elsewhere", "local")], {}, []),
        ([port("a", "local")], {"all": True}, [to_device(everything=True)]),
        ([port("a", GRE)], {"collector": "gre:192.0.2.9/0100"}, [to_collector(everything=True)]),
        ([port("a", "local")], {"interface": "span0"}, [to_device("w-a", name="span0")]),
    ],
)
def test_each_place_has_one_mirror(ports: list[Port], settings: dict[str, Any], expected: list[Mirror]) -> None:
    recorded = [Interface(f"w-{name}", {"iface-id": name, "vendor": "weft"}) for name in ("a", "b")]
    found = plan(ports, recorded, MirrorSection(**settings))
    assert (list(found.mirrors), dict(found.failed)) == (expected, {})


def test_what_cannot_be_had_is_said_and_keeps_nobody_else_from_it() -> None:
    ports = [port("a", "vxlan:192.0.2.9/1", "local"), port("b", "local", device_type="none")]
    found = plan(ports, [Interface("w-a", {"iface-id": "a"})], MirrorSection())
    assert list(found.mirrors) == [to_device("w-a")]
    assert found.failed == {
        "b": "no effect: another plugin makes the interface",
        "vxlan:192.0.2.9/1": "'vxlan:192.0.2.9/1': allowed: gre:ADDRESS/KEY, erspan:ADDRESS/SESSION",
    }


@pytest.mark.parametrize(
    ("collector", "kind", "options"),
    [
        (GRE, "gre", TUNNEL),
        ("gre:192.0.2.9/0", "gre", {"remote_ip": "192.0.2.9"}),
        ("gre:2001:db8::9/7", "gre", {"remote_ip": "2001:db8::9", "key": "7"}),
        ("erspan:192.0.2.9/7", "erspan", {"remote_ip": "192.0.2.9", "key": "7", "erspan_ver": "1", "erspan_idx": "7"}),
    ],
)
def test_tunnels(collector: str, kind: str, options: dict[str, str]) -> None:
    assert tunnel(collector) == (kind, options)
    assert len(tunnel_name(collector)) == 15


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"collector": "192.0.2.9"}, "mirror: '192.0.2.9': allowed: gre:ADDRESS/KEY, erspan:ADDRESS/SESSION"),
        (
            {"interface": "a-name-of-16-chr"},
            "mirror: interface: got 'a-name-of-16-chr', expected a name of 1 to 15 char",
        ),
        ({"all": "yes"}, "mirror.all: got 'yes', expected true or false"),
    ],
)
def test_a_wrong_configuration_is_refused_by_name(section: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config({"name": "h1", "weft": {"remote": "unix:x"}, "mirror": section}, AgentConfig)
    assert message in str(caught.value)
