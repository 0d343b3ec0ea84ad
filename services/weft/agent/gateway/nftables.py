"""The table `inet weft` in the kernel: compared, and replaced in one transaction where it is not as it shall be.

The program `nft` is the interface: its library's Python binding comes with the distribution's interpreter only, and is
in no package index. nft writes what it lists otherwise than it was told, and each version in its own way; so what is
compared is the listing of now with the listing of right after the table was written. Both digests, of the text and of
the listing, are kept on disk: a restart of the agent finds its table right and touches nothing, a changed table is seen
however it was changed, and a new nft that lists otherwise costs one transaction.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from weft.agent import metrics
from weft.agent.view import write_atomically
from weft.log import get_logger

_log = get_logger(__name__)
TABLE: Final = "weft"
_TIMEOUT: Final = 30.0
_REMOVE: Final = f"table inet {TABLE}\ndelete table inet {TABLE}\n"


class NftError(Exception):
    """nft refused, in its own words."""


@dataclass(frozen=True, slots=True)
class Written:
    """What was written last, as digests."""

    text: str = ""
    listing: str = ""


class PacketFilter:
    """Keeps the table as a text says."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written = _load(path)

    async def keep(self, text: str | None) -> None:
        """Have the table that `text` makes, or none. Raises NftError."""
        listing = await _listing()
        if text is None:
            if listing is not None:
                await _nft("-f", "-", stdin=_REMOVE)
                _log.info("packet filter removed")
            return
        wanted = _digest(text)
        if listing is not None and Written(wanted, _digest(listing)) == self._written:
            return
        foreign = wanted == self._written.text
        await self._write(text)
        metrics.gateway_writes.labels("packet filter", "repair" if foreign else "change").inc()
        _log.info("packet filter written", reason="it was changed by others" if foreign else "rows changed")

    async def _write(self, text: str) -> None:
        started = time.perf_counter()
        await _nft("-f", "-", stdin=text)
        metrics.gateway_apply_seconds.observe(time.perf_counter() - started)
        listing = await _listing()
        if listing is None:
            raise NftError(f"table inet {TABLE}: gone right after it was written")
        self._written = Written(_digest(text), _digest(listing))
        await asyncio.to_thread(write_atomically, self._path, json.dumps(asdict(self._written)))


async def forward_policies() -> list[str]:
    """Chains of others that drop what is forwarded and none of their rules accepts, and that do not speak of `ovn0`."""
    found = []
    for item in json.loads(await _nft("-j", "list", "chains"))["nftables"]:
        chain = item.get("chain", {})
        if (
            chain.get("hook") == "forward"
            and chain.get("policy") == "drop"
            and chain["family"] in ("ip", "ip6", "inet")
        ):
            place = (chain["family"], chain["table"], chain["name"])
            if '"ovn0"' not in await _nft("list", "chain", *place):
                found.append(" ".join(place))
    return found


async def _listing() -> str | None:
    """The table as nft lists it, without what differs at each writing; None when there is none."""
    try:
        document = json.loads(await _nft("-j", "list", "table", "inet", TABLE))
    except NftError as error:
        if "No such file or directory" in str(error):
            return None
        raise
    return json.dumps([_lasting(item) for item in document["nftables"] if "metainfo" not in item])


def _lasting(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _lasting(item) for key, item in value.items() if key != "handle"}
    return [_lasting(item) for item in value] if isinstance(value, list) else value


async def _nft(*arguments: str, stdin: str = "") -> str:
    program = shutil.which("nft", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"]))
    if program is None:
        raise NftError("nft: not found, expected the package nftables")
    process = await asyncio.create_subprocess_exec(
        program, *arguments, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE, env={"LC_ALL": "C"},
    )  # fmt: skip
    try:
        async with asyncio.timeout(_TIMEOUT):
            out, err = await process.communicate(stdin.encode())
    except TimeoutError:
        raise NftError(f"nft {' '.join(arguments)}: no answer within {_TIMEOUT:g} s") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
    if process.returncode:
        raise NftError(f"nft {' '.join(arguments)}: {err.decode(errors='replace').strip()}")
    return out.decode()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _load(path: Path) -> Written:
    try:
        return Written(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return Written()
