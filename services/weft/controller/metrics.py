"""What operators ask a controller. The names without `weft_` are Kube-OVN's, with its labels: dashboards carry over.

docs/metrics.md has all of them; a test holds it.
"""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import Counter, Gauge, Histogram

from weft.net.pool import Pool
from weft.ovsdb.database import Database

_SUBNET = ["subnet_name", "protocol", "subnet_cidr"]
SUBNET_AVAILABLE = Gauge("subnet_available_ip_count", "Addresses of a subnet that may still be handed out", _SUBNET)
SUBNET_USED = Gauge("subnet_used_ip_count", "Addresses of a subnet that are in use", _SUBNET)

LEADER = Gauge("weft_controller_leader", "1 on the controller that leads")
PAUSED = Gauge("weft_controller_paused", "1 while all commits are paused by weftctl pause")
OBJECTS = Gauge("weft_controller_objects", "Objects in effect", ["kind"])
REJECTED = Gauge("weft_controller_rejected_objects", "Stored objects that are invalid or break a rule")
REFUSED = Gauge("weft_controller_refused_objects", "Objects whose rows a database refused, to be tried again")
UNALLOCATED = Gauge("weft_controller_unallocated", "Pods and hosts that wait for an address")
HELD = Gauge("weft_controller_held_deletions", "Owners whose deletion waits for weftctl approve", ["kind"])
QUEUE = Gauge("weft_controller_queue_depth", "Owners that wait to be compiled, or are being committed")
LATENCY = Histogram(
    "weft_controller_commit_latency_seconds",
    "From when a change of an object was seen to when its rows were committed",
    ["kind"],
    buckets=(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60),
)
CONNECTED = Gauge("weft_controller_connected", "1 while there is a whole replica of the database", ["database"])
LAG = Gauge("weft_controller_replica_lag_seconds", "Since the replica last heard from its server", ["database"])
TRANSACTIONS = Counter("weft_controller_transactions", "Committed transactions", ["database"])
ROWS = Counter("weft_controller_rows", "Rows written", ["database", "op"])
TRANSACTION_ROWS = Histogram(
    "weft_controller_rows_per_transaction",
    "Rows that one transaction writes",
    ["database"],
    buckets=(1, 5, 20, 100, 500, 1000, 2000),
)
DRIFT = Counter("weft_controller_drift_repaired", "Owners whose rows somebody else had changed, put right")
FAILURES = Counter("weft_controller_failures", "Rounds that failed and were tried again", ["reason"])
_SECONDS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30)
ROUND = Histogram("weft_controller_round_seconds", "Duration of one round of work", buckets=_SECONDS)

_of_subnet: dict[str, set[tuple[str, str, str]]] = {}
"""The labels under which a subnet is reported now."""


def report_subnet(name: str, pools: Iterable[Pool]) -> None:
    """The counts of one subnet, by family; none when it is gone."""
    by_labels = {(name, f"IPv{pool.family}", str(pool.network)): pool for pool in pools}
    for labels in _of_subnet.pop(name, set()) - by_labels.keys():
        SUBNET_AVAILABLE.remove(*labels)
        SUBNET_USED.remove(*labels)
    for labels, pool in by_labels.items():
        SUBNET_AVAILABLE.labels(*labels).set(pool.available)
        SUBNET_USED.labels(*labels).set(pool.used)
    if by_labels:
        _of_subnet[name] = set(by_labels)


def watch_replica(database: Database) -> None:
    """Its connection and lag, as they are when somebody asks."""
    CONNECTED.labels(database.schema_name).set_function(lambda: float(database.connected))
    LAG.labels(database.schema_name).set_function(lambda: database.silent_for)


def forget_term() -> None:
    """Who does not lead says nothing of the fabric's content: the leader does."""
    for gauge in (SUBNET_AVAILABLE, SUBNET_USED, OBJECTS, HELD):
        gauge.clear()
    for gauge in (LEADER, PAUSED, REJECTED, REFUSED, UNALLOCATED):
        gauge.set(0)
    QUEUE.set_function(lambda: 0)
    _of_subnet.clear()
