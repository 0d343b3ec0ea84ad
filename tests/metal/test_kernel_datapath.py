"""What the agent asks of a kernel that has the modules: delays, losses, rates, mirrors, its filter beside IPVS."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.metal.conftest import Guest
from tests.metal.fabric import PREFIX, address, apply, inside, round_trips, tcp_mbits, weftctl, workload

Fabric = dict[str, Guest]
Eventually = Callable[..., None]
# Payload in a frame of TCP: the rate is for whole frames.
PAYLOAD = 0.95


@pytest.fixture(scope="module")
def shaped(fabric: Fabric) -> Iterator[Callable[..., None]]:
    """`shaped(latency="100")` gives `local` these annotations and no others; `peer` beside it has none."""
    central = fabric["metal1"]
    apply(central, workload("local", "metal1"), workload("peer", "metal1"))
    round_trips(central, "peer", address(central, "local"), 5)
    given: set[str] = set()

    def ask(**annotations: str) -> None:
        given.update(annotations)
        values = {**dict.fromkeys(given, "0"), **annotations}
        apply(central, workload("local", "metal1", **values))

    yield ask
    ask()


def queues(guest: Guest) -> str:
    return guest.run("tc qdisc show").stdout


@pytest.mark.parametrize(("latency", "jitter"), [(200, 0), (300, 100)])
def test_packets_come_as_late_as_asked(
    fabric: Fabric, shaped: Callable[..., None], eventually: Eventually, latency: int, jitter: int
) -> None:
    guest = fabric["metal1"]
    target = address(guest, "local")
    shaped()
    eventually(lambda: "netem" not in queues(guest), what="no delay")
    _, plain, _ = round_trips(guest, "peer", target)
    shaped(latency=str(latency), jitter=str(jitter))
    eventually(lambda: f"delay {latency}ms" in queues(guest), what="the delay")
    lost, average, deviation = round_trips(guest, "peer", target)
    assert lost == 0
    assert average - plain == pytest.approx(latency, rel=0.25)
    assert (deviation > jitter / 4) if jitter else True


def test_as_many_packets_are_lost_as_asked(fabric: Fabric, shaped: Callable[..., None], eventually: Eventually) -> None:
    guest = fabric["metal1"]
    shaped(loss="50")
    eventually(lambda: "loss 50%" in queues(guest), what="the loss")
    lost, _, _ = round_trips(guest, "peer", address(guest, "local"), 60)
    assert 25 < lost < 75


# Little, for an emulated processor that shares its own with other work.
@pytest.mark.parametrize("asked", [1, 3])
def test_rates_of_tcp_are_those_asked_for(
    fabric: Fabric, shaped: Callable[..., None], eventually: Eventually, asked: int
) -> None:
    guest = fabric["metal1"]
    shaped(ingress_rate=str(asked), egress_rate=str(asked))
    eventually(lambda: f"rate {asked}Mbit" in queues(guest), what="the rate")
    assert tcp_mbits((guest, "peer"), (guest, "local")) == pytest.approx(asked * PAYLOAD, rel=0.15)
    assert tcp_mbits((guest, "local"), (guest, "peer")) == pytest.approx(asked * PAYLOAD, rel=0.15)


COLLECTOR = "172.31.0.22"
TUNNEL = "ovs-vsctl --bare --columns=type list Interface | grep -x "
ECHO, ECHO_REPLY = 8, 0


@pytest.mark.parametrize(
    ("name", "annotations", "ready", "where", "packets"),
    [
        (
            "copied",
            {"mirror": "true"},
            "ip link show dev mirror0 up | grep mirror0",
            ("metal1", "mirror0"),
            "icmp[0] = {}",
        ),
        (
            "by-gre",
            {"mirror_collector": f"gre:{COLLECTOR}/100"},
            f"{TUNNEL} gre",
            ("metal2", "eth1"),
            "ip proto 47 and ip[24:4] = 100 and ip[62] = {}",
        ),
        (
            "by-erspan",
            {"mirror_collector": f"erspan:{COLLECTOR}/101"},
            f"{TUNNEL} erspan",
            ("metal2", "eth1"),
            "ip proto 47 and ip[22:2] = 0x88be and ip[30:2] & 0x3ff = 101 and ip[70] = {}",
        ),
    ],
    ids=["local device", "gre", "erspan"],
)
def test_a_mirror_has_both_directions(
    shaped: Callable[..., None],
    fabric: Fabric,
    eventually: Eventually,
    name: str,
    annotations: dict[str, str],
    ready: str,
    where: tuple[str, str],
    packets: str,
) -> None:
    """`packets` are those of the pod's pings, with the key or the session of the tunnel that carries them."""
    guest = fabric["metal1"]
    apply(guest, workload(name, "metal1", **annotations))
    eventually(lambda: guest.run(ready, check=False).ok, within=60, what=ready)
    host, device = where
    command = f"timeout 60 tcpdump -nni {device} -c 1 '{packets}' 2>&1"
    seen = [fabric[host].start(command.format(kind)) for kind in (ECHO, ECHO_REPLY)]
    round_trips(guest, "peer", address(guest, name), 60)
    for capture in seen:
        text, _ = capture.communicate(timeout=90)
        assert capture.returncode == 0, text


def test_a_service_of_ipvs_works_beside_the_agents_packet_filter(fabric: Fabric, eventually: Eventually) -> None:
    """As kube-proxy in its mode ipvs: the service's address on a dummy device, its server in the fabric."""
    guest, service = fabric["metal1"], "10.96.0.77"
    target = address(guest, "local")
    guest.run(f"ip link add kube-ipvs0 type dummy; ip address add {service}/32 dev kube-ipvs0")
    server = guest.start(inside("local", "python3 -m http.server --bind 0.0.0.0 8080"))
    try:
        guest.run(f"ipvsadm -A -t {service}:80 -s rr; ipvsadm -a -t {service}:80 -r {target}:8080 -m")
        guest.run("sysctl -qw net.ipv4.vs.conntrack=1")
        listens = inside("local", "ss -Hltn") + " | grep -q :8080"
        eventually(lambda: guest.run(listens, check=False).ok, within=120, what="the server listens")
        fetch = f"exec 3<>/dev/tcp/{service}/80; echo GET / HTTP/1.0 >&3; echo >&3; head -n1 <&3 | cut -c10-12"
        ask = f"timeout 10 bash -c '{fetch}'"
        eventually(lambda: guest.run(ask, check=False).stdout == "200", within=60, what="the host is answered by IPVS")
        asked = inside("peer", ask)
        eventually(lambda: guest.run(asked, check=False).stdout == "200", within=60, what="a workload is answered too")
        table = "nft list table inet weft"
        before = guest.run(table).stdout
        guest.run("nft delete table inet weft")
        eventually(lambda: guest.run(table, check=False).stdout == before, what="the agent's table is whole again")
        assert guest.run(ask).stdout == "200"
    finally:
        server.kill()
        guest.run("pkill -f 'http.server --bind 0.0.0.0 8080'; ipvsadm -C; ip link delete kube-ipvs0", check=False)


def test_nothing_of_it_has_no_effect_here(fabric: Fabric) -> None:
    """The agent says nothing is missing: a kernel of a distribution has all that shaping asks for."""
    said = weftctl(fabric["metal1"], "why", "pod/local", check=False)
    assert "no effect" not in said
    assert PREFIX not in said
