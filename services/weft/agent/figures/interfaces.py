"""Interfaces of Open vSwitch, from its database.

vswitchd writes their counters there every 5 s (ovs-vswitchd.conf.db(5), other_config:stats-update-interval).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from weft.agent.figures.family import Figure, Sample

COLUMNS: Final = [
    "_uuid", "name", "external_ids", "admin_state", "link_state", "mac_in_use", "mtu", "ofport", "ifindex",
    "statistics",
]  # fmt: skip
_NAME = ("interfaceName",)
_POD = ("interfaceName", "pod_name", "pod_namespace")

INTERFACE = Figure("kube_ovn_interface", "Always 1: an interface of Open vSwitch", ("uuid", *_NAME))
MAC = Figure("kube_ovn_interface_mac_in_use", "Always 1: its MAC address", (*_NAME, "mac_address"))
_STATES: Final = {
    "admin_state": Figure("kube_ovn_interface_admin_state", "Whether it is set up: 0 down, 1 up, 2 not known", _NAME),
    "link_state": Figure("kube_ovn_interface_link_state", "Whether its link is up: 0 down, 1 up, 2 not known", _NAME),
}
_NUMBERS: Final = {
    "mtu": Figure("kube_ovn_interface_mtu", "Its MTU", _NAME),
    "ofport": Figure("kube_ovn_interface_of_port", "Its OpenFlow port; -1 where vswitchd could not make it", _NAME),
    "ifindex": Figure("kube_ovn_interface_if_index", "Its index in the kernel", _NAME),
}


def _counter(name: str, meaning: str) -> Figure:
    return Figure(f"kube_ovn_interface_{name}", meaning, _POD)


_COUNTERS: Final = {
    "rx_packets": _counter("rx_packets", "Packets that Open vSwitch received from it: what a pod sent"),
    "rx_bytes": _counter("rx_bytes", "Bytes received from it"),
    "rx_dropped": _counter("rx_dropped", "Packets received from it and dropped"),
    "rx_errors": _counter("rx_errors", "Packets received from it with an error"),
    "rx_crc_err": _counter("rx_crc_err", "Of these, with a wrong checksum of the frame"),
    "rx_frame_err": _counter("rx_frame_err", "Of these, not aligned"),
    "rx_missed_errors": _counter("rx_missed_err", "Of these, missed by the interface"),
    "rx_over_err": _counter("rx_over_err", "Of these, since its buffer ran over"),
    "rx_multicast_packets": _counter("rx_multicast_packets", "Multicast packets received from it"),
    "tx_packets": _counter("tx_packets", "Packets that Open vSwitch sent to it: what a pod received"),
    "tx_bytes": _counter("tx_bytes", "Bytes sent to it"),
    "tx_dropped": _counter("tx_dropped", "Packets for it that were dropped"),
    "tx_errors": _counter("tx_errors", "Packets for it that could not be sent"),
    "collisions": _counter("collisions", "Collisions on it"),
}
FIGURES: Final = (INTERFACE, *_STATES.values(), MAC, *_NUMBERS.values(), *_COUNTERS.values())


def interfaces(rows: Iterable[Mapping[str, Any]]) -> Iterator[Sample]:
    """From rows of Interface, as RFC 7047 writes them."""
    for row in rows:
        name = row["name"]
        yield Sample(INTERFACE, 1, (row["_uuid"][1], name))
        for column, figure in _STATES.items():
            yield Sample(figure, {"down": 0, "up": 1}.get(str(row[column]), 2), (name,))
        if isinstance(row["mac_in_use"], str):
            yield Sample(MAC, 1, (name, row["mac_in_use"]))
        for column, figure in _NUMBERS.items():
            if isinstance(row[column], int):  # an empty set is no number
                yield Sample(figure, row[column], (name,))
        ids = dict(row["external_ids"][1])
        labels = (name, ids.get("pod_name", ""), ids.get("pod_namespace", ""))
        for key, value in row["statistics"][1]:
            if key in _COUNTERS:
                yield Sample(_COUNTERS[key], value, labels)
