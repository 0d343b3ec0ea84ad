"""Packets as the programs take them, and what these print."""

from __future__ import annotations

import pytest
import typer

from weft.ctl.errors import UsageError
from weft.ctl.trace.ends import Atlas, End, Net, families
from weft.ctl.trace.hints import Cause
from weft.ctl.trace.logical import parse_logical
from weft.ctl.trace.openflow import parse_openflow
from weft.ctl.trace.packet import Packet, asking_mac, solicited
from weft.ctl.trace.verdict import judge
from weft.ctl.trace_command import question_of

MAC, GATEWAY = "0a:00:00:00:00:01", "0a:00:00:00:00:fe"
WEB = End("Pod/ns1/web", ("10.16.0.3", "fd00::3"), "web.ns1", "blue", MAC, "h1")
DB = End("Pod/ns2/db", ("10.17.0.4",), "db.ns2", "red", "0a:00:00:00:00:02", "h2")
HOST = End("Host/h2", ("100.64.0.2",), "node-h2", "join", "0a:00:00:00:00:03", "h2")
ATLAS = Atlas([WEB, DB, HOST], {name: Net(name, "vpc", (), ()) for name in ("blue", "red", "join")})


@pytest.mark.parametrize(
    ("packet", "microflow", "openflow"),
    [
        (Packet("icmp", MAC, GATEWAY, "10.16.0.3", "10.17.0.4"), "icmp4.type == 8", "icmp,dl_src"),
        (Packet("icmp", MAC, GATEWAY, "fd00::3", "fd00::4"), "icmp6.type == 128", "icmpv6_type=128"),
        (Packet("tcp", MAC, GATEWAY, "10.16.0.3", "10.17.0.4", 443), "tcp.dst == 443", "tcp_dst=443"),
        (Packet("udp", MAC, GATEWAY, "fd00::3", "fd00::4", 53), "udp.dst == 53", "udp6,dl_src"),
        (Packet("arp", MAC, GATEWAY, "10.16.0.3", "10.16.0.4"), "arp.op == 1", "arp_op=1"),
        (Packet("arp", MAC, GATEWAY, "10.16.0.3", "10.16.0.4", operation="reply"), "arp.op == 2", "arp_op=2"),
        (Packet("arp", MAC, GATEWAY, "fd00::3", "fd00::4"), "nd.target == fd00::4", "ipv6_dst=ff02::1:ff00:4"),
        (Packet("arp", MAC, GATEWAY, "fd00::3", "fd00::4", operation="reply"), "nd.target == fd00::3", "nd_tll"),
    ],
)
def test_a_packet_in_the_words_of_both_programs(packet: Packet, microflow: str, openflow: str) -> None:
    assert microflow in packet.microflow("web.ns1")
    assert f'inport == "web.ns1" && eth.src == {MAC}' in packet.microflow("web.ns1")
    assert openflow in packet.openflow()


def test_where_an_address_is_asked_for() -> None:
    assert asking_mac("10.0.0.1") == "ff:ff:ff:ff:ff:ff"
    assert asking_mac("fd00:10:17::1:f15") == "33:33:ff:01:0f:15"
    assert solicited("fd00:10:17::15") == "ff02::1:ff00:15"


INGRESS = 'ingress(dp="{dp}", inport="web.ns1")\n----\n'
CASES = [
    (
        INGRESS.format(dp="red")
        + " 12. ls_out_apply_port_sec (northd.c:1): 1, priority 0, uuid 8cce2f90\n    output;\n"
        '    /* output to "db.ns2", type "" */\n',
        ("delivered", "Pod/ns2/db"),
    ),
    (
        INGRESS.format(dp="join") + " 12. ls_out_apply_port_sec (x): 1, priority 0, uuid 8cce2f90\n"
        '    /* output to "node-h2", type "" */\n',
        ("leaves", "Host/h2"),
    ),
    (
        INGRESS.format(dp="blue") + " 12. ls_out_apply_port_sec (x): 1, priority 0, uuid 8cce2f90\n"
        '    /* output to "localnet.blue", type "localnet" */\n',
        ("leaves", ""),
    ),
    (
        INGRESS.format(dp="red") + " 6. ls_out_acl_eval (northd.c:7072): ip, priority 2000, uuid dc56b71d\n    next;\n"
        " 8. ls_out_acl_action (northd.c:7243): reg8[17] == 1, priority 1000, uuid b045451e\n    reg8[16] = 0;\n",
        ("dropped", "Subnet/red"),
    ),
    (
        INGRESS.format(dp="vpc") + "15. lr_in_ip_routing (northd.c:13648): 1, priority 0, uuid ece88235\n    drop;\n",
        ("no route", "Vpc/vpc"),
    ),
    (
        INGRESS.format(dp="vpc") + "25. lr_in_arp_request (n.c:1): eth.dst == 0, priority 100, uuid 1d743fa7\n"
        '    arp { eth.dst = ff:ff:ff:ff:ff:ff; output; };\n    /* output to "db.ns2", type "" */\n',
        ("no answer", ""),
    ),
    (INGRESS.format(dp="blue") + " 9. ls_in_l2_unknown: no match (implicit drop)\n", ("dropped", "")),
    ("", ("not known", "")),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_a_verdict(text: str, expected: tuple[str, str]) -> None:
    causes = {("red", "dc56b71d"): Cause("ACL", "Subnet/red", "ACL to-lport 1000: ip: drop")}
    verdict = judge(parse_logical(text), ATLAS, WEB, "10.17.0.4", causes)
    assert (verdict.word, verdict.owner) == expected, verdict


OPENFLOW = """
bridge("br-int")
----------------
 0. in_port=6, priority 100, cookie 0xd43dfe42
    resubmit(,8)
 8. metadata=0x2, priority 50, cookie 0xe7bfa12b
    resubmit(,73)
    73. No match.
            drop
    dec_ttl()
    set_field:0a:58:0a:42:00:01->eth_src
    set_field:0a:58:0a:42:00:0b->eth_dst
        42. reg15=0x2,metadata=0x4, priority 100, cookie 0xccfec03d
            set_field:0x4/0xffffff->tun_id
            set_field:0x2->tun_metadata0
            move:NXM_NX_REG14[0..14]->NXM_NX_TUN_METADATA0[16..30]
             -> NXM_NX_TUN_METADATA0[16..30] is now 0x3
            output:2
             -> output to native tunnel

            bridge("br-phys")
            -----------------
                 0. priority 0
                    output:9
            resubmit(,43)
        43. priority 0
            output:5

Final flow: unchanged
Datapath actions: 2
"""


def test_a_way_with_a_tunnel_over_another_bridge() -> None:
    path = parse_openflow(OPENFLOW)
    assert [output.port for output in path.outputs] == [2, 5], "br-phys's port is none of br-int's"
    tunnel = path.outputs[0]
    assert (tunnel.tun_id, tunnel.tun_metadata, tunnel.ttl_less) == (4, 0x30002, 1)
    assert (tunnel.eth_src, tunnel.eth_dst) == ("0a:58:0a:42:00:01", "0a:58:0a:42:00:0b")
    assert (path.tables, path.last_table, path.actions) == (4, 43, ["2"])


@pytest.mark.parametrize(
    ("word", "ref"),
    [
        ("ns1/web", "Pod/ns1/web"), ("pod/ns1/web", "Pod/ns1/web"), ("web", "Pod/ns1/web"), ("pod/web", "Pod/ns1/web"),
        ("host/h2", "Host/h2"), ("node//h2", "Host/h2"), ("h2", "Host/h2"), ("db.ns2", "Pod/ns2/db"),
        ("10.16.0.3", "Pod/ns1/web"), ("fd00:0::3", "Pod/ns1/web"), ("8.8.8.8", "8.8.8.8"),
    ],
)  # fmt: skip
def test_names_of_ends(word: str, ref: str) -> None:
    assert ATLAS.find(word, "ns1").ref == ref


@pytest.mark.parametrize("word", ["ns1/nobody", "nobody", "a;b", "host/h9", "", "a/b/c/d"])
def test_what_is_no_end_is_refused(word: str) -> None:
    with pytest.raises(UsageError, match="no workload or host is known by it"):
        ATLAS.find(word, "ns1")


def test_ends_without_a_family_in_common() -> None:
    assert families(WEB, DB, 0) == [4]
    with pytest.raises(UsageError, match="no family in common as asked, IPv6"):
        families(WEB, DB, 6)


@pytest.mark.parametrize(
    ("words", "protocol", "port", "operation", "mac"),
    [
        ("", "icmp", 80, "request", ""),
        ("tcp", "tcp", 80, "request", ""),
        ("tcp 443", "tcp", 443, "request", ""),
        ("0A:00:00:00:00:01 udp 53", "udp", 53, "request", MAC),
        ("arp reply", "arp", 80, "reply", ""),
    ],
)
def test_words_of_a_packet(words: str, protocol: str, port: int, operation: str, mac: str) -> None:
    question = question_of("a", "b", words.split(), ("ns1", 0, True))
    assert (question.protocol, question.port, question.operation, question.mac) == (protocol, port, operation, mac)


@pytest.mark.parametrize("words", ["sctp", "tcp 0", "tcp 65536", "icmp 80", "arp ask", "udp 53 54", "tcp request"])
def test_words_that_are_no_packet(words: str) -> None:
    with pytest.raises(typer.BadParameter):
        question_of("a", "b", words.split(), ("ns1", 0, True))
