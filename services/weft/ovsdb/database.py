"""One database, one thread, one replica.

python-ovs keeps a replica of the database in plain Python objects and is not thread safe. So a thread of its own
owns the replica: asyncio code never touches it, never waits for a lock, and sees only

- immutable changes (`RowChange`), handed to the event loop in batches, and
- results of functions that it asked the thread to run (`call`, `transact`, `commit`).

Transactions are either built with python-ovs rows (`transact`: handy for a few rows) or given as ready operations
of RFC 7047 section 5.2 (`commit`: what plans are made of, an order of magnitude cheaper a row).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import ovs.db.idl
import ovs.poller
import ovs.stream
import ovs.timeval

from weft import log
from weft.ovsdb import json_stream, metrics
from weft.ovsdb.errors import CommitError, NotConnectedError
from weft.ovsdb.replica import BACKOFF_MS, Observer, Replica, RowChange, row_to_dict
from weft.ovsdb.schema import ask_schema

__all__ = ["Database", "Observer", "Operation", "RowChange", "Tls", "row_to_dict"]
_log = log.get_logger(__name__)
json_stream.install()

T = TypeVar("T")
Operation = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Tls:
    """Paths of PEM files."""

    ca_cert: str
    certificate: str
    private_key: str


class Database:
    """A connection to one OVSDB database (see the module's text).

    `tables` names the tables to replicate and their columns (None: all). Tables and columns that a server lacks are
    left out. `watch` names those whose changes are handed to `on_change` on the event loop; all when not given.
    `conditions` narrows the replica of a table on the server (the protocol's extension `monitor_cond`), for example
    `{"Port": [["host", "==", "lab1"]]}`. With `lock`, the OVSDB lock of that name is asked for, and no transaction is
    sent without it. `failed` ends with the error that ended the thread, should there ever be one.
    """

    def __init__(  # noqa: PLR0913 - all but three are options with a default
        self,
        schema_name: str,
        remote: str,
        tables: Mapping[str, Sequence[str] | None],
        *,
        tls: Tls | None = None,
        leader_only: bool = False,
        conditions: Mapping[str, list[Any]] | None = None,
        watch: Sequence[str] | None = None,
        lock: str | None = None,
        on_change: Callable[[list[RowChange]], None] | None = None,
        on_connection: Callable[[bool], None] | None = None,
        on_lock: Callable[[bool], None] | None = None,
        observer: Observer | None = None,
        on_news: Callable[[Any], None] | None = None,
    ) -> None:
        self.schema_name = schema_name
        self.remote = remote
        self._tables = dict(tables)
        self._tls = tls
        self._leader_only = leader_only
        self._conditions = dict(conditions or {})
        self._watch = frozenset(tables if watch is None else watch) if on_change else frozenset()
        self._lock = lock
        self._on_change = on_change
        self._on_connection = on_connection
        self._on_lock = on_lock
        self._observer = observer
        self._on_news = on_news
        self._jobs: deque[Callable[[], None]] = deque()
        self._thread: threading.Thread | None = None
        self._wake_r = self._wake_w = -1
        self._stopping = False
        self.connected = False
        self.disconnected_at = time.monotonic()
        """Since when, while it is not connected."""
        self.has_lock = False
        self.error: BaseException | None = None
        """What ended the thread."""
        self.idl: Replica | None = None

    # -- the event loop's side ----------------------------------------------------------------------------------------

    async def start(self, timeout: float | None = None) -> None:
        """Connect and wait until the replica is whole. Raises NotConnectedError after `timeout` seconds."""
        self._loop = asyncio.get_running_loop()
        self._wake_r, self._wake_w = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self.failed: asyncio.Future[None] = self._loop.create_future()
        self._thread = threading.Thread(target=self._run, name=f"ovsdb-{self.schema_name}", daemon=True)
        self._thread.start()
        try:
            await asyncio.wait_for(asyncio.shield(self._ready), timeout)
        except TimeoutError:
            await self.close()
            raise NotConnectedError(self.schema_name, self.remote, f"no whole replica after {timeout:g} s") from None

    async def close(self) -> None:
        self._stopping = True
        self._wake()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)
        if self._wake_w >= 0:
            os.close(self._wake_r)
            os.close(self._wake_w)
            self._wake_r = self._wake_w = -1

    @property
    def lost_for(self) -> float:
        """Seconds without a whole replica; 0 while there is one."""
        return 0.0 if self.connected else time.monotonic() - self.disconnected_at

    def absence(self) -> Iterator[str]:
        """In words for an operator, that there is no whole replica."""
        if not self.connected:
            yield f"database {self.schema_name}: not connected to {self.remote} for {self.lost_for:.0f} s"

    @property
    def server(self) -> str:
        """Which of the remotes it is connected to, or tries; nothing before the first answer."""
        idl = self.idl
        return "" if idl is None else idl.server

    @property
    def silent_for(self) -> float:
        """Seconds since the server was last heard of; it is asked for a sign of life when it says nothing."""
        idl = self.idl
        return self.lost_for if idl is None else idl.silent_for()

    async def contend(self, wanted: bool) -> None:
        """Ask for the lock, or let go of it: who cannot do the work should not keep others from it."""

        def job() -> None:
            if self.idl is not None:
                self.idl.set_lock(self._lock if wanted else None)

        await self._submit(job)

    async def call(self, fn: Callable[[Any], T]) -> T:
        """Run `fn(replica)` on the database's thread: it may read rows, and must not keep them."""
        return await self._submit(lambda: fn(self._replica()))

    async def transact(self, fn: Callable[[Any, Any], T], timeout: float = 10.0) -> T:
        """Build a transaction with python-ovs rows by `fn(transaction, replica)` and commit it."""

        def job() -> T:
            idl = self._replica()
            transaction = ovs.db.idl.Transaction(idl)
            try:
                result = fn(transaction, idl)
            except BaseException:
                transaction.abort()
                raise
            self._commit(transaction, timeout)
            self._publish()  # who waits for the result may look for what it changed
            return result

        return await self._submit(job)

    async def commit(
        self, operations: Sequence[Operation], timeout: float = 30.0, then: Callable[[], None] | None = None
    ) -> None:
        """Commit ready operations as one transaction. Raises CommitError; see there for what it may mean.

        `then` runs on the database's thread after success, before anybody else hears of the changes.
        """

        def job() -> None:
            transaction = ovs.db.idl.Transaction(self._replica())
            for operation in operations:
                transaction.add_op(operation)
            self._commit(transaction, timeout)
            if then is not None:
                then()

        await self._submit(job)

    async def _submit(self, job: Callable[[], T]) -> T:
        if self._stopping:
            raise NotConnectedError(self.schema_name, self.remote, "the connection was closed")
        future: asyncio.Future[T] = self._loop.create_future()

        def settle(outcome: Callable[[], None]) -> None:
            if not future.done():
                outcome()

        def run() -> None:
            try:
                result = job()
            except BaseException as error:  # noqa: BLE001 - handed to the caller, whatever it is
                self._post(settle, lambda error=error: future.set_exception(error))
            else:
                self._post(settle, lambda: future.set_result(result))

        self._jobs.append(run)
        self._wake()
        return await future

    def _wake(self) -> None:
        if self._wake_w < 0:
            return  # nobody is there to be woken
        with contextlib.suppress(BlockingIOError):  # the pipe is full: the thread will wake anyway
            os.write(self._wake_w, b"x")

    # -- the thread's side --------------------------------------------------------------------------------------------

    def _replica(self) -> Replica:
        if self.idl is None or not self.idl.is_synced():
            raise NotConnectedError(self.schema_name, self.remote, "the database does not answer")
        return self.idl

    def _run(self) -> None:
        try:
            self._follow()
        except BaseException as error:  # noqa: BLE001 - nobody else would hear of it
            self.error = error
            self._note_connection(False)
            self._post(self._fail, error)
            while not self._stopping:
                self._refuse_jobs()
                self._block(None)
        self._refuse_jobs()

    def _note_connection(self, connected: bool) -> None:
        if self.connected and not connected:
            self.disconnected_at = time.monotonic()
        self.connected = connected

    def _fail(self, error: BaseException) -> None:
        for future in (self._ready, self.failed):
            if not future.done():
                future.set_exception(error)

    def _refuse_jobs(self) -> None:
        """Without a replica every job answers NotConnectedError."""
        self.idl = None
        while self._jobs:
            self._jobs.popleft()()

    def _follow(self) -> None:
        if self._tls is not None:
            ovs.stream.Stream.ssl_set_ca_cert_file(self._tls.ca_cert)
            ovs.stream.Stream.ssl_set_certificate_file(self._tls.certificate)
            ovs.stream.Stream.ssl_set_private_key_file(self._tls.private_key)
        helper = self._fetch_schema()
        if helper is not None:
            self.idl = self._open(helper)
            while not self._stopping:
                self.idl.run()
                self._follow_schema(self.idl)
                self._publish()
                while self._jobs:
                    self._jobs.popleft()()
                    self._publish()
                self._block(self.idl)
            self.idl.close()

    def _follow_schema(self, idl: Replica) -> None:
        """After a conversion of the database, go on with the columns that it has now.

        python-ovs would go on with those of before, and what the server says of itself is not up to date yet. So it is
        asked whenever the replica begins anew.
        """
        if not idl.begins_anew:
            return
        idl.begins_anew = False
        try:
            helper = ask_schema(idl.server, self.schema_name)
        except Exception as error:  # noqa: BLE001 - any failure: begin once more, with this server or another
            _log.debug("no schema", database=self.schema_name, remote=idl.server, reason=error)
            idl.force_reconnect()
            return
        version = helper.schema_json["version"]
        if version == idl.schema_version:
            return
        _log.info("schema changed", database=self.schema_name, before=idl.schema_version, now=version)
        self._publish()
        idl.close()
        self.idl = self._open(helper)
        self.idl.go_on_from(idl)

    def _fetch_schema(self) -> Any:
        """The server's own schema: newer or older OVN have other columns. Tried until it answers or we stop."""
        while not self._stopping:
            for remote in self.remote.split(","):
                try:
                    return ask_schema(remote.strip(), self.schema_name)
                except Exception as error:  # noqa: BLE001 - any failure of any remote: try the next one
                    _log.debug("no schema", database=self.schema_name, remote=remote, reason=error)
            self._refuse_jobs()
            self._block(None, BACKOFF_MS[1])
        return None

    def _open(self, helper: Any) -> Replica:
        served = helper.schema_json["tables"]
        for table, columns in self._tables.items():
            if table not in served:
                continue
            if columns is None:
                helper.register_table(table)
            else:
                helper.register_columns(table, [name for name in columns if name in served[table]["columns"]])
        idl = Replica(self.remote, helper, self._leader_only, self._watch, self._observer)
        for table, condition in self._conditions.items():
            if table in served:
                idl.cond_change(table, condition)
        if self._lock:
            idl.set_lock(self._lock)
        return idl

    def _publish(self) -> None:
        assert self.idl is not None
        connected = self.idl.is_synced()
        if changes := self.idl.take_changes():
            self._post(self._on_change, changes)
        if self._observer is not None and (news := self._observer.take_news()) is not None:
            self._post(self._on_news, news)
        if connected != self.connected:
            self._note_connection(connected)
            self._post(self._on_connection, connected)
        if self.idl.has_lock != self.has_lock:
            self.has_lock = self.idl.has_lock
            self._post(self._on_lock, self.has_lock)
        if connected and not self._ready.done():
            self._post(_resolve, self._ready)

    def _post(self, callback: Callable[[Any], Any] | None, argument: Any) -> None:
        if callback is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(callback, argument)

    def _block(self, idl: Replica | None, timeout_ms: int | None = None) -> None:
        poller = ovs.poller.Poller()
        if idl is not None:
            idl.wait(poller)
        poller.fd_wait(self._wake_r, ovs.poller.POLLIN)
        if timeout_ms is not None:
            poller.timer_wait(timeout_ms)
        poller.block()
        with contextlib.suppress(BlockingIOError):  # woken by the session, not by us
            os.read(self._wake_r, 65536)

    def _commit(self, transaction: Any, timeout: float) -> None:
        started, code = time.monotonic(), 1
        try:
            self._send(transaction, timeout)
            code = 0
        finally:
            place = metrics.NAMES.get(self.schema_name, self.schema_name)
            metrics.LATENCY.labels(place, "transact", code).observe((time.monotonic() - started) * 1000)

    def _send(self, transaction: Any, timeout: float) -> None:
        """Send and wait for the answer, while the replica goes on being filled."""
        idl = self._replica()
        deadline = ovs.timeval.msec() + int(timeout * 1000)
        done = ovs.db.idl.Transaction
        while (status := transaction.commit()) == done.INCOMPLETE:
            idl.run()
            if ovs.timeval.msec() >= deadline:
                transaction.abort()
                raise CommitError(self.schema_name, "timeout", f"no answer within {timeout:g} s")
            poller = ovs.poller.Poller()
            idl.wait(poller)
            transaction.wait(poller)
            poller.timer_wait_until(deadline)
            poller.block()
        if status not in (done.SUCCESS, done.UNCHANGED):
            raise CommitError(self.schema_name, done.status_to_string(status), transaction.get_error())


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
