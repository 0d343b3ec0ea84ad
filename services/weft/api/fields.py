"""The types of values that kinds are made of: each knows what it allows, and how to say so.

A pattern is enough where it can tell good from bad; `PATTERNS` has its words for messages and pages. Addresses need
arithmetic, so they also have a `Check`. Lists of ranges can be long, and CEL's cost grows with them: there the API
server holds only the pattern, the rest is Python's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from ipaddress import ip_network
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from weft.api.options import DHCP_V4, DHCP_V6, RA, check_dhcp_options, check_options
from weft.api.rule import Check
from weft.net.addresses import parse_addresses, parse_gateway_nodes, parse_networks, parse_range, split_list
from weft.net.expression import check as check_expression

T = TypeVar("T")

NAME_PATTERN = r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$"
"""RFC 1123 subdomain, as Kubernetes has it."""

NAMESPACE_PATTERN = r"^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)?$"
"""RFC 1123 label: without dots, so that `<pod>.<namespace>` names one pod."""

REFERENCE_PATTERN = r"^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?)?$"
MAC_PATTERN = r"^([0-9A-Fa-f][02468ACEace](:[0-9A-Fa-f]{2}){5})?$"
INTERFACE_PATTERN = r"^[^/\s]+$"
PORT_PATTERN = r"^([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])?$"
DURATION_PATTERN = r"^(([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h))+)?$"
RATE_PATTERN = r"^([0-9]{1,12}(\.[0-9]{1,6})?)?$"
SELECTOR_PATTERN = (
    r"^[A-Za-z0-9]([-A-Za-z0-9_./]{0,315}[A-Za-z0-9])? ?: ?([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$"
)
RANGE_PATTERN = r"^[0-9A-Fa-f:.]+(/[0-9]{1,3}|\.\.[0-9A-Fa-f:.]+)?$"
LIST_PATTERN = r"^[0-9A-Fa-f:./, ]*$"
WORD_PATTERN = r"^([A-Za-z0-9]([-A-Za-z0-9_]{0,61}[A-Za-z0-9])?)?$"

DOMAIN_PATTERN = r"^(\*\.)?([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.){2,}$"
TRAFFIC_PATTERN = r"^((src|dst) [0-9A-Fa-f:.]+(/[0-9]{1,3})?)?$"
ROUTE_TARGET_PATTERN = r"^([0-9]{1,10}|[0-9]{1,3}(\.[0-9]{1,3}){3}):[0-9]{1,10}$"
PREFIX_PATTERN = r"^$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*[-\.]?$"
BANDWIDTH_PATTERN = re.compile(r"([0-9]+|([0-9]+(\.[0-9]+)?|\.[0-9]+)(M|Mi|G|Gi))")

PATTERNS: Mapping[str, str] = {
    NAME_PATTERN: "a name: lower-case letters, digits, '-' and '.', at most 253, a letter or digit at both ends",
    REFERENCE_PATTERN: "the name of an object: lower-case letters, digits, '-' and '.', at most 253",
    NAMESPACE_PATTERN: "the name of a namespace: lower-case letters, digits and '-', at most 63",
    MAC_PATTERN: "a unicast MAC address like 0a:58:0a:42:00:0b",
    INTERFACE_PATTERN: "the name of an interface: at most 15 characters, no '/' and no blank",
    PORT_PATTERN: "a port in quotes, 1 to 65535",
    DURATION_PATTERN: "a duration like 90s, 1m30s or 500ms",
    RATE_PATTERN: "a number in quotes",
    SELECTOR_PATTERN: "a label and its value like 'kubernetes.io/os: linux'",
    RANGE_PATTERN: "an address, a CIDR, or a range like 10.66.0.101..10.66.0.151",
    DOMAIN_PATTERN: "a domain name with its final dot like 'www.example.com.'",
    TRAFFIC_PATTERN: "traffic like 'src 172.18.11.22/32'",
    ROUTE_TARGET_PATTERN: "a route target like 65000:100",
    PREFIX_PATTERN: "the beginning of a name: lower-case letters, digits, '-' and '.'",
    LIST_PATTERN: "an address or a CIDR, nor several separated by commas",
    WORD_PATTERN: "a word: letters, digits, '-' and '_', at most 63",
}
"""What a pattern allows, in words."""


def _expression(text: str) -> None:
    """Nothing is judged where it is required: a field that may be empty says so itself."""
    if text.strip():
        check_expression(text)


def _listed(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return tuple(value)
    raise PydanticCustomError("list_type", "Input should be a valid list")


def _int_or_text(value: Any) -> Any:
    if isinstance(value, int | str) and not isinstance(value, bool):
        return value
    raise PydanticCustomError("int_or_string", "Input should be a valid integer or string")


IntOrText = Annotated[int | str, BeforeValidator(_int_or_text)]
"""Kubernetes' int-or-string; a field says so with `x-kubernetes-int-or-string`."""

Items = Annotated[tuple[T, ...], BeforeValidator(_listed)]
"""A list. Kept as a tuple, so that objects can be compared and never changed."""

# -- words ------------------------------------------------------------------------------------------------------------

Name = Annotated[str, Field(pattern=REFERENCE_PATTERN)]
"""The name of another object, or nothing."""
NamespaceName = Annotated[str, Field(pattern=NAMESPACE_PATTERN)]
Word = Annotated[str, Field(pattern=WORD_PATTERN)]
Text = Annotated[str, Field(max_length=1024)]
Expression = Annotated[str, Field(max_length=16384), Check(_expression, "a match as OVN reads it")]
"""A match in OVN's language, see ovn-sb(5), Logical_Flow."""
DhcpOptions = Annotated[Text, Check(partial(check_dhcp_options, known=DHCP_V4), "DHCP options of OVN as key=value")]
Dhcp6Options = Annotated[Text, Check(partial(check_dhcp_options, known=DHCP_V6), "DHCPv6 options of OVN as key=value")]
RaOptions = Annotated[Text, Check(partial(check_options, known=RA), "options of router advertisements as key=value")]
Interface = Annotated[str, Field(max_length=15, pattern=INTERFACE_PATTERN)]
Duration = Annotated[str, Field(max_length=64, pattern=DURATION_PATTERN)]
Secret = Annotated[str, Field(max_length=80, json_schema_extra={"format": "password"})]
"""Never shown in a message. It is no secret from those who may read the object."""
Rate = Annotated[str, Field(pattern=RATE_PATTERN)]
LabelPair = Annotated[str, Field(pattern=SELECTOR_PATTERN)]
RouteTarget = Annotated[str, Field(pattern=ROUTE_TARGET_PATTERN)]
Mac = Annotated[str, Field(pattern=MAC_PATTERN)]
PortText = Annotated[str, Field(pattern=PORT_PATTERN)]

# -- numbers ----------------------------------------------------------------------------------------------------------

Port = Annotated[int, Field(ge=1, le=65535, json_schema_extra={"format": "int32"})]
Count = Annotated[int, Field(ge=0, le=2**31 - 1, json_schema_extra={"format": "int32"})]
Unsigned = Annotated[int, Field(ge=0, le=2**32 - 1, json_schema_extra={"format": "int64"})]
Asn = Annotated[int, Field(ge=1, le=2**32 - 1, json_schema_extra={"format": "int64"})]
"""RFC 6793: autonomous system numbers have four bytes."""

# -- addresses --------------------------------------------------------------------------------------------------------


def _only_family(family: int) -> Any:
    def test(text: str) -> None:
        for address in parse_addresses(text):
            if address.version != family:
                raise ValueError(f"{text!r} is not an IPv{family} address")
        if "," in text:
            raise ValueError(f"{text!r} is more than one address")

    return test


def _one_address(text: str) -> None:
    if len(split_list(text)) > 1:
        raise ValueError(f"{text!r} is more than one address")
    parse_addresses(text)


def _networks_or_addresses(text: str) -> None:
    for part in split_list(text):
        ip_network(part, strict=False)


def _one_network_or_address(text: str) -> None:
    _networks_or_addresses(text)
    if len(split_list(text)) > 1:
        raise ValueError(f"{text!r} is more than one CIDR")


def _one_network(text: str) -> None:
    if len(parse_networks(text)) > 1:
        raise ValueError(f"{text!r} is more than one CIDR")


def _range(text: str) -> None:
    if "/" in text:
        ip_network(text, strict=False)
    else:
        parse_range(text)


_EACH = "self.split(',').all(x, x.trim() == '' || {})"

Addresses = Annotated[
    str,
    Field(max_length=96),
    Check(parse_addresses, "an address, or one of each family separated by a comma", _EACH.format("isIP(x.trim())")),
]
Address4 = Annotated[
    str,
    Field(max_length=15),
    Check(_only_family(4), "an IPv4 address", "self == '' || (isIP(self) && ip(self).family() == 4)"),
]
Address6 = Annotated[
    str,
    Field(max_length=45),
    Check(_only_family(6), "an IPv6 address", "self == '' || (isIP(self) && ip(self).family() == 6)"),
]
Networks = Annotated[
    str,
    Field(max_length=96),
    Check(
        parse_networks,
        "a CIDR without host bits, or one of each family separated by a comma",
        _EACH.format("(isCIDR(x.trim()) && cidr(x.trim()).masked() == cidr(x.trim()))"),
    ),
]
Cidr = Annotated[
    str,
    Field(max_length=64),
    Check(
        _one_network,
        "a CIDR without host bits",
        "self == '' || (isCIDR(self) && cidr(self).masked() == cidr(self))",
    ),
]
Destination = Annotated[
    str,
    Field(max_length=64),
    Check(_one_network_or_address, "an address or a CIDR", "self == '' || isCIDR(self) || isIP(self)"),
]
Address = Annotated[str, Field(max_length=45), Check(_one_address, "an address", "self == '' || isIP(self)")]
ManyAddresses = Annotated[
    str,
    Field(max_length=96, pattern=LIST_PATTERN),
    Check(parse_addresses, "an address, or one of each family separated by a comma; checked by the controller"),
]
"""`Addresses` in a list that may be long."""
ManyNetworks = Annotated[
    str,
    Field(max_length=96, pattern=LIST_PATTERN),
    Check(parse_networks, "a CIDR without host bits, or one of each family by a comma; checked by the controller"),
]
"""`Networks` in a list that may be long."""
GatewayNodes = Annotated[
    Text, Check(parse_gateway_nodes, "names of hosts, or NAME:ADDRESS, separated by commas; checked by the controller")
]
ManyDestinations = Annotated[
    str,
    Field(max_length=64, pattern=LIST_PATTERN),
    Check(_one_network_or_address, "an address or a CIDR; checked by the controller"),
]
"""`Destination` in a list that may be long."""
Destinations = Annotated[
    str,
    Field(max_length=16384, pattern=LIST_PATTERN),
    Check(_networks_or_addresses, "addresses and CIDRs separated by commas; checked by the controller"),
]
PlainRange = Annotated[
    str,
    Field(max_length=96, pattern=RANGE_PATTERN),
    Check(parse_range, "an address, or a range like 10.66.0.101..10.66.0.151; its ends are checked by the controller"),
]
AddressRange = Annotated[
    str,
    Field(max_length=96, pattern=RANGE_PATTERN),
    Check(
        _range, "an address, a CIDR, or a range like 10.66.0.101..10.66.0.151; its ends are checked by the controller"
    ),
]
