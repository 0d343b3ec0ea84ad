"""What operators ask the webhook. docs/metrics.md has all of them; a test holds it."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from weft.topology.view import View

REVIEWS = Counter("weft_webhook_reviews", "Objects that were judged", ["kind", "operation", "verdict"])
SECONDS = Histogram(
    "weft_webhook_review_seconds",
    "From when a review was asked for to its answer; a refusal waits for what may still be on its way",
    ["verdict"],
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2),
)
OBJECTS = Gauge("weft_webhook_objects", "Objects that the rules look at", ["kind"])
CERTIFICATES = Counter("weft_webhook_certificates", "Certificates taken up, the first one included")


def watch_objects(view: View) -> None:
    """How many there are, when somebody asks."""
    for kind, group in view.groups.items():
        OBJECTS.labels(kind).set_function(group.__len__)
