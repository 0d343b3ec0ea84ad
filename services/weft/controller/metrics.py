"""What operators ask a controller."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

LEADER = Gauge("weft_controller_leader", "1 on the controller that leads")
PAUSED = Gauge("weft_controller_paused", "1 while all commits are paused by weftctl pause")
OBJECTS = Gauge("weft_controller_objects", "Objects in effect", ["kind"])
REJECTED = Gauge("weft_controller_rejected_objects", "Stored objects that are invalid or break a rule")
UNALLOCATED = Gauge("weft_controller_unallocated", "Pods and hosts that wait for an address")
HELD = Gauge("weft_controller_held_deletions", "Owners whose deletion waits for weftctl approve", ["kind"])
TRANSACTIONS = Counter("weft_controller_transactions", "Committed transactions", ["database"])
ROWS = Counter("weft_controller_rows", "Rows written", ["database", "op"])
DRIFT = Counter("weft_controller_drift_repaired", "Rows that somebody else had changed, put right")
FAILURES = Counter("weft_controller_failures", "Rounds that failed and were tried again", ["reason"])
_SECONDS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30)
ROUND = Histogram("weft_controller_round_seconds", "Duration of one round of work", buckets=_SECONDS)
