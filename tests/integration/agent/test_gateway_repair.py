"""The gateway stays what it is: others' changes are repaired, restarts change nothing, and it needs no database."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.agent import eventually
from tests.support.outside import ask
from tests.support.ovn import namespace_command, run
from tests.support.site import FAR, POD, Site
from tests.support.traffic import Traffic
from weft.agent import netns
from weft.agent.gateway.nftables import NftError, PacketFilter

EGRESS = {"policy_table": 1000, "policy_priority": 1500}
TABLE = ("list", "table", "inet", "weft")
REPAIRED_IN = 2.0


def state(site: Site) -> list[str]:
    """All that the gateway has in the kernel."""
    return [
        site.nft(*TABLE),
        *(site.on_host("ip", f"-{version}", "rule", "list") for version in (4, 6)),
        *(site.on_host("ip", f"-{version}", "route", "show", "table", "1000") for version in (4, 6)),
    ]


@pytest.fixture(scope="module")
def whole(site: Site) -> list[str]:
    """A site that has a bit of everything, and what that is in the kernel."""
    with site.written():
        site.agent.rows.insert(
            "Nat_Rule", subnet="blue", position=0, action="forward", sources=["10.16.0.2"], destinations=[]
        )
    site.set("blue", **EGRESS, egress_gateways=[address for outside in site.outside for address in outside.own])
    eventually(lambda: "198.18" in site.on_host("ip", "route", "show", "table", "1000"), "policy routing is written")
    return state(site)


@pytest.mark.parametrize(
    "command",
    [
        "nft flush ruleset",
        "nft delete table inet weft",
        "nft flush chain inet weft postrouting",
        "nft add rule inet weft leave accept",
        "nft flush set inet weft fabric4",
        "nft flush map inet weft translated6",
        "ip rule delete priority 1500 protocol 158",
        "ip -6 rule delete priority 1500 protocol 158",
        "ip route flush table 1000",
        "ip -6 route flush table 1000",
        "ip rule add from 192.0.2.0/24 iif ovn0 lookup 1000 priority 7 protocol 158",
        "ip route add 192.0.2.0/24 via 192.168.2.1 table 77 protocol 158",
    ],
)
def test_what_others_change_is_repaired(site: Site, whole: list[str], command: str) -> None:
    site.on_host(*command.split())
    eventually(lambda: state(site) == whole, f"repaired after {command}", REPAIRED_IN)
    eventually(lambda: "192.0.2.0" not in site.on_host("ip", "route", "show", "table", "all"), command, REPAIRED_IN)


def test_rules_of_others_stay(site: Site, whole: list[str]) -> None:
    site.on_host("ip", "rule", "add", "from", "192.0.2.0/24", "iif", "ovn0", "lookup", "1000", "priority", "7")
    site.on_host("ip", "route", "add", "192.0.2.0/24", "via", "192.168.2.1", "table", "1000")
    site.nft("add table inet other")
    with site.written():
        pass
    assert "192.0.2.0/24" in site.on_host("ip", "rule")
    assert "192.0.2.0/24" in site.on_host("ip", "route", "show", "table", "1000")
    assert "table inet other" in site.nft("list", "tables")
    site.on_host("ip", "rule", "delete", "priority", "7")
    site.on_host("ip", "route", "delete", "192.0.2.0/24", "table", "1000")
    site.nft("delete table inet other")


@contextmanager
def watched(site: Site) -> Iterator[list[str]]:
    """What nftables and policy routing said was changed meanwhile."""
    lines: list[str] = []
    commands = (["nft", "monitor"], ["ip", "monitor", "rule"])
    watchers = [
        subprocess.Popen([*namespace_command(site.host), *command], stdout=subprocess.PIPE, text=True)
        for command in commands
    ]
    time.sleep(0.3)
    try:
        yield lines
    finally:
        time.sleep(0.5)
        for watcher in watchers:
            watcher.terminate()
            lines += watcher.communicate(timeout=5)[0].splitlines()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_restart_of_the_agent_changes_nothing(site: Site, whole: list[str], number: signal.Signals) -> None:
    before = state(site)
    with Traffic(f"/run/netns/{site.ns('blue')}", FAR[0]) as traffic, watched(site) as changes:
        site.agent.stop(number)
        site.agent.start()
        time.sleep(1)
    assert changes == []
    assert state(site) == before
    assert traffic.answered()
    assert traffic.loss.sent > 100
    assert traffic.loss.lost == 0


def test_no_packet_is_lost_while_the_table_is_replaced(site: Site, whole: list[str]) -> None:
    with Traffic(f"/run/netns/{site.ns('red')}", FAR[0], interval=0.005) as traffic:
        for _ in range(5):
            with site.written():
                pass
    assert traffic.answered()
    assert traffic.loss.sent > 100
    assert traffic.loss.lost == 0


def test_after_a_reboot_without_the_database(site: Site, whole: list[str]) -> None:
    """Nothing is left in the kernel, and nobody answers but the disk."""
    before = state(site)
    database = next(d for d in site.agent.sandbox.daemons if d.rundir.name == "weft")
    site.agent.stop()
    database.kill()
    site.nft("flush", "ruleset")
    for version in ("-4", "-6"):
        site.on_host("ip", version, "rule", "delete", "priority", "1500")
        site.on_host("ip", version, "route", "flush", "table", "1000")
    assert state(site) != before
    site.agent.start(wait=False)
    eventually(lambda: state(site) == before, "as before")
    assert ask(site.ns("red"), FAR[0]) == f"out1 {site.outside[0].host[0]}"
    assert ask(site.ns("blue"), FAR[0], source="10.16.0.2").endswith(" 10.16.0.2")
    site.agent.sandbox.start_weft()
    eventually(lambda: site.agent.request("STATUS")[0] == 0, "database is back", 20)
    assert state(site) == before


@contextmanager
def owned_by_another(ns: str) -> Iterator[None]:
    """The table belongs to another process for as long as that runs (nft(8), flag owner)."""
    command = [*namespace_command(ns), "nft", "--interactive"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as owner:
        assert owner.stdin is not None
        owner.stdin.write("add table inet weft { flags owner; }\n")
        owner.stdin.flush()
        time.sleep(0.5)
        yield
        owner.stdin.close()
        owner.wait(5)


def test_refusal_is_reported_in_nfts_words_and_repaired_after(site: Site, whole: list[str]) -> None:
    before = state(site)
    site.agent.stop()
    site.nft("delete", "table", "inet", "weft")
    with owned_by_another(site.host):
        site.agent.start()
        eventually(lambda: "Operation not permitted" in site.problems().get("packet filter", ""), "nft's words")
        assert ask(site.ns("blue"), POD["red"][0]), "the rest goes on"
    eventually(lambda: state(site) == before, "written")
    eventually(lambda: "packet filter" not in site.problems(), "over")


def test_table_goes_with_the_hosts_place(site: Site, whole: list[str]) -> None:
    row = site.agent.rows.select("Host", "h1")
    assert row
    site.agent.rows.delete("Host", "h1")
    eventually(lambda: "No such file" in site.nft(*TABLE), "table removed")
    eventually(lambda: "1500:" not in site.on_host("ip", "rule"), "rules removed")


# --- without an agent ---

GOOD = "table inet weft\ndelete table inet weft\ntable inet weft {\n chain a {\n }\n}\n"


def test_text_that_nft_refuses_leaves_what_was_there(site: Site) -> None:
    ns = site.agent.sandbox.add_namespace(f"{site.host}-empty")
    with netns.entered(f"/run/netns/{ns}"):
        packet_filter = PacketFilter()
        packet_filter.keep(GOOD)
        listing = run("nft", *TABLE)
        with pytest.raises(NftError, match="syntax error"):
            packet_filter.keep(GOOD + "rubbish\n")
        assert run("nft", *TABLE) == listing
        packet_filter.keep(None)
        assert run("nft", "list", "ruleset") == ""


def test_missing_program_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    with pytest.raises(NftError, match="expected the package nftables"):
        PacketFilter().keep(GOOD)
