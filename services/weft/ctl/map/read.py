"""Where a map's objects come from: the fabric's own store, or documents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from weft.api.problem import Problem
from weft.ctl.errors import CtlError
from weft.ctl.offline import JUDGED, make_world
from weft.ctl.plan import make_engine
from weft.ctl.question import kept_elsewhere
from weft.ctl.session import Session, read_records
from weft.ctl.sources import load_sources
from weft.ctl.world import resources_of
from weft.topology.engine import Engine
from weft.topology.view import SERVICE_CIDRS, parse_services

_ELSEWHERE = (
    "objects are kept in Kubernetes; to draw them: "
    "kubectl get vpc,subnet,ip,ippool,vip,ns,pod -A -o yaml | weftctl map -f -"
)


async def from_fabric(session: Session) -> Engine:
    """What is stored, as the controller takes it."""
    async with session.weft() as weft:
        records = await read_records(weft)
        if kept_elsewhere(records):
            raise CtlError(_ELSEWHERE)
        return await make_engine(weft, resources_of(records))


def from_documents(names: Iterable[str]) -> tuple[Engine, Sequence[Problem]]:
    """What documents say: a design, or what kubectl printed; and what is wrong with them.

    Pods that have no address yet get the next free ones, as the controller would give them.
    """
    loaded = load_sources(names, JUDGED)
    engine = make_world(loaded, parse_services(SERVICE_CIDRS))
    return engine, loaded.problems
