"""What can go wrong between us and a database."""

from __future__ import annotations


class NotConnectedError(Exception):
    """There is no whole replica of the database at the moment. Retry."""

    def __init__(self, database: str, remote: str, reason: str) -> None:
        super().__init__(f"database {database} at {remote}: {reason}")
        self.database = database


class CommitError(Exception):
    """A transaction did not answer with success.

    It does not mean "not committed": a RAFT leader that steps down after it replicated a transaction answers with an
    error, and the rows are on all members. Whoever catches this reads again and compares again; nobody repeats blindly.
    `status` is python-ovs' word ("error", "try again", "not locked", "aborted") or "timeout".
    """

    def __init__(self, database: str, status: str, detail: str) -> None:
        super().__init__(f"database {database}: transaction failed ({status}): {detail}")
        self.database = database
        self.status = status
        self.detail = detail


class FencedError(Exception):
    """Another controller raised the fabric's epoch: this one is no longer allowed to write."""
