"""What the module `interconnects` refuses: one message that names both sides, and nothing written."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.interconnect.conftest import Zone, eventually
from tests.support.ovn import OvnSandbox, free_ports, program, run, schema

Zones = tuple[Zone, Zone]
NAMES = {"name": "az1", "advertise": True, "learn": True}


@pytest.mark.parametrize("check", [True, False], ids=["check", "run"])
def test_all_that_is_wrong_is_said_at_once_and_nothing_written(untouched: Zones, check: bool) -> None:
    az1, _az2 = untouched
    nowhere = {**az1.item()["routers"][0], "name": "nowhere"}
    result = az1.run(az1.item(routers=[nowhere]), az1.item("ts2", cidrs=["169.254.1.0/25"]), zone=NAMES, check=check)
    assert "Interconnect/ts2: routers[0].addresses: 169.254.2.1; an address of 169.254.1.0/25 is" in result["msg"]
    assert "fd00:a9fe:2::1; an address of 169.254.1.0/25 is allowed" in result["msg"]
    result = az1.run(az1.item(routers=[nowhere]), zone=NAMES, check=check)
    text = "Interconnect/ts1: routers: nowhere is no Logical_Router of zone az1; it has ovn-cluster, shop"
    assert result["msg"] == text


def test_names_twice_in_a_list(untouched: Zones) -> None:
    az1, _az2 = untouched
    result = az1.run(az1.item(), az1.item(), zone=NAMES)
    assert result["msg"] == "config: more than once in the list: ts1"
    first = az1.item()["routers"]
    two = [*first, {**first[0], "addresses": ["169.254.1.3"]}]
    assert "routers: ovn-cluster is named more than once" in az1.run(az1.item(routers=two), zone=NAMES)["msg"]
    assert "router ovn-cluster has it already" in az1.run(az1.item(routers=first * 2), zone=NAMES)["msg"]


def test_transit_networks_of_a_zone_do_not_overlap(zones: Zones) -> None:
    az1, _az2 = zones
    wide = {"name": "ts3", "cidrs": ["169.254.0.0/16"]}
    text = "Interconnect/ts3: cidrs: 169.254.0.0/16 overlaps 169.254.1.0/24 of Interconnect/ts1"
    assert text in az1.run(az1.item(), wide, zone=NAMES)["msg"]
    az1.join(az1.item())
    assert "overlaps" in az1.run(wide)["msg"]


def test_networks_of_two_zones_do_not_overlap(zones: Zones) -> None:
    az1, az2 = zones
    az1.join(az1.item())
    eventually(lambda: "10.11.0" in az1.joined.sbctl("--bare", "--columns=ip_prefix", "list", "Route"))
    az2.ovn.nbctl("lrp-add", "shop", "shop-red", "0a:00:00:00:02:09", "10.11.128.1/17")
    try:
        shop = {**az2.item()["routers"][0], "name": "shop"}
        zone = {"name": "az2", "advertise": True, "learn": True}
        text = "10.11.128.0/17 of zone az2 (router shop, port shop-red) overlaps 10.11.0.0/16 of zone az1"
        assert text in az2.run(az2.item(routers=[shop]), zone=zone)["msg"]
        assert not az2.run(az2.item(routers=[shop]), zone={**zone, "denylist": ["10.11.0.0/16"]}).get("failed")
        assert "zone.denylist: '10.11' does not" in az2.run(az2.item(), zone={**zone, "denylist": ["10.11"]})["msg"]
    finally:
        az2.ovn.nbctl("lrp-del", "shop-red")


def test_what_other_zones_have(zones: Zones) -> None:
    az1, az2 = zones
    az1.join(az1.item())
    eventually(lambda: "ts1-az1" in az1.joined.sbctl("--bare", "--columns=logical_port", "list", "Port_Binding"))
    zone = {"name": "az2"}
    wider = az2.item(cidrs=["169.254.0.0/16"], routers=None)
    text = "cidrs: 169.254.0.0/16; zone az1 is on it with 169.254.1.0/24, fd00:a9fe:1::/64"
    assert text in az2.run(wider, zone=zone)["msg"]
    same = az2.run(az2.item(routers=az1.item()["routers"]), zone=zone)
    assert "routers: ovn-cluster: address 169.254.1.1 is zone az1's" in same["msg"]
    assert az2.made(az2.item(cidrs=None), zone=zone)["after"][0]["cidrs"] == az1.item()["cidrs"]


def test_names_that_others_have(untouched: Zones) -> None:
    az1, _az2 = untouched
    az1.ovn.nbctl("lrp-add", "shop", "az1-ts1", "0a:00:00:00:09:09", "192.0.2.1/24")
    try:
        text = "Interconnect/ts1: routers: ovn-cluster: Logical_Router_Port az1-ts1 is there and not of this module"
        assert text in az1.run(az1.item(), zone=NAMES)["msg"]
    finally:
        az1.ovn.nbctl("lrp-del", "az1-ts1")


def test_names_that_are_one_zones_alone(zones: Zones) -> None:
    """Zones know each other, and each other's gateways, by name."""
    az1, az2 = zones
    az1.ovn.sbctl("chassis-add", "gw1", "geneve", "192.0.2.1", "--", "set", "Chassis", "gw1",
                  "other_config:is-interconn=true")  # fmt: skip
    az1.join(az1.item())
    eventually(lambda: "gw1" in az1.joined.sbctl("show"))
    try:
        same_chassis = {**az2.item()["routers"][0], "gateways": [{"chassis": "gw1"}]}
        text = "Interconnect/ts1: routers: ovn-cluster: gateways: zone az1 has a chassis gw1 too"
        assert text in az2.run(az2.item(routers=[same_chassis]), zone={"name": "az2"})["msg"]
        text = "zone.name: az1; another zone has that name, with the gateways gw1"
        assert az2.run(az2.item(), zone={"name": "az1"})["msg"] == text
        assert "zone.name: 'a z'; letters" in az2.run(zone={"name": "a z"})["msg"]
        assert not az2.ovn.nbctl("get", "NB_Global", ".", "name").strip('"')
    finally:
        az1.ovn.sbctl("chassis-del", "gw1")
        eventually(lambda: "gw1" not in az1.joined.sbctl("show"))


def test_a_zone_keeps_its_name_while_it_is_joined(zones: Zones) -> None:
    az1, _az2 = zones
    assert "zone.name: is required" in az1.run(az1.item())["msg"]
    az1.join(az1.item())
    text = "zone.name: az9; the zone is az1 and has interconnects ts1, which would have to be deleted first"
    assert text in az1.run(az1.item(), zone={"name": "az9"})["msg"]


def test_ovn_ic_does_not_run(zones: Zones) -> None:
    """What was written is finished by the next run."""
    az1, _az2 = zones
    daemon = next(daemon for daemon in az1.ovn.daemons if daemon.name == "ovn-ic")
    daemon.kill()
    text = "transit switches ts1 have not come to zone az1's Northbound within 1 s: does ovn-ic run there"
    assert text in az1.run(az1.item(), zone=NAMES, timeout=1)["msg"]
    az1.joined.start_ic(az1.ovn)
    az1.join(az1.item())


UNREACHABLE: dict[str, tuple[dict[str, str], str]] = {
    "no such socket": ({"northbound": "unix:/nowhere"}, "OVN_Northbound: cannot connect to unix:/nowhere"),
    "nobody listens": (
        {"ic_southbound": "tcp:127.0.0.1:1,tcp:127.0.0.1:2"},
        "OVN_IC_Southbound: cannot connect to tcp:127.0.0.1:1: [Errno 111] Connection refused; cannot connect to tcp:",
    ),
    "not given": ({"ic_northbound": ""}, "ic_northbound: is required: where does OVN_IC_Northbound listen?"),
    "no remote": ({"ic_northbound": "192.0.2.1:6655"}, "unix:PATH, tcp:HOST:PORT or ssl:HOST:PORT is allowed"),
    "no certificate": (
        {"ic_northbound": "ssl:127.0.0.1:1", "ca_cert": "/nowhere"},
        "/etc/weft/pki/ovn-central.crt, /nowhere cannot be used",
    ),
}


@pytest.mark.parametrize("case", UNREACHABLE)
def test_unreachable(untouched: Zones, case: str) -> None:
    az1, _az2 = untouched
    options, words = UNREACHABLE[case]
    result = az1.run(az1.item(), **{"zone": NAMES, "timeout": 1, **options})
    assert words in result["msg"]


def test_another_database(untouched: Zones) -> None:
    az1, _az2 = untouched
    result = az1.run(az1.item(), ic_northbound=az1.joined.southbound, timeout=1)
    assert "holds no database OVN_IC_Northbound" in result["msg"]


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, dict[str, str]]]]:
    """An interconnection's Northbound behind TLS, with the files of who belongs to it and of a stranger."""
    folder = tmp_path_factory.mktemp("tls")
    files = {}
    for name in ("ours", "strange"):
        key, certificate = folder / f"{name}.key", folder / f"{name}.crt"
        made = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
        run("openssl", *made, "-subj", f"/CN={name}", "-keyout", str(key), "-out", str(certificate))
        files[name] = {"private_key": str(key), "certificate": str(certificate), "ca_cert": str(certificate)}
    with OvnSandbox() as ovn:
        port = free_ports(1)[0]
        server = ovn.folder / "tls"
        server.mkdir()
        run(program("ovsdb-tool"), "create", str(server / "db"), str(schema("ovn-ic-nb")))
        options = [f"--{name.replace('_', '-')}={path}" for name, path in files["ours"].items()]
        ovn.daemon("ovsdb-server", server, f"--remote=pssl:{port}:127.0.0.1", *options, str(server / "db"))
        yield f"ssl:127.0.0.1:{port}", files


def test_by_tls(untouched: Zones, elsewhere: tuple[str, dict[str, dict[str, str]]]) -> None:
    az1, _az2 = untouched
    remote, files = elsewhere
    found = az1.made(ic_northbound=f"tcp:127.0.0.1:1,{remote}", state="gathered", **files["ours"])
    assert found["gathered"] == []
    mixed = {**files["strange"], "ca_cert": files["ours"]["ca_cert"]}
    for wrong in (files["strange"], mixed):
        result = az1.run(ic_northbound=remote, state="gathered", **{"timeout": 1, **wrong})
        assert remote in result["msg"], result
