"""Several networks of a pod (Kube-OVN 1.15 manual, section 7.1): ports, reservations, and what hosts are told."""

from __future__ import annotations

import pytest

from tests.unit.topology.build import base, network, pod, reservation, settle, subnet
from weft.api.annotations import NETNS
from weft.topology.engine import Engine
from weft.topology.rows import Row
from weft.topology.settings import Settings

OVN = '{"type": "kube-ovn", "server_socket": "/run/openvswitch/kube-ovn-daemon.sock", "provider": "x.default.ovn"}'
MACVLAN = '{"type": "macvlan", "master": "eth0", "ipam": {"type": "kube-ovn", "provider": "macvlan.default"}}'
FOREIGN = '{"type": "bridge", "ipam": {"type": "host-local"}}'
NETWORKS = "k8s.v1.cni.cncf.io/networks"


def fabric() -> Engine:
    engine = base()
    for item in (
        network("attachnet", OVN),
        network("macvlan", MACVLAN),
        network("bridge", FOREIGN),
        subnet("attachnet", "172.17.0.0/16", provider="attachnet.default.ovn"),
        subnet("macvlan", "172.18.0.0/16", provider="macvlan.default"),
    ):
        engine.put(item)
    settle(engine)
    return engine


def told(engine: Engine, ref: str = "Pod/ns1/web") -> dict[str, Row]:
    """What hosts are told, by port."""
    return {row.columns["name"]: row for row in engine.compile(ref).weft}


def test_each_network_has_a_reservation_a_port_and_a_row_for_the_host() -> None:
    engine = fabric()
    engine.put(pod("web", node="lab1", **{NETWORKS: "default/attachnet,default/macvlan,default/bridge"}))
    settle(engine)
    assert {name: ip.spec.ip_address for name, ip in engine.view.ips.items()} == {
        "web.ns1": "10.16.0.2",
        "web.ns1.attachnet.default.ovn": "172.17.0.2",
        "web.ns1.macvlan.default": "172.18.0.2",
    }
    ports = [(row.columns["name"], row.parent.owner) for row in engine.compile("Pod/ns1/web").northbound if row.parent]
    assert ports == [("web.ns1", "Subnet/ovn-default"), ("web.ns1.attachnet.default.ovn", "Subnet/attachnet")]
    rows = told(engine)
    assert {name: (row.columns["provider"], row.columns["device_type"]) for name, row in rows.items()} == {
        "web.ns1": ("ovn", "veth"),
        "web.ns1.attachnet.default.ovn": ("attachnet.default.ovn", "veth"),
        "web.ns1.macvlan.default": ("macvlan.default", "none"),
    }
    assert [row.columns["default_route"] for row in rows.values()] == [True, False, False]


def test_annotations_are_each_networks_own() -> None:
    engine = fabric()
    engine.put(pod("web", node="lab1", **{NETWORKS: "default/attachnet,default/macvlan"}))
    settle(engine)
    said = engine.annotations("Pod/ns1/web")["Pod/ns1/web"]
    assert said["ovn.kubernetes.io/logical_switch"] == "ovn-default"
    assert said["attachnet.default.ovn.kubernetes.io/ip_address"] == "172.17.0.2"
    assert said["attachnet.default.ovn.kubernetes.io/routed"] == "true"
    assert said["macvlan.default.kubernetes.io/gateway"] == "172.18.0.1"
    assert "macvlan.default.kubernetes.io/routed" not in said


def test_a_network_may_be_given_its_addresses() -> None:
    engine = fabric()
    asked = (
        '[{"name": "attachnet", "namespace": "default", "ips": ["172.17.0.9/16"], "mac": "0A:00:00:00:00:09"},'
        ' {"name": "macvlan", "namespace": "default", "default-route": ["172.18.0.1"]}]'
    )
    annotations = {NETWORKS: asked, "macvlan.default.kubernetes.io/ip_address": "172.18.0.100"}
    engine.put(pod("web", node="lab1", ip="10.16.0.15", **annotations))
    settle(engine)
    ips = {name: (ip.spec.ip_address, ip.spec.mac_address) for name, ip in engine.view.ips.items()}
    assert ips["web.ns1"][0] == "10.16.0.15"
    assert ips["web.ns1.attachnet.default.ovn"] == ("172.17.0.9", "0a:00:00:00:00:09")
    assert ips["web.ns1.macvlan.default"][0] == "172.18.0.100"
    routes = {name: (row.columns["routes"], row.columns["default_route"]) for name, row in told(engine).items()}
    assert routes["web.ns1.macvlan.default"] == (("0.0.0.0/0 via 172.18.0.1",), False)
    assert routes["web.ns1"] == ((), False), "one default route"


@pytest.mark.parametrize(
    ("annotations", "routes"),
    [
        (
            {"ovn.kubernetes.io/routes": '[{"dst": "192.168.0.101/24", "gw": "10.16.0.254"}, {"gw": "10.16.0.254"}]'},
            (("192.168.0.0/24 via 10.16.0.254", "0.0.0.0/0 via 10.16.0.254"), True, (), False),
        ),
        (
            {"attachnet.default.ovn.kubernetes.io/routes": '[{"dst": "192.168.0.101/24", "gw": "172.17.0.254"}]'},
            ((), True, ("192.168.0.0/24 via 172.17.0.254",), False),
        ),
        ({"attachnet.default.ovn.kubernetes.io/default_route": "true"}, ((), False, (), True)),
    ],
)
def test_routes_of_a_pod(annotations: dict[str, str], routes: tuple[object, ...]) -> None:
    engine = fabric()
    engine.put(pod("web", node="lab1", **{NETWORKS: "default/attachnet"}, **annotations))
    settle(engine)
    first, second = told(engine).values()
    assert (
        first.columns["routes"],
        first.columns["default_route"],
        second.columns["routes"],
        second.columns["default_route"],
    ) == routes


def test_a_subnet_of_the_overlay_may_serve_an_attachment() -> None:
    engine = fabric()
    key = "attachnet.default.ovn.kubernetes.io/logical_switch"
    engine.put(pod("web", node="lab1", **{NETWORKS: "default/attachnet", key: "ovn-default"}))
    settle(engine)
    assert engine.view.ips["web.ns1.attachnet.default.ovn"].spec.subnet == "ovn-default"


def test_one_network_twice() -> None:
    engine = fabric()
    key = "attachnet.default.ovn.kubernetes.io/ip_address.second"
    engine.put(pod("web", node="lab1", **{NETWORKS: "default/attachnet,default/attachnet@second", key: "172.17.0.77"}))
    settle(engine)
    rows = told(engine)
    assert [(name, row.columns["interface"], row.columns["addresses"]) for name, row in rows.items()] == [
        ("web.ns1", "eth0", ("10.16.0.2",)),
        ("web.ns1.attachnet.default.ovn.net1", "net1", ("172.17.0.2",)),
        ("web.ns1.attachnet.default.ovn.second", "second", ("172.17.0.77",)),
    ]
    keys = {(row.table, row.owner, row.key) for row in engine.compile("Pod/ns1/web").northbound}
    assert len(keys) == 3, "each port is a row of its own"


@pytest.mark.parametrize(
    ("name", "ports"), [("macvlan", []), ("attachnet", ["web.ns1.attachnet.default.ovn"])], ids=["addresses", "overlay"]
)
def test_another_network_may_be_the_default_one(name: str, ports: list[str]) -> None:
    engine = fabric()
    engine.put(pod("web", node="lab1", **{"v1.multus-cni.io/default-network": f"default/{name}"}))
    settle(engine)
    (row,) = engine.compile("Pod/ns1/web").weft
    assert (row.columns["interface"], row.columns["default_route"]) == ("eth0", True)
    assert [row.columns["name"] for row in engine.compile("Pod/ns1/web").northbound] == ports


def test_beside_another_primary_plugin_pods_have_their_further_networks_only() -> None:
    engine = Engine(Settings(primary=False))
    for item in fabric().view.resources():
        engine.put(item)
    engine.put(pod("web", node="lab1", **{NETWORKS: "default/attachnet"}))
    engine.put(pod("plain", node="lab1"))
    settle(engine)
    assert list(engine.view.ips) == ["web.ns1.attachnet.default.ovn"]
    assert [row.columns["default_route"] for row in told(engine).values()] == [False]
    assert engine.status("Pod/ns1/plain") is None


def test_a_network_that_nobody_knows_is_waited_for() -> None:
    engine = fabric()
    engine.put(pod("web", node="lab1", **{NETWORKS: "default/new"}))
    settle(engine)
    assert str(engine.unallocated["Pod/ns1/web"]) == "NetworkAttachmentDefinition/default/new does not exist"
    assert "web.ns1" in engine.view.ips, "the default network need not wait"
    engine.put(network("new", OVN))
    settle(engine)
    assert str(engine.unallocated["Pod/ns1/web"]) == "no subnet: none has spec.provider 'new.default.ovn'"
    engine.put(subnet("new", "172.19.0.0/16", provider="new.default.ovn"))
    settle(engine)
    assert engine.view.ips["web.ns1.new.default.ovn"].spec.ip_address == "172.19.0.2"


def test_who_has_a_network_keeps_it_when_its_definition_goes() -> None:
    engine = fabric()
    engine.put(pod("web", node="lab1", **{NETWORKS: "default/attachnet,default/macvlan"}))
    settle(engine)
    before = told(engine)
    engine.remove_ref("NetworkAttachmentDefinition/default/attachnet")
    engine.remove_ref("NetworkAttachmentDefinition/default/macvlan")
    settle(engine)
    assert told(engine) == before


def test_a_network_that_a_running_pod_no_longer_asks_for_is_given_back() -> None:
    engine = fabric()
    engine.put(pod("web", node="lab1", **{NETWORKS: "default/attachnet"}))
    settle(engine)
    engine.put(pod("web", node="lab1"))
    settle(engine)
    assert list(engine.view.ips) == ["web.ns1"]
    assert list(told(engine)) == ["web.ns1"]


def test_pods_in_their_hosts_network_have_none() -> None:
    engine = fabric()
    given = pod("web", node="lab1", **{NETWORKS: "default/attachnet"})
    engine.put(given.model_copy(update={"spec": given.spec.model_copy(update={"host_network": True})}))
    settle(engine)
    assert not engine.view.ips
    assert engine.annotations("Pod/ns1/web") == {}


def test_port_options() -> None:
    engine = fabric()
    annotations = {f"ovn.kubernetes.io/{name}": "true" for name in ("port_security", "layer2_forward")}
    engine.put(pod("web", node="lab1", **annotations, **{"ovn.kubernetes.io/north_gateway": "10.16.0.254"}))
    settle(engine)
    port, policy = engine.compile("Pod/ns1/web").northbound
    place = f"{engine.view.ips['web.ns1'].spec.mac_address} 10.16.0.2"
    assert port.columns["port_security"] == (place,)
    assert port.columns["addresses"] == (place, "unknown")
    assert {name: policy.columns[name] for name in ("priority", "match", "action", "nexthops")} == {
        "priority": 29250,
        "match": "ip4.src == 10.16.0.2",
        "action": "reroute",
        "nexthops": ("10.16.0.254",),
    }


def test_a_reservation_made_ahead_is_taken_and_outlives_its_pod() -> None:
    engine = base()
    ahead = reservation("web.ns1", "ovn-default", "10.16.0.99", pod="web", ns="ns1")
    engine.put(ahead.model_copy(update={"metadata": ahead.metadata.model_copy(update={"labels": {}})}))
    settle(engine)
    engine.put(pod("web", node="lab1"))
    settle(engine)
    assert told(engine)["web.ns1"].columns["addresses"] == ("10.16.0.99",)
    engine.remove_ref("Pod/ns1/web")
    settle(engine)
    assert engine.view.ips["web.ns1"].spec.ip_address == "10.16.0.99"


def test_a_finished_pod_gives_back_what_it_has() -> None:
    engine = base()
    engine.put(pod("job", node="lab1"))
    settle(engine)
    engine.put(pod("job", node="lab1").model_copy(update={"finished": True}))
    settle(engine)
    assert not engine.view.ips
    assert engine.compile("Pod/ns1/job").northbound == ()


def test_a_pod_that_is_being_deleted_keeps_its_network_until_it_is_gone() -> None:
    engine = base()
    engine.put(pod("web", node="lab1"))
    settle(engine)
    engine.leave(pod("web", node="lab1"))
    settle(engine)
    assert list(told(engine)) == ["web.ns1"]


def test_a_reservation_follows_its_pod_to_a_host() -> None:
    engine = base()
    engine.put(pod("web"))
    settle(engine)
    engine.put(pod("web", node="lab2"))
    (ip,) = engine.moved(["Pod/ns1/web"])
    assert (ip.spec.node_name, ip.metadata.labels["ovn.kubernetes.io/node-name"]) == ("lab2", "lab2")
    engine.put(ip)
    assert engine.moved(["Pod/ns1/web"]) == []


def test_an_endpoint_moves_with_all_that_it_has() -> None:
    """Its rows are the same ones, of which only the host changes."""
    engine = base()
    engine.put(pod("web", node="lab1", **{NETNS: "web"}))
    before = settle(engine)["Pod/ns1/web"]
    engine.put(pod("web", node="lab2", **{NETNS: "web"}))
    after = settle(engine)["Pod/ns1/web"]
    changed = [
        {name for name in old.columns if old.columns[name] != new.columns[name]}
        for old, new in zip((*before[0], *before[1]), (*after[0], *after[1]), strict=True)
    ]
    assert changed == [{"options"}, {"host"}]
    assert after[0][0].columns["options"] == {"requested-chassis": "lab2"}


@pytest.mark.parametrize(
    ("config", "annotations", "device_type"),
    [
        (OVN, {}, "veth"),
        (OVN, {"k8s.v1.cni.cncf.io/resourceName": "mellanox.com/cx5_sriov_switchdev"}, "vf"),
        ('{"plugins": [{"type": "kube-ovn"}, {"type": "portmap"}]}', {"k8s.v1.cni.cncf.io/resourceName": "x/y"}, "vf"),
        ('{"type": "kube-ovn", "vhost_user_socket_volume_name": "vhostuser-sockets"}', {}, "vhostuser"),
        ('{"type": "kube-ovn", "device_type": "vdpa"}', {"k8s.v1.cni.cncf.io/resourceName": "x/y"}, "vdpa"),
        ('{"type": "kube-ovn", "device_type": "none"}', {}, "veth"),
        (MACVLAN, {"k8s.v1.cni.cncf.io/resourceName": "x/y"}, "none"),
    ],
)
def test_what_an_interface_is_made_of(config: str, annotations: dict[str, str], device_type: str) -> None:
    engine = base()
    engine.put(network("dev", config, **annotations))
    provider = "dev.default" if device_type == "none" else "dev.default.ovn"
    engine.put(subnet("dev", "172.17.0.0/16", provider=provider))
    engine.put(pod("web", node="lab1", **{NETWORKS: "default/dev"}))
    settle(engine)
    rows = [row for name, row in told(engine).items() if name != "web.ns1"]
    assert [row.columns["device_type"] for row in rows] == [device_type]
