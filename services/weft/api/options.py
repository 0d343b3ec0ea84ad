"""Options as `key=value` by commas, of DHCP and router advertisements (ovn-nb(5)).

A value may be a set, `dns_server={8.8.8.8,8.8.4.4}`; Kube-OVN's manifests have semicolons within it.
"""

from __future__ import annotations

import re

from weft.net.expression_tokens import tokens

_PART = re.compile(r"\s*(?P<key>[^\s=,{}]+)\s*=\s*(?P<value>\{[^{}]*\}|[^,{}]*?)\s*(,|$)")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


DHCP_V4 = _words("""
    server_id server_mac lease_time router netmask dns_server log_server lpr_server swap_server policy_filter
    router_solicitation nis_server ntp_server netbios_name_server classless_static_route ms_classless_static_route
    next_server ip_forward_enable router_discovery ethernet_encap default_ttl tcp_ttl mtu T1 T2 arp_cache_timeout
    tcp_keepalive_interval netbios_node_type wpad bootfile_name bootfile_name_alt path_prefix tftp_server_address
    hostname domain_name tftp_server domain_search_list broadcast_address offerip
""")
DHCP_V6 = _words("server_id ia_addr domain_search dns_server dhcpv6_stateless bootfile_name bootfile_name_alt fqdn")
_WORDS = _words("dhcpv6_stateless")
"""Options for northd itself; the others are constants in a flow."""
RA = _words("address_mode mtu send_periodic max_interval min_interval router_preference route_info dnssl rdnss")


def parse_options(text: str) -> dict[str, str]:
    """Values by key, sets with commas. Raises ValueError, which names the part that cannot be read."""
    options: dict[str, str] = {}
    at = 0
    while text[at:].strip():
        match = _PART.match(text, at)
        if match is None or not match["value"]:
            raise ValueError(f"{text[at:].strip()!r} is not key=value, with commas between")
        if match["key"] in options:
            raise ValueError(f"{match['key']!r} is given twice")
        options[match["key"]] = match["value"].replace(";", ",")
        at = match.end()
    return options


def check_options(text: str, known: frozenset[str]) -> None:
    """Raises ValueError when it cannot be read, or OVN does not know a key."""
    if unknown := sorted(parse_options(text).keys() - known):
        raise ValueError(f"{unknown[0]!r} is no option of OVN; allowed: {', '.join(sorted(known))}")


def check_dhcp_options(text: str, known: frozenset[str]) -> None:
    """As `check_options`; and a value that OVN cannot read would leave the subnet's ports without any answer."""
    check_options(text, known)
    for key, value in parse_options(text).items():
        if key not in _WORDS and not _readable(value):
            raise ValueError(f"{value!r} of {key!r} is no number, no address, and no text in double quotes")


def _readable(value: str) -> bool:
    try:
        *words, _ = tokens(value.strip("{}"))
    except ValueError:
        return False
    return all(word.kind in ("number", "text") or word.text == "," for word in words)
