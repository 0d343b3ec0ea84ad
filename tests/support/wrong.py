"""Wrong documents of every kind: an example with one thing changed, and what is said of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.support.examples import Absent
from weft.api import fields
from weft.api.ip import NOTHING_RESERVED

NAME = fields.PATTERNS[fields.NAME_PATTERN]
REFERENCE = fields.PATTERNS[fields.REFERENCE_PATTERN]
NAMESPACE = fields.PATTERNS[fields.NAMESPACE_PATTERN]
MAC = fields.PATTERNS[fields.MAC_PATTERN]
INTERFACE = fields.PATTERNS[fields.INTERFACE_PATTERN]
RANGE = fields.PATTERNS[fields.RANGE_PATTERN]
EASTERN = "".join(chr(ord(c) + 0x660 - 0x30) if c.isdigit() else c for c in "10.0.0.0/8")
"""Digits that Python takes for digits and an address must not have."""


@dataclass(frozen=True)
class Wrong:
    """One field set to a value, and the message. `field` is the one that is blamed, where it is another."""

    path: str
    value: Any
    message: str
    field: str = ""
    server: bool = True
    """Does an API server refuse it too? What CEL cannot say within its cost limits is left to the condition."""

    @property
    def blamed(self) -> str:
        return self.field or self.path

    def __str__(self) -> str:
        value = "absent" if self.value is Absent else ascii(self.value)[:24]
        return f"{self.path}={value}"


_EGRESS = {
    "cidrBlock": "10.66.0.0/16",
    "externalEgressGateway": "192.0.2.1",
    "policyRoutingTableID": 1000,
    "policyRoutingPriority": 1500,
}

WRONG: dict[str, tuple[Wrong, ...]] = {
    "Vpc": (
        Wrong("spec.namespaces", "ns1", "'ns1': Input should be a valid list"),
        Wrong("spec.namespaces.0", "Ns_1", f"'Ns_1' is not {NAMESPACE}"),
        Wrong("spec.staticRoutes.0.policy", "dst", "'dst': Input should be '', 'policyDst' or 'policySrc'"),
        Wrong(
            "spec.staticRoutes.0.cidr",
            "10.0.1.0/33",
            "'10.0.1.0/33' does not appear to be an IPv4 or IPv6 network",
            server=False,
        ),
        Wrong("spec.staticRoutes.0.nextHop", "10.0.1.1", "no such field"),
        Wrong("spec.policyRoutes.0.priority", 32768, "32768: Input should be less than or equal to 32767"),
        Wrong("spec.policyRoutes.0.action", "permit", "'permit': Input should be '', 'allow', 'drop' or 'reroute'"),
        Wrong("spec.policyRoutes.1.nextHopIP", Absent, "is required with the action reroute"),
        Wrong(
            "spec.policyRoutes.0.match", "x" * 100_000, f"'{'x' * 118}…: String should have at most 16384 characters"
        ),
        Wrong("spec.bfdPort.ip", "10.255.255.256", "'10.255.255.256' does not appear to be an IPv4 or IPv6 address"),
        Wrong("spec.bfdPort.enabled", "true", "'true': Input should be a valid boolean"),
        Wrong(
            "spec.bfdPort.nodeSelector.matchExpressions",
            [{"key": "a", "operator": "In"}],
            "values are for the operators In and NotIn, which need some",
            field="spec.bfdPort.nodeSelector.matchExpressions.0.values",
        ),
        Wrong("spec.enableExternal", 1, "1: Input should be a valid boolean"),
        Wrong("metadata.name", "../../etc/passwd", f"'../../etc/passwd' is not {NAME}"),
        Wrong("metadata.name", "ovn cluster; rm -rf /", f"'ovn cluster; rm -rf /' is not {NAME}"),
        Wrong("metadata.name", "réseau", f"'réseau' is not {NAME}"),
        Wrong("metadata.name", "x" * 254, f"'{'x' * 118}… is not {NAME}"),
        Wrong("metadata.name", "a\nb", f"'a\\nb' is not {NAME}"),
    ),
    "ProviderNetwork": (
        Wrong("spec.defaultInterface", Absent, "is required"),
        Wrong(
            "spec.defaultInterface",
            "a-very-long-interface",
            "'a-very-long-interface': String should have at most 15 characters",
        ),
        Wrong("spec.defaultInterface", "eth/1", f"'eth/1' is not {INTERFACE}"),
        Wrong("spec.customInterfaces.0.interface", "eth 1", f"'eth 1' is not {INTERFACE}"),
        Wrong("spec.nodeSelector.matchLabels", "all", "'all': Input should be a valid dictionary"),
        Wrong("spec.excludeNodes", {"node4": True}, "Input should be a valid list"),
    ),
    "Vlan": (
        Wrong("spec.id", 4096, "4096: Input should be less than or equal to 4095"),
        Wrong("spec.id", -1, "-1: Input should be greater than or equal to 0"),
        Wrong("spec.id", "204", "'204': Input should be a valid integer"),
        Wrong("spec.id", 204.5, "204.5: Input should be a valid integer"),
        Wrong("spec.id", 10**30, "1000000000000000000000000000000: Input should be less than or equal to 4095"),
        Wrong("spec.provider", Absent, "is required"),
        Wrong("spec.tag", 204, "no such field"),
        Wrong("spec", Absent, "is required"),
    ),
    "Subnet": (
        Wrong("spec.cidrBlock", "10.66.0.1/16", "10.66.0.1/16 has host bits set"),
        Wrong("spec.cidrBlock", "10.66.0.0", "'10.66.0.0' has no prefix length, as 10.66.0.0/24 has"),
        Wrong("spec.cidrBlock", "", "is empty; allowed: one CIDR, or one of each family"),
        Wrong("spec.cidrBlock", "10.66.0.0/16,10.67.0.0/16", "at most one of each address family is allowed"),
        Wrong("spec.cidrBlock", EASTERN, f"{EASTERN!r} does not appear to be an IPv4 or IPv6 network"),
        Wrong("spec.gateway", "10.67.0.1", "10.67.0.1 is not inside spec.cidrBlock 10.66.0.0/16"),
        Wrong("spec.gateway", "fe80::1%eth0", "'fe80::1%eth0' has a zone, which means something on one host only"),
        Wrong("spec.protocol", "IPv4", "'IPv4' does not fit spec.cidrBlock 10.66.0.0/16,fd00:66::/64 (Dual)"),
        Wrong("spec.protocol", "ipv4", "'ipv4': Input should be '', 'IPv4', 'IPv6', 'Dual' or 'Mac'"),
        Wrong(
            "spec.excludeIps.0", "10.66.0.9..10.66.0.1", "'10.66.0.9..10.66.0.1' ends before it begins", server=False
        ),
        Wrong(
            "spec.excludeIps.0",
            "10.67.0.1",
            "'10.67.0.1' is not inside spec.cidrBlock 10.66.0.0/16,fd00:66::/64",
            field="spec.excludeIps",
            server=False,
        ),
        Wrong("spec.excludeIps.0", "all", f"'all' is not {RANGE}"),
        Wrong("spec.mtu", 70000, "70000: Input should be less than or equal to 65535"),
        Wrong("spec.mtu", 576, "576 is too small; allowed: 0 (computed) or 1280 and more"),
        Wrong("spec.mtu", "1400", "'1400': Input should be a valid integer"),
        Wrong("spec.acls.0.priority", 40000, "40000: Input should be less than or equal to 32767"),
        Wrong("spec.acls.0.match", Absent, "is required"),
        Wrong("spec.acls.0.match", "ip4 && dst == 10.0.0.2", "'dst' at 8 is no field that OVN knows", server=False),
        Wrong("spec.acls.0.direction", "up", "'up': Input should be 'from-lport' or 'to-lport'"),
        Wrong("spec.allowSubnets.0", "blue", "'blue' is not an address or a CIDR, nor several separated by commas"),
        Wrong(
            "spec.natOutgoingPolicyRules.0.match.srcIPs",
            "10.66.0.0/99",
            "'10.66.0.0/99' does not appear to be an IPv4 or IPv6 network",
            server=False,
        ),
        Wrong("spec.vpc", "Ovn_Cluster", f"'Ovn_Cluster' is not {REFERENCE}"),
        Wrong("spec.gatewayType", "everywhere", "'everywhere': Input should be '', 'distributed' or 'centralized'"),
        Wrong(
            "spec.gatewayNode",
            "h1,:172.18.0.2",
            "':172.18.0.2' is no host, as node1 or node1:172.18.0.2 is",
            server=False,
        ),
        Wrong("spec.gatewayNode", "h1:gw", "'gw' does not appear to be an IPv4 or IPv6 address", server=False),
        Wrong(
            "spec.natOutgoingPolicyRules.0.match",
            {"srcIPs": "10.66.0.0/30", "dstIPs": "2001:db8::/32"},
            "'2001:db8::/32' has no address of the family of srcIPs '10.66.0.0/30'",
            field="spec.natOutgoingPolicyRules.0.match.dstIPs",
            server=False,
        ),
        Wrong(
            "spec",
            _EGRESS | {"natOutgoing": True},
            "True cannot be with externalEgressGateway, whose traffic keeps its source",
            field="spec.natOutgoing",
        ),
        Wrong(
            "spec",
            _EGRESS | {"policyRoutingTableID": 254},
            "254 is no routing table for externalEgressGateway; allowed: 1 to 252 and from 256 on",
            field="spec.policyRoutingTableID",
        ),
        Wrong(
            "spec",
            _EGRESS | {"policyRoutingPriority": 40000},
            "40000 is no priority for externalEgressGateway; allowed: 1 to 32765, before that of the main table",
            field="spec.policyRoutingPriority",
        ),
        Wrong("spec.gatway", "10.66.0.1", "no such field"),
        Wrong("spec.policyRoutingPriority", -1, "-1: Input should be greater than or equal to 0"),
    ),
    "IP": (
        Wrong("spec", {"subnet": "subnet1"}, NOTHING_RESERVED, field="spec.ipAddress"),
        Wrong(
            "spec",
            {"v4IpAddress": "10.66.0.11", "macAddress": "0a:58:0a:42:00:0b"},
            "'10.66.0.11' is not the IPv4 address of spec.ipAddress (empty)",
            field="spec.v4IpAddress",
        ),
        Wrong("spec.ipAddress", "10.66.0.300", "'10.66.0.300' does not appear to be an IPv4 or IPv6 address"),
        Wrong(
            "spec.v4IpAddress",
            "10.66.0.12",
            "'10.66.0.12' is not the IPv4 address of spec.ipAddress 10.66.0.11,fd00:66::11",
        ),
        Wrong("spec.v6IpAddress", "10.66.0.11", "'10.66.0.11' is not an IPv6 address"),
        Wrong("spec.macAddress", "01:00:5e:00:00:01", f"'01:00:5e:00:00:01' is not {MAC}"),
        Wrong("spec.macAddress", "0a-58-0a-42-00-0b", f"'0a-58-0a-42-00-0b' is not {MAC}"),
        Wrong(
            "spec.attachIps",
            ["blue"],
            "'blue' is not an address or a CIDR, nor several separated by commas",
            field="spec.attachIps.0",
        ),
        Wrong("spec.podName", "$(reboot)", f"'$(reboot)' is not {REFERENCE}"),
        Wrong("spec", Absent, "is required"),
    ),
    "IPPool": (
        Wrong("spec.ips", Absent, "is required"),
        Wrong(
            "spec.ips.2", "10.16.0.230..10.16.0.220", "'10.16.0.230..10.16.0.220' ends before it begins", server=False
        ),
        Wrong("spec.ips.0", "10.16.0.201-10.16.0.210", f"'10.16.0.201-10.16.0.210' is not {RANGE}"),
        Wrong("spec.subnet", "", f"'' is not {NAME}"),
        Wrong("spec.enableAddressSet", "yes", "'yes': Input should be a valid boolean"),
    ),
    "Vip": (
        Wrong("spec.v4ip", "fd00::1", "'fd00::1' is not an IPv4 address"),
        Wrong("spec.v6ip", "10.16.0.121", "'10.16.0.121' is not an IPv6 address"),
        Wrong("spec.selector.0", "web", "'web' is not a label and its value like 'kubernetes.io/os: linux'"),
        Wrong("spec.type", "switch lb vip", "'switch lb vip' is not a word: letters, digits, '-' and '_', at most 63"),
    ),
    "QoSPolicy": (
        Wrong("spec.bindingType", "POD", "'POD': Input should be '', 'EIP' or 'NATGW'"),
        Wrong("spec.bandwidthLimitRules.0.rateMax", 5, "5: Input should be a valid string"),
        Wrong("spec.bandwidthLimitRules.0.rateMax", "5M", "'5M' is not a number in quotes"),
        Wrong("spec.bandwidthLimitRules.0.name", Absent, "is required"),
        Wrong(
            "spec.bandwidthLimitRules.0.matchValue", Absent, "is required with matchType ip, like 'src 172.18.11.22/32'"
        ),
        Wrong(
            "spec.bandwidthLimitRules.0.matchValue",
            "everything",
            "'everything' is not traffic like 'src 172.18.11.22/32'",
        ),
        Wrong("spec.bandwidthLimitRules.0.direction", "both", "'both': Input should be '', 'ingress' or 'egress'"),
    ),
    "SecurityGroup": (
        Wrong(
            "spec.ingressRules.0.portRangeMin",
            8080,
            "443 is less than portRangeMin",
            field="spec.ingressRules.0.portRangeMax",
        ),
        Wrong("spec.ingressRules.0.portRangeMax", 65536, "65536: Input should be less than or equal to 65535"),
        Wrong("spec.ingressRules.0.priority", 0, "0: Input should be greater than or equal to 1"),
        Wrong("spec.ingressRules.0.protocol", "sctp4", "'sctp4': Input should be '', 'all', 'icmp', 'tcp' or 'udp'"),
        Wrong("spec.egressRules.0.remoteSecurityGroup", Absent, "is required with remoteType securityGroup"),
        Wrong("spec.tier", 4, "4: Input should be less than or equal to 3"),
        Wrong("spec.ingressRules", [{}] * 513, "has 513 items; allowed: at most 512"),
    ),
    "DNSNameResolver": (
        Wrong(
            "spec.name",
            "www.example.com",
            "'www.example.com' is not a domain name with its final dot like 'www.example.com.'",
        ),
        Wrong(
            "spec.name",
            "*.*.example.com.",
            "'*.*.example.com.' is not a domain name with its final dot like 'www.example.com.'",
        ),
        Wrong("spec.name", "a." * 200, f"'{'a.' * 59}…: String should have at most 254 characters"),
    ),
    "VpcDns": (
        Wrong("spec.replicas", -1, "-1: Input should be greater than or equal to 0"),
        Wrong("spec.replicas", 2**31, "2147483648: Input should be less than or equal to 2147483647"),
        Wrong("spec.corefile", ["a"], "Input should be a valid string"),
    ),
    "BgpConf": (
        Wrong("spec.localASN", 0, "0: Input should be greater than or equal to 1"),
        Wrong("spec.peerASN", 4294967296, "4294967296: Input should be less than or equal to 4294967295"),
        Wrong("spec.neighbours.0", "192.0.2.1,192.0.2.2", "'192.0.2.1,192.0.2.2' is more than one address"),
        Wrong("spec.routerId", "2001:db8::1", "'2001:db8::1' is not an IPv4 address"),
        Wrong("spec.holdTime", "90", "'90' is not a duration like 90s, 1m30s or 500ms"),
        Wrong("spec.password", "p" * 81, "String should have at most 80 characters"),
    ),
    "EvpnConf": (
        Wrong("spec.vni", 16777216, "16777216: Input should be less than or equal to 16777215"),
        Wrong("spec.routeTargets.0", "target:65000", "'target:65000' is not a route target like 65000:100"),
    ),
    "VpcNatGateway": (
        Wrong("spec.replicas", 0, "0: Input should be greater than or equal to 1"),
        Wrong("spec.bfd.multiplier", 256, "256: Input should be less than or equal to 255"),
        Wrong("spec.lanIp", "gw", "'gw' does not appear to be an IPv4 or IPv6 address"),
        Wrong("spec.selector.0", {"kubernetes.io/os": "linux"}, "Input should be a valid string"),
        Wrong("spec.bgpSpeaker.asn", "65500", "'65500': Input should be a valid integer"),
        Wrong(
            "spec.tolerations.0.effect",
            "Never",
            "'Never': Input should be '', 'NoSchedule', 'PreferNoSchedule' or 'NoExecute'",
        ),
        Wrong("spec.routes.0.cidr", "gateway", "'gateway' does not appear to be an IPv4 or IPv6 network"),
    ),
    "VpcEgressGateway": (
        Wrong("spec.replicas", 11, "11: Input should be less than or equal to 10"),
        Wrong("spec.replicas", 3, "has fewer addresses than replicas", field="spec.externalIPs"),
        Wrong("spec.externalIPPool", "pool-1", "'pool-1' cannot be given together with externalIPs"),
        Wrong("spec.externalSubnet", Absent, "is required"),
        Wrong("spec.bandwidth.egress", -1, "-1 is not a bandwidth; allowed: 0 to 9223372036854, or a text like 100M"),
        Wrong("spec.bandwidth.egress", "100 Mbit", "'100 Mbit' is not a bandwidth like 100, 100M, 1.5G or 10Mi"),
        Wrong("spec.bandwidth.egress", 1.5, "1.5: Input should be a valid integer or string"),
        Wrong("spec.prefix", "Gw_", "'Gw_' is not the beginning of a name: lower-case letters, digits, '-' and '.'"),
        Wrong("spec.selectors.0.podSelector", {}, "matchLabels or matchExpressions is required"),
        Wrong("spec.trafficPolicy", "local", "'local': Input should be 'Local' or 'Cluster'"),
        Wrong("spec.observability.conntrack.log.events", ["start", "end", "start"], "has 3 items; allowed: at most 2"),
        Wrong(
            "spec.observability.conntrack.log.rateLimit.recordsPerSecond",
            0,
            "0: Input should be greater than or equal to 1",
        ),
        Wrong("metadata.namespace", "kube.system", f"'kube.system' is not {NAMESPACE}"),
    ),
    "IptablesEIP": (
        Wrong("spec.v4ip", "192.168.0.0/24", "'192.168.0.0/24' does not appear to be an IPv4 or IPv6 address"),
        Wrong("spec.natGwDp", "gw 1", f"'gw 1' is not {REFERENCE}"),
    ),
    "IptablesFIPRule": (Wrong("spec.internalIp", "10.0.1", "'10.0.1' does not appear to be an IPv4 or IPv6 address"),),
    "IptablesDnatRule": (
        Wrong("spec.externalPort", "65536", "'65536' is not a port in quotes, 1 to 65535"),
        Wrong("spec.externalPort", 8888, "8888: Input should be a valid string"),
        Wrong("spec.protocol", "icmp", "'icmp': Input should be '', 'tcp', 'udp', 'sctp', 'TCP', 'UDP' or 'SCTP'"),
        Wrong("spec.type", "shared", "'shared': Input should be 'exclusive' or 'share'"),
    ),
    "IptablesSnatRule": (Wrong("spec.internalCIDR", "10.0.1.5/24", "10.0.1.5/24 has host bits set"),),
    "OvnEip": (
        Wrong("spec.type", "fip", "'fip': Input should be '', 'lrp', 'lsp' or 'nat'"),
        Wrong("spec.macAddress", "00:00:00:4d:ce", f"'00:00:00:4d:ce' is not {MAC}"),
    ),
    "OvnFip": (
        Wrong("spec.type", "local", "'local': Input should be '', 'centralized' or 'distributed'"),
        Wrong("spec.ipName", "web/ns1", f"'web/ns1' is not {REFERENCE}"),
    ),
    "OvnDnatRule": (
        Wrong("spec.internalPort", "0", "'0' is not a port in quotes, 1 to 65535"),
        Wrong("spec.ipType", "pod", "'pod': Input should be '', 'ip' or 'vip'"),
    ),
    "OvnSnatRule": (
        Wrong(
            "spec.v4IpCidr", "192.168.0.0/24,192.168.1.0/24", "'192.168.0.0/24,192.168.1.0/24' is more than one CIDR"
        ),
    ),
    "SwitchLBRule": (
        Wrong("spec.vip", "nginx", "'nginx' does not appear to be an IPv4 or IPv6 address"),
        Wrong("spec.ports.0.port", 0, "0: Input should be greater than or equal to 1"),
        Wrong("spec.ports.0.protocol", "tcp", "'tcp': Input should be '', 'TCP', 'UDP' or 'SCTP'"),
        Wrong("spec.sessionAffinity", "Cookie", "'Cookie': Input should be '', 'None' or 'ClientIP'"),
    ),
    "RouterLBRule": (
        Wrong(
            "spec.endpoints.0", "192.168.0.101:80", "'192.168.0.101:80' does not appear to be an IPv4 or IPv6 address"
        ),
        Wrong("spec.ports", "http", "'http': Input should be a valid list"),
    ),
}
