"""What hosts are told of rates and mirrors: of each network of a pod, and again when an annotation changes."""

from __future__ import annotations

import pytest

from tests.unit.topology.build import base, network, pod, settle, subnet

ATTACHED = "net1.default.ovn.kubernetes.io"


def told(**annotations: str) -> dict[str, tuple[dict[str, str], tuple[str, ...]]]:
    """(shaping, mirrors) by port, of a pod with one further network."""
    engine = base()
    engine.put(network("net1", '{"type": "kube-ovn", "provider": "net1.default.ovn"}'))
    engine.put(subnet("attached", "172.17.0.0/16", provider="net1.default.ovn"))
    engine.put(pod("web", node="lab1", **{"k8s.v1.cni.cncf.io/networks": "default/net1"}, **annotations))
    _, weft = settle(engine)["Pod/ns1/web"]
    return {row.columns["name"]: (row.columns["shaping"], row.columns["mirrors"]) for row in weft}


@pytest.mark.parametrize(
    ("asked", "shaping", "mirrors"),
    [
        ({}, {}, ()),
        ({"ingress_rate": "3", "egress_rate": " 0.50"}, {"ingress_rate": "3", "egress_rate": "0.5"}, ()),
        ({"ingress_rate": "0", "latency": ""}, {}, ()),
        (
            {"latency": "10", "jitter": "2.5", "loss": "0.1", "limit": "1000000"},
            {"latency": "10", "jitter": "2.5", "loss": "0.1", "limit": "1000000"},
            (),
        ),
        ({"mirror": "true"}, {}, ("local",)),
        ({"mirror": "false", "mirror_collector": "gre:192.0.2.9"}, {}, ("gre:192.0.2.9/0",)),
        (
            {"mirror": "true", "mirror_collector": "erspan:2001:DB8::9/007"},
            {},
            ("local", "erspan:2001:db8::9/7"),
        ),
    ],
)
@pytest.mark.parametrize("prefix", ["ovn.kubernetes.io", ATTACHED])
def test_each_network_is_told_its_own(
    prefix: str, asked: dict[str, str], shaping: dict[str, str], mirrors: tuple[str, ...]
) -> None:
    found = told(**{f"{prefix}/{name}": text for name, text in asked.items()})
    own, other = ("web.ns1", "web.ns1.net1.default.ovn")[:: 1 if prefix == "ovn.kubernetes.io" else -1]
    assert found == {own: (shaping, mirrors), other: ({}, ())}


@pytest.mark.parametrize(
    ("device", "asked", "expected"),
    [
        ("veth", {"ingress_rate": "3"}, []),
        ("vf", {"latency": "3"}, []),
        ("vf", {"ingress_rate": "3"}, [("to-lport", "outport", {"rate": 3000, "burst": 600})]),
        (
            "vhostuser",
            {"ingress_rate": "0.5", "egress_rate": "20"},
            [
                ("to-lport", "outport", {"rate": 500, "burst": 256}),
                ("from-lport", "inport", {"rate": 20000, "burst": 4000}),
            ],
        ),
    ],
)
def test_what_has_no_veth_pair_is_metered(device: str, asked: dict[str, str], expected: list[object]) -> None:
    config = f'{{"type": "kube-ovn", "provider": "net1.default.ovn", "device_type": "{device}"}}'
    engine = base()
    engine.put(network("net1", config))
    engine.put(subnet("attached", "172.17.0.0/16", provider="net1.default.ovn"))
    wishes = {f"{ATTACHED}/{name}": text for name, text in asked.items()}
    engine.put(pod("web", node="lab1", **{"k8s.v1.cni.cncf.io/networks": "default/net1"}, **wishes))
    northbound, _ = settle(engine)["Pod/ns1/web"]
    rows = [row.columns for row in northbound if row.table == "QoS"]
    assert [(row["direction"], row["match"].partition(" ")[0], row["bandwidth"]) for row in rows] == expected
    assert {row["match"].partition(" == ")[2] for row in rows} <= {'"web.ns1.net1.default.ovn"'}


def test_a_change_concerns_the_pod_alone() -> None:
    engine = base()
    engine.put(pod("web", node="lab1"))
    engine.put(pod("other", node="lab1"))
    settle(engine)
    engine.put(pod("web", node="lab1", **{"ovn.kubernetes.io/ingress_rate": "3"}))
    (owner, (_, weft)), *others = settle(engine).items()
    assert (owner, weft[0].columns["shaping"], others) == ("Pod/ns1/web", {"ingress_rate": "3"}, [])
    engine.put(pod("web", node="lab1"))
    _, weft = settle(engine)["Pod/ns1/web"]
    assert weft[0].columns["shaping"] == {}
