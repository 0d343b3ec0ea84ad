# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A zone and the interconnection as a target: read, judge, write.

Three databases cannot change in one step. So each gets one transaction for the whole list, in an order in which a run
that ends halfway is finished by the next: the zone's settings and the ports that go, the transit switches, the ports
that come. In between, ovn-ic takes the ports that went from all zones, and brings new transit switches to this one.
"""

from __future__ import annotations

import time

from ansible_collections.weft.ovn.plugins.module_utils.interconnect import operations, rows
from ansible_collections.weft.ovn.plugins.module_utils.interconnect.snapshot import (
    IC_NORTHBOUND,
    IC_SOUTHBOUND,
    NORTHBOUND,
    Reader,
    Snapshot,
)
from ansible_collections.weft.ovn.plugins.module_utils.ovsdb import OvsdbError, TemporaryError, connect, until
from ansible_collections.weft.ovn.plugins.module_utils.ovsdb_remote import TLS_FILES
from ansible_collections.weft.ovn.plugins.module_utils.resources.errors import TargetError

REMOTES = {NORTHBOUND: "northbound", IC_NORTHBOUND: "ic_northbound", IC_SOUTHBOUND: "ic_southbound"}
# Options of every module that speaks with a zone and the interconnection; doc_fragments/interconnect.py describes them.
CONNECTION = {
    "northbound": {"type": "str", "default": "unix:/run/ovn/ovnnb_db.sock"},
    "private_key": {"type": "path", "default": "/etc/weft/pki/ovn-central.key", "no_log": False},
    "certificate": {"type": "path", "default": "/etc/weft/pki/ovn-central.crt"},
    "ca_cert": {"type": "path", "default": "/etc/weft/interconnect/ca.crt"},
    "timeout": {"type": "int", "default": 30},
}
PAUSE = 0.1


class Zone:
    """The interconnects of one zone. `wish` is set before anything is written: its name and NB_Global's keys."""

    def __init__(self, params):
        self._params = params
        self._tls = {name: params[name] for name in TLS_FILES}
        self._clients = {}
        self.wish = ("", {})
        self._names = ()

    def close(self):
        for client in self._clients.values():
            client.close()
        self._clients = {}

    def snapshot(self, names):
        """Read all three databases; what cannot be reached is tried again until the time is over."""
        self._names = names
        return self._tried(self._snapshot)

    def read(self, _kind):
        """Return the interconnects there are, as documents."""
        return list(self.snapshot(self._names).documents().values())

    def write(self, _kind, changes, dry_run):
        """Make all changes, and the zone's settings; return by name what each interconnect is now."""
        if not dry_run:
            self._tried(lambda: self._attempt(changes))
        return {change.ref: change.after for change in changes}

    def _tried(self, action):
        deadline = time.monotonic() + self._params["timeout"]
        try:
            return until(deadline, lambda: self._fresh(action))
        except OvsdbError as error:
            raise TargetError(str(error)) from error

    def _fresh(self, action):
        """A connection that failed is not used again."""
        try:
            return action()
        except TemporaryError:
            self.close()
            raise

    def _client(self, database):
        if database not in self._clients:
            remotes = self._params[REMOTES[database]]
            if not remotes:
                raise OvsdbError("%s: is required: where does %s listen?" % (REMOTES[database], database))
            self._clients[database] = connect(remotes, database, tls=self._tls)
        return self._clients[database]

    def _snapshot(self):
        readers = {database: Reader(self._client(database), database) for database in REMOTES}
        self._tables = readers[NORTHBOUND].tables
        return Snapshot(readers, self._names)

    def _attempt(self, changes):
        leaving = [change.ref for change in changes if change.after is None]
        staying = [change.after for change in changes if change.after is not None]
        self._leave(leaving)
        self._join(staying)

    def _leave(self, names):
        """Write the zone's settings and take it off transit switches."""
        zone, options = self.wish
        snapshot = self._snapshot()
        first = operations.Northbound(self._tables, snapshot)
        first.settings(zone, options)
        for name in names:
            first.detach(name)
        self._transact(NORTHBOUND, first.operations)
        self._withdraw(names, snapshot)
        self._transact(IC_NORTHBOUND, [op for name in names for op in operations.leave(zone, name, snapshot)])

    def _join(self, documents):
        """Put the zone on transit switches."""
        zone, _options = self.wish
        names = [document["metadata"]["name"] for document in documents]
        snapshot = self._snapshot()
        self._transact(IC_NORTHBOUND, [op for wanted in documents for op in operations.join(zone, wanted, snapshot)])
        snapshot = self._awaited(
            lambda found: set(names) <= set(found.switches),
            "transit switches %s have not come to zone %s's Northbound" % (", ".join(names), zone),
        )
        last = operations.Northbound(self._tables, snapshot)
        for document in documents:
            last.attach(document["metadata"]["name"], rows.attachments(zone, document))
        self._transact(NORTHBOUND, last.operations)
        if last.dropped:
            self._withdraw(names, snapshot)

    def _withdraw(self, names, before):
        """Take the zone's routes by removed ports back, when ovn-ic has taken back the ports and adds none again."""
        zone, _options = self.wish
        left = {port for name in names for port in self._gone(name, before)}
        snapshot = self._awaited(
            lambda found: not left & {port for name in names for port in found.published(zone, name)},
            "ports %s of zone %s are still in %s" % (", ".join(sorted(left)), zone, IC_SOUTHBOUND),
        )
        self._transact(IC_SOUTHBOUND, operations.withdraw(zone, names, snapshot))

    def _gone(self, name, before):
        """Return the names of the ports of ours that were on a transit switch and no longer are."""
        now = {row["name"] for table, *_rest, row in self._snapshot().held(name) if table == "Logical_Switch_Port"}
        was = {row["name"] for table, *_rest, row in before.held(name) if table == "Logical_Switch_Port"}
        return was - now

    def _transact(self, database, wanted):
        if wanted:
            self._client(database).transact(database, wanted)

    def _awaited(self, condition, complaint):
        """Return what there is when ovn-ic has done its part."""
        deadline = time.monotonic() + self._params["timeout"]
        while not condition(snapshot := self._snapshot()):
            if time.monotonic() > deadline:
                raise OvsdbError(
                    "%s within %d s: does ovn-ic run there, and with this interconnection's databases?"
                    % (complaint, self._params["timeout"])
                )
            time.sleep(PAUSE)
        return snapshot
