"""An IPPool may be an address set, for the matches of policies and ACLs (Kube-OVN 1.15 manual, section 3.3)."""

from __future__ import annotations

from weft.api.ippool import IPPool
from weft.net.addresses import parse_cidrs
from weft.topology.rows import ADDRESS_SET, NOTHING, VENDOR, Row, Rows


def address_set_name(pool: str) -> str:
    """As Kube-OVN calls it: a name in a match has no hyphens."""
    return pool.replace("-", ".")


def compile_ippool(pool: IPPool) -> Rows:
    """All its addresses, used or not, as few CIDRs as can be."""
    if not pool.spec.enable_address_set:
        return NOTHING
    cidrs = (network for text in pool.spec.ips for network in parse_cidrs(text))
    addresses = (str(cidr.network_address) if cidr.num_addresses == 1 else str(cidr) for cidr in cidrs)
    row = Row(
        ADDRESS_SET,
        pool.ref,
        {
            "name": address_set_name(pool.name),
            "addresses": tuple(dict.fromkeys(addresses)),
            "external_ids": {"vendor": VENDOR, "ippool": pool.name},
        },
    )
    return Rows(northbound=(row,))
