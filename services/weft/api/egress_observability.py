"""What an egress gateway tells of its traffic: connection tracking, logs, metrics."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from weft.api.base import Opaque, Strict
from weft.api.common import Labels, Resources
from weft.api.fields import Destination, Items

Ports = Items[Opaque]
"""Ranges of ports. What they look like is settled with their effect; until then any object is taken."""


class Endpoints(Strict):
    """The two ends of a connection."""

    source_cidrs: Items[Destination] = Field((), alias="sourceCIDRs", description="Source addresses.", max_length=64)
    destination_cidrs: Items[Destination] = Field(
        (), alias="destinationCIDRs", description="Destination addresses.", max_length=64
    )
    source_ports: Ports = Field((), description="Ranges of source ports.", max_length=64)
    destination_ports: Ports = Field((), description="Ranges of destination ports.", max_length=64)


class ConnectionFilter(Strict):
    """Connections: all that is given must hold."""

    address_families: Items[Literal["ipv4", "ipv6"]] = Field((), description="Address families.", max_length=2)
    protocols: Items[Literal["tcp", "udp", "sctp", "icmp", "icmpv6", "other"]] = Field(
        (), description="Protocols.", max_length=6
    )
    nat_types: Items[Literal["snat", "dnat", "snat_dnat"]] = Field(
        (), description="Which ends were translated.", max_length=3
    )
    original: Endpoints | None = Field(None, description="Ends before translation.")
    translated: Endpoints | None = Field(None, description="Ends after translation.")


class ConnectionFilters(Strict):
    """Which connections are logged."""

    include: Items[ConnectionFilter] = Field((), description="These; all of them when empty.", max_length=64)
    exclude: Items[ConnectionFilter] = Field((), description="And not these.", max_length=64)


class RateLimit(Strict):
    """The most that is logged."""

    records_per_second: int | None = Field(
        None, description="Records a second.", ge=1, le=100000, json_schema_extra={"format": "int32"}
    )
    burst: int | None = Field(
        None, description="Records at once.", ge=1, le=1000000, json_schema_extra={"format": "int32"}
    )


class ConnectionLog(Strict):
    """The log of connections."""

    enabled: bool = Field(False, description="Whether there is one.")
    events: Items[Literal["start", "end"]] = Field((), description="What of a connection is logged.", max_length=2)
    filters: ConnectionFilters | None = Field(None, description="Which connections.")
    rate_limit: RateLimit | None = Field(None, description="The most that is logged.")


class Switch(Strict):
    """Something that can be turned on."""

    enabled: bool = Field(False, description="Whether it is on.")


class Conntrack(Strict):
    """What connection tracking tells."""

    log: ConnectionLog | None = Field(None, description="The log of connections.")
    metrics: Switch | None = Field(None, description="Metrics of connections.")


class ServiceMonitor(Strict):
    """The object by which a Prometheus operator finds the metrics."""

    annotations: dict[str, str] = Field(default_factory=dict, description="Its annotations.")
    labels: Labels = Field(default_factory=dict, description="Its labels.")


class Observability(Strict):
    """What an egress gateway tells of its traffic."""

    conntrack: Conntrack | None = Field(None, description="What connection tracking tells.")
    interface_metrics: Switch | None = Field(None, description="Metrics of interfaces.")
    resources: Resources | None = Field(None, description="What the observer needs and may use.")
    service_monitor: ServiceMonitor | None = Field(None, description="How Prometheus finds the metrics.")
