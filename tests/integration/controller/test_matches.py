"""Is a match right? ovn-trace reads all flows and says which it cannot read: we say the same beforehand."""

from __future__ import annotations

import subprocess

from tests.support.matches import RIGHT, TOLD, WRONG
from tests.support.ovn import OvnSandbox, program
from weft.net.expression import check
from weft.net.expression_symbols import SYMBOLS, Symbol


def _refused(text: str) -> bool:
    try:
        check(text)
    except ValueError:
        return True
    return False


def _about(symbol: Symbol) -> list[str]:
    """What OVN takes or not by the width and the level of a field."""
    if not symbol.width:
        return [f'{symbol.name} == "a"', f'{symbol.name} != "a"']
    name, last = symbol.name, symbol.width - 1
    return [
        f"{name}[0..{last}] == 1",
        f"{name}[{last + 1}] == 1",
        f"{name}[{last}] == 1",
        f"{name} != 1",
        f"{name} > 0",
    ]


def test_our_verdict_is_ovns() -> None:
    fields = [text for symbol in SYMBOLS.values() for text in _about(symbol)]
    expressions = [text for text in (*RIGHT, *WRONG, *(text for text, _ in TOLD), *fields) if text]
    commands: list[str] = []
    with OvnSandbox() as ovn:
        ovn.start_northbound()
        ovn.start_southbound()
        ovn.start_northd()
        ovn.nbctl("ls-add", "blue", "--", "lsp-add", "blue", "web.ns1", "--", "lsp-set-addresses", "web.ns1", "unknown")
        ovn.nbctl("create", "address_set", "name=set1", "addresses=10.0.0.1")
        ovn.nbctl("pg-add", "group1", "web.ns1")
        for priority, text in enumerate(dict.fromkeys(expressions), 1):
            commands += ["--", "acl-add", "blue", "from-lport", str(priority), text, "drop"]
        ovn.nbctl(*commands[1:])
        ovn.nbctl("--wait=sb", "sync")
        flow = 'inport=="web.ns1" && eth.src==0a:00:00:00:00:01 && eth.dst==0a:00:00:00:00:02'
        command = [program("ovn-trace"), f"--db={ovn.southbound}", "blue", flow]
        said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stderr
    theirs = {text for text in expressions if f"|({text}): parsing expression failed" in said}
    ours = {text for text in expressions if _refused(text)}
    assert len(theirs) > len(TOLD), said[-2000:]
    assert ours ^ theirs == set()
