"""The agent's Prometheus metrics."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

cni_requests = Counter("weft_agent_cni_requests_total", "CNI requests by command and result code (0: success).",
                       ["command", "code"])  # fmt: skip
cni_failures = Counter("weft_agent_cni_failures_total", "CNI requests that failed, by what was missing or wrong.",
                       ["command", "reason"])  # fmt: skip
cni_latency = Histogram("cni_op_latency_seconds", "Duration of CNI requests; the name and labels are Kube-OVN's.",
                        ["node_name", "method", "status_code"], buckets=_BUCKETS)  # fmt: skip
add_phase_seconds = Histogram("weft_agent_add_phase_seconds", "Duration of the phases of a CNI ADD.", ["phase"],
                              buckets=_BUCKETS)  # fmt: skip
wait_address = Counter("cni_wait_address_seconds_total", "Time that ADDs waited for the controller to give an address.",
                       ["node_name"])  # fmt: skip
wait_connectivity = Counter("cni_wait_connectivity_seconds_total", "Time that ADDs waited for OVN to bind the port.",
                            ["node_name"])  # fmt: skip
ovsdb_transactions = Counter("weft_agent_ovs_transactions_total", "Transactions sent to the local Open vSwitch.")
duty_failures = Counter("weft_agent_duty_failures_total", "Runs of a duty that failed and were tried again.", ["duty"])
connected = Gauge("weft_agent_connected", "Whether a whole replica of the database is there.", ["database"])
ports = Gauge("weft_agent_ports", "Ports of this host in the Weft database.")
attachments = Gauge("weft_agent_attachments", "Interfaces that the agent has wired.")
problems = Gauge("weft_agent_problems", "Problems on this host.")
ready = Gauge("weft_agent_ready", "1 while this host can take workloads, as in Host_Status.")
certificate_expiry = Gauge("weft_agent_certificate_expiry_timestamp_seconds",
                           "Until when the certificate of this host is valid; 0 when there is none.")  # fmt: skip
gateway_writes = Counter("weft_agent_gateway_writes_total",
                         "What was written into the packet filter and the policy routing, as a change of rows or as a "
                         "repair of what others did.", ["part", "reason"])  # fmt: skip
egress_gateway_up = Gauge("weft_agent_egress_gateway_up", "0 while an egress gateway of a subnet does not answer.",
                          ["subnet", "gateway"])  # fmt: skip
gateway_apply_seconds = Histogram("weft_agent_gateway_apply_seconds",
                                  "Duration of transactions of the packet filter.", buckets=_BUCKETS)  # fmt: skip
