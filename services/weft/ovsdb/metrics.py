"""Transactions of OVSDB, under Kube-OVN's name and labels: a process of either kind, controller or agent, has these."""

from __future__ import annotations

from prometheus_client import Histogram

LATENCY = Histogram(
    "ovs_client_request_latency_milliseconds",
    "Transactions, from sent to answered; code 0 is success",
    ["db", "method", "code"],
    buckets=(1, 2, 5, 10, 20, 50, 100, 250, 500, 1000, 5000),
)
NAMES = {"OVN_Northbound": "ovn-nb", "OVN_Southbound": "ovn-sb", "Weft": "weft"}
