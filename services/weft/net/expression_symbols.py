"""Fields of packets that OVN's expressions know, as of ovn-sb(5), Logical_Flow: their names, widths and levels.

Fields that other fields tell apart are nominal there: they can be tested for being something, and not for being less
or something else; nor can predicates that are made of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

TEXT_FIELDS = "inport outport"

ORDINAL_FIELDS = {
    128: "ip6.src ip6.dst nd.target ct_label xxreg0 xxreg1",
    96: "ct_label.obs_unused",
    64: "xreg0 xreg1 xreg2 xreg3 xreg4",
    48: "eth.src eth.dst arp.sha arp.tha rarp.sha rarp.tha nd.sll nd.tll ct_label.ecmp_reply_eth",
    32: """
        ip4.src ip4.dst arp.spa arp.tpa rarp.spa rarp.tpa ct_state ct_mark pkt.mark flags
        ct_label.label ct_label.obs_point_id reg0 reg1 reg2 reg3 reg4 reg5 reg6 reg7 reg8 reg9
    """,
    20: "ip6.label",
    16: "vlan.tci tcp.src tcp.dst udp.src udp.dst sctp.src sctp.dst ct_mark.ecmp_reply_port",
    12: "vlan.vid tcp.flags",
    8: "ct_mark.obs_collector_id",
    3: "vlan.pcp",
    2: "ip.frag ct_mark.obs_stage",
    1: """
        eth.mcast ct.trk ct.new ct.est ct.rel ct.rpl ct.inv ct.snat ct.dnat
        ct_mark.blocked ct_mark.natted ct_mark.skip_snat ct_mark.force_snat
        flags.loopback flags.force_snat_for_dnat flags.force_snat_for_lb flags.skip_snat_for_lb flags.use_snat_zone
        flags.localnet
    """,
}

NOMINAL_FIELDS = {
    16: "eth.type arp.op rarp.op",
    8: "ip.proto ip.ttl icmp4.type icmp4.code icmp6.type icmp6.code",
    6: "ip.dscp",
    2: "ip.ecn",
}

PREDICATES = """
    eth.bcast eth.mcastv6 vlan.present ip4.src_mcast ip4.mcast ip6.mcast ip6.mcast_rsvd ip6.mcast_all_nodes
    ip6.mcast_all_rtrs ip6.mcast_sol_node ip6.mcast_flood ip.is_frag ip.later_frag ip.first_frag
"""

NOMINAL_PREDICATES = """
    ip ip4 ip6 icmp icmp4 icmp6 igmp arp rarp nd nd_ns nd_ns_mcast nd_na nd_rs nd_ra mldv1 mldv2 tcp udp sctp
"""


@dataclass(frozen=True, slots=True)
class Symbol:
    """A field, or a predicate that stands for an expression. `width` is in bits; 0 is text."""

    name: str
    width: int
    nominal: bool = False
    predicate: bool = False


def _symbols() -> Iterator[Symbol]:
    yield from (Symbol(name, 0, nominal=True) for name in TEXT_FIELDS.split())
    yield from (Symbol(name, width) for width, names in ORDINAL_FIELDS.items() for name in names.split())
    yield from (Symbol(name, width, nominal=True) for width, names in NOMINAL_FIELDS.items() for name in names.split())
    yield from (Symbol(name, 1, predicate=True) for name in PREDICATES.split())
    yield from (Symbol(name, 1, nominal=True, predicate=True) for name in NOMINAL_PREDICATES.split())


SYMBOLS = {symbol.name: symbol for symbol in _symbols()}
