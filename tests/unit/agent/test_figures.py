"""Figures from what daemons and the kernel print; the real ones are scraped in tests/integration/agent."""

from __future__ import annotations

from pathlib import Path

import pytest

from weft.agent.config import OvsConfig
from weft.agent.figures import datapath, interfaces
from weft.agent.figures.collector import HostFigures
from weft.agent.figures.family import Sample
from weft.agent.figures.kernel import kernel

USERSPACE = """netdev@ovs-netdev:
  lookups: hit:18 missed:4 lost:1
  flows: 3
  port 0: ovs-netdev (tap)
  port 2: genev_sys_6081 (geneve: packet_type=ptap)
  port 3: w0123456789abcd
"""
KERNEL = """system@ovs-system:
  lookups: hit:94 missed:12 lost:0
  flows: 7
  masks: hit:188 total:2 hit/pkt:1.77
  caches:
    masks-cache: size:256
  port 0: ovs-system (internal)
"""


def plain(samples: list[Sample]) -> dict[str, float]:
    return {
        f"{sample.figure.name.removeprefix('kube_ovn_')} {' '.join(sample.labels)}".strip(): sample.value
        for sample in samples
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            USERSPACE,
            {
                "dp_flows_lookup_hit d": 18, "dp_flows_lookup_missed d": 4, "dp_flows_lookup_lost d": 1,
                "dp_flows_total d": 3, "dp_if_total d": 3, "dp_if d ovs-netdev tap 0": 1,
                "dp_if d genev_sys_6081 geneve 2": 1, "dp_if d w0123456789abcd system 3": 1,
            },
        ),
        (
            KERNEL,
            {
                "dp_flows_lookup_hit d": 94, "dp_flows_lookup_missed d": 12, "dp_flows_lookup_lost d": 0,
                "dp_flows_total d": 7, "dp_if_total d": 1, "dp_if d ovs-system internal 0": 1,
                "dp_masks_hit d": 188, "dp_masks_total d": 2, "dp_masks_hit_ratio d": 1.77,
            },
        ),
        ("", {"dp_if_total d": 0}),
    ],
)  # fmt: skip
def test_a_datapath(text: str, expected: dict[str, float]) -> None:
    assert plain(list(datapath.parse("d", text))) == expected


def test_an_interface_that_vswitchd_could_not_make_has_what_is_known() -> None:
    row = {
        "_uuid": ["uuid", "u"], "name": "w1", "external_ids": ["map", [["pod_name", "web"]]],
        "admin_state": ["set", []], "link_state": "down", "mac_in_use": ["set", []], "mtu": ["set", []],
        "ofport": -1, "ifindex": ["set", []], "statistics": ["map", [["rx_packets", 3], ["ovs_rx_other", 1]]],
    }  # fmt: skip
    assert plain(list(interfaces.interfaces([row]))) == {
        "interface u w1": 1, "interface_admin_state w1": 2, "interface_link_state w1": 0, "interface_of_port w1": -1,
        "interface_rx_packets w1 web": 3,
    }  # fmt: skip


def test_the_kernels_files(tmp_path: Path) -> None:
    files = {
        "proc/sys/net/ipv4/ip_local_port_range": "32768\t60999\n",
        "proc/sys/net/ipv4/tcp_mtu_probing": "1\n",
        "proc/net/snmp": "Udp: InDatagrams NoPorts InCsumErrors\nUdp: 17 0 4\nUdpLite: InCsumErrors\nUdpLite: 9\n",
        "resolv.conf": "nameserver 192.0.2.1\nsearch old.example\nsearch a.example . b.example\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert plain(list(kernel(tmp_path / "proc", tmp_path / "resolv.conf"))) == {
        "ip_local_port_range 32768 60999": 1, "tcp_mtu_probing": 1, "checksum_err_count": 4,
        "dns_search_domain a.example": 1, "dns_search_domain b.example": 1,
    }  # fmt: skip
    assert not list(kernel(tmp_path / "nowhere", tmp_path / "nowhere"))


def test_without_any_daemon_there_is_a_page_that_says_so(tmp_path: Path) -> None:
    figures = HostFigures("h1", OvsConfig(remote=f"unix:{tmp_path}/db.sock", ovn_rundir=tmp_path))
    found = {sample.name: sample.value for family in figures.collect() for sample in family.samples}
    assert {name: value for name, value in found.items() if name.startswith(("kube_ovn", "pinger", "weft"))} == {
        "kube_ovn_ovs_status": 0, "pinger_ovs_up": 0, "pinger_ovs_down": 1, "pinger_ovn_controller_up": 0,
        "pinger_ovn_controller_down": 1, "weft_agent_southbound_connected": 0, "kube_ovn_failed_req_count": 3,
    }  # fmt: skip
