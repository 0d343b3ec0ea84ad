"""The table `inet weft` in the kernel: compared, and replaced in one transaction where it is not as it shall be.

The program `nft` is the interface: its library's Python binding comes with the distribution's interpreter only, and is
in no package index. nft lists what it was told in other words, and each version in its own. So a text is first written
into a new network namespace that nobody else has, and is listed there: that is what the host's listing shall be. Hence
nothing has to be remembered, a restart of the agent finds its table right and touches nothing, others' changes
show however they were made, and a text that nft refuses never reaches the host.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from typing import Any, Final

from weft.agent import metrics, netns
from weft.log import get_logger

_log = get_logger(__name__)
TABLE: Final = "weft"
_TIMEOUT: Final = 30.0


class NftError(Exception):
    """nft refused, in its own words."""


class PacketFilter:
    """Keeps the table as a text says. Its functions block."""

    def __init__(self) -> None:
        self._text = ""
        self._expected = ""

    def keep(self, text: str | None) -> None:
        """Have the table that `text` makes, or none. Raises NftError."""
        if text is None:
            if listing(TABLE) is not None:
                remove(TABLE)
                _log.info("packet filter removed")
            return
        reason = "repair" if text == self._text else "change"
        if text != self._text:
            self._text, self._expected = text, expected(text, TABLE)
        if listing(TABLE) == self._expected:
            return
        started = time.perf_counter()
        write(text)
        metrics.gateway_apply_seconds.observe(time.perf_counter() - started)
        metrics.gateway_writes.labels("packet filter", reason).inc()
        _log.info("packet filter written", reason=reason)


def forward_policies() -> list[str]:
    """Chains of others that drop what is forwarded and no rule of theirs accepts, with no rule for `ovn0`."""
    found = []
    for item in objects("list", "chains"):
        chain = item.get("chain", {})
        if (chain.get("hook"), chain.get("policy")) == ("forward", "drop") and chain["family"] in ("ip", "ip6", "inet"):
            place = (chain["family"], chain["table"], chain["name"])
            if '"ovn0"' not in _nft("list", "chain", *place):
                found.append(" ".join(place))
    return found


def write(text: str) -> None:
    """All of it, in one transaction. Raises NftError."""
    _nft("-f", "-", stdin=text)


def remove(table: str) -> None:
    """Have no such table of family inet."""
    write(f"table inet {table}\ndelete table inet {table}\n")


def objects(*command: str) -> list[dict[str, Any]]:
    """What nft says to a command, in the words of libnftables-json(5)."""
    found: list[dict[str, Any]] = json.loads(_nft("-j", *command))["nftables"]
    return found


def expected(text: str, table: str) -> str:
    """How nft lists the table when it is as the text makes it."""
    with netns.fresh():
        write(text)
        return listing(table) or ""


def listing(table: str) -> str | None:
    """The table of family inet as nft lists it, without what it has counted; None when there is none."""
    try:
        return _nft("--stateless", "list", "table", "inet", table)
    except NftError as error:
        if "No such file or directory" in str(error):
            return None
        raise


def _nft(*arguments: str, stdin: str = "") -> str:
    program = shutil.which("nft", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"]))
    if program is None:
        raise NftError("nft: not found, expected the package nftables")
    command = f"nft {' '.join(arguments)}"
    try:
        done = subprocess.run(
            [program, *arguments], input=stdin, capture_output=True, text=True, timeout=_TIMEOUT, check=False,
            env={"LC_ALL": "C"},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise NftError(f"{command}: no answer within {_TIMEOUT:g} s") from None
    if done.returncode:
        raise NftError(f"{command}: {done.stderr.strip()}")
    return done.stdout
