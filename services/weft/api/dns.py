"""Names: what domain names resolve to, for policies; a DNS server in a VPC (Kube-OVN 1.15 manual, section 5.5)."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from weft.api.base import EVERYTHING, STORED, Resource, Strict, kubeovn
from weft.api.common import Status
from weft.api.fields import DOMAIN_PATTERN, Count, Items, Name
from weft.api.rule import FIXED


class DNSNameResolverSpec(Strict):
    """Fields as Kube-OVN has them."""

    name: Annotated[str, FIXED] = Field(
        description="Domain name with its final dot; `*.` stands for one label.", max_length=254, pattern=DOMAIN_PATTERN
    )


class ResolvedAddress(Strict):
    """An address of a name."""

    ip: str = Field("", description="The address.")
    ttl_seconds: int = Field(0, description="For how long it is one, in seconds.", ge=0, le=2**31 - 1)
    last_lookup_time: str = Field("", description="Since when.")


class ResolvedName(Strict):
    """What a name resolved to."""

    dns_name: str = Field("", description="The name.")
    resolved_addresses: Items[ResolvedAddress] = Field((), description="Its addresses.")
    resolution_failures: int = Field(0, description="Failures in a row.", ge=0, le=2**31 - 1)


class DNSNameResolverStatus(Status):
    """What the DNS server found."""

    resolved_names: Items[ResolvedName] = Field((), description="What the name, or those under it, resolved to.")


class DNSNameResolver(Resource):
    """A domain name that policies speak of, and what it resolves to."""

    INFO: ClassVar = kubeovn("DNSNameResolver", "dnsnameresolvers", "dnr")
    STATUS: ClassVar = DNSNameResolverStatus
    PENDING: ClassVar = EVERYTHING
    spec: DNSNameResolverSpec


class VpcDnsSpec(Strict):
    """Fields as Kube-OVN has them."""

    vpc: Name = Field("", description="VPC that is served.")
    subnet: Name = Field("", description="Subnet of the server.")
    replicas: Count = Field(0, description="How many servers run.")
    corefile: Name = Field(
        "vpc-dns-corefile", description="ConfigMap with CoreDNS's configuration.", json_schema_extra=STORED
    )


class VpcDnsStatus(Status):
    """What the controller says of a DNS server."""

    active: bool = Field(False, description="Whether this is the one that serves its VPC.")


class VpcDns(Resource):
    """A DNS server in a VPC."""

    INFO: ClassVar = kubeovn(
        "VpcDns",
        "vpc-dnses",
        "vpc-dns",
        columns=(
            ("Active", "status.active"),
            ("Vpc", "spec.vpc"),
            ("Subnet", "spec.subnet"),
            ("Corefile", "spec.corefile"),
        ),
    )
    STATUS: ClassVar = VpcDnsStatus
    PENDING: ClassVar = EVERYTHING
    spec: VpcDnsSpec = Field(default_factory=VpcDnsSpec)
