"""What `planner_*` is measured against: ovsdbapp inserting the same rows, 1,000 a transaction.

Run as a process of its own, as the controller is: `python -m tests.bench.planner_ceiling NORTHBOUND WEFT SWITCH FILE`.
FILE holds the rows as JSON, in the order in which the controller writes them. Prints the seconds it took.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from ovsdbapp.api import API
from ovsdbapp.backend import ovs_idl
from ovsdbapp.backend.ovs_idl import connection
from ovsdbapp.schema.ovn_northbound import impl_idl

BATCH = 1000


class _Weft(ovs_idl.Backend, API):  # type: ignore[misc]
    """ovsdbapp's generic commands on our schema."""

    schema = "Weft"


def _connect(kind: Any, remote: str) -> Any:
    idl = connection.OvsdbIdl.from_server(remote, kind.schema)
    return kind(connection.Connection(idl, timeout=180))


def _in_batches(api: Any, items: Iterable[Any], command: Callable[[Any], Any]) -> None:
    rows = list(items)
    for start in range(0, len(rows), BATCH):
        with api.transaction(check_error=True) as transaction:
            for row in rows[start : start + BATCH]:
                transaction.add(command(row))


def main(northbound: str, weft: str, switch: str, file: str) -> None:
    rows = json.loads(Path(file).read_text())
    nb, hosts = _connect(impl_idl.OvnNbApiIdlImpl, northbound), _connect(_Weft, weft)
    started = time.monotonic()
    _in_batches(hosts, rows["ips"], lambda row: hosts.db_create("Object", **row))
    _in_batches(
        nb,
        rows["switch_ports"],
        lambda row: nb.lsp_add(switch, row["name"], **{k: v for k, v in row.items() if k != "name"}),
    )
    _in_batches(hosts, rows["ports"], lambda row: hosts.db_create("Port", **row))
    _in_batches(hosts, rows["statuses"], lambda row: hosts.db_set("Object", row["uuid"], ("status", row["status"])))
    print(time.monotonic() - started, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
