"""OVN's language of matches, as far as telling right from wrong: ovn-sb(5), table Logical_Flow, column `match`.

northd takes any text; ovn-controller passes over a flow whose match it cannot read, with a line in its log. So a wrong
match must be found before it is written. `check` says what is wrong and where; prerequisites and meaning are OVN's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<string>"(?:[^"\\]|\\.)*")
    | (?P<number>0[xX][0-9A-Fa-f]+(?:/0[xX][0-9A-Fa-f]+)?
        | [0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}(?:/[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5})?
        | (?=[0-9A-Fa-f]*:)[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*(?:/[0-9A-Fa-f:.]+)?
        | [0-9]+(?:\.[0-9]+){3}(?:/[0-9.]+)?
        | [0-9]+(?:/[0-9]+)?(?!\w|\.[^.]))
    | (?P<macro>[$@&][A-Za-z_.][A-Za-z0-9_.]*)
    | (?P<name>[A-Za-z_][A-Za-z0-9_.]*)
    | (?P<sign>&&|\|\||==|!=|<=|>=|\.\.|[(){}\[\],<>!])
    )""",
    re.VERBOSE,
)
_RELATIONS = ("==", "!=", "<", "<=", ">", ">=")


@dataclass(frozen=True, slots=True)
class Symbol:
    """A field. Of width 0 it is a text; `ordinal` fields may be compared by size and taken apart; `nominal` ones may
    only be equal to something, never different from it.
    """

    width: int
    ordinal: bool = True
    nominal: bool = False


def _fields(width: int, names: str, *, ordinal: bool = True, nominal: bool | None = None) -> dict[str, Symbol]:
    symbol = Symbol(width, ordinal, not ordinal if nominal is None else nominal)
    return dict.fromkeys(names.split(), symbol)


SYMBOLS: dict[str, Symbol] = {
    **_fields(0, "inport outport", ordinal=False),
    **_fields(
        1,
        "ip ip4 ip6 icmp icmp4 icmp6 igmp tcp udp sctp arp rarp nd nd_ns nd_na nd_rs nd_ra mldv1 mldv2",
        ordinal=False,
        nominal=True,
    ),
    **_fields(
        1,
        "eth.bcast eth.mcast eth.mcastv6 vlan.present ip4.mcast ip4.src_mcast ip6.mcast ip6.mcast_rsvd "
        "ip6.mcast_all_nodes ip6.mcast_flood ip.is_frag ip.later_frag ip.first_frag ct.trk ct.new ct.est ct.rel ct.rpl "
        "ct.inv ct.dnat ct.snat flags.loopback flags.force_snat_for_lb",
        ordinal=False,
        nominal=False,
    ),
    **_fields(48, "eth.src eth.dst arp.sha arp.tha nd.sll nd.tll rarp.sha rarp.tha"),
    **_fields(32, "ip4.src ip4.dst arp.spa arp.tpa rarp.spa rarp.tpa ct_mark pkt.mark flags ct_state"),
    **_fields(32, " ".join(f"reg{n}" for n in range(10))),
    **_fields(64, " ".join(f"xreg{n}" for n in range(5))),
    **_fields(128, "ip6.src ip6.dst nd.target ct_label xxreg0 xxreg1"),
    **_fields(20, "ip6.label"),
    **_fields(16, "vlan.tci tcp.src tcp.dst udp.src udp.dst sctp.src sctp.dst"),
    **_fields(12, "vlan.vid tcp.flags"),
    **_fields(3, "vlan.pcp"),
    **_fields(2, "ip.frag"),
    **_fields(16, "eth.type arp.op rarp.op", ordinal=False),
    **_fields(8, "ip.proto ip.ttl icmp4.type icmp4.code icmp6.type icmp6.code", ordinal=False),
    **_fields(6, "ip.dscp", ordinal=False),
    **_fields(2, "ip.ecn", ordinal=False),
}


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


def check(text: str) -> None:
    """Raises ValueError, which says what is wrong and where. An empty text matches nothing and is wrong."""
    parser = _Parser(list(_tokens(text)))
    parser.expression()
    parser.expect_end()


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    at = 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            rest = text[at:].strip()
            raise ValueError(f"{rest[:20]!r} at {text.index(rest, at) + 1}: no word of OVN's language")
        tokens.append(_Token(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup)))
        at = match.end()
    return [*tokens, _Token("end", "the end", len(text))]


class _Parser:
    """Recursive descent; every method reads one thing and raises ValueError when it is not there."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._next = 0
        self._negated = False

    @property
    def token(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        token = self.token
        self._next += 1
        return token

    def _accept(self, *signs: str) -> bool:
        if self.token.kind == "sign" and self.token.text in signs:
            self._next += 1
            return True
        return False

    def _wrong(self, why: str, token: _Token | None = None) -> ValueError:
        found = token or self.token
        shown = found.text if found.kind == "end" else repr(found.text)
        return ValueError(f"{shown} at {found.at + 1}: {why}")

    def expect_end(self) -> None:
        if self.token.kind != "end":
            raise self._wrong("nothing more is expected; between comparisons stands && or ||")

    def expression(self) -> None:
        self._primary()
        first = self.token.text if self.token.text in ("&&", "||") else ""
        while first and self.token.text in ("&&", "||"):
            if self.token.text != first:
                raise self._wrong("&& and || need parentheses when used together")
            self._take()
            self._primary()

    def _primary(self) -> None:
        if self._accept("!"):
            self._negated = not self._negated
            self._primary()
            self._negated = not self._negated
        elif self._accept("("):
            self.expression()
            if not self._accept(")"):
                raise self._wrong("')' is expected")
        elif self.token.text == "is_chassis_resident":
            self._resident()
        elif self.token.kind == "name" and self.token.text not in ("true", "false"):
            self._comparison()
        elif self.token.text in ("0", "1") and self._tokens[self._next + 1].text not in _RELATIONS:
            self._take()
        else:
            self._reversed()

    def _resident(self) -> None:
        self._take()
        if not self._accept("(") or self._take().kind != "string" or not self._accept(")"):
            raise self._wrong('is_chassis_resident("PORT") is expected')

    def _comparison(self) -> None:
        """`field`, or `field RELATION constants`."""
        name = self.token
        symbol = self._field()
        if self.token.text not in _RELATIONS:
            if symbol.width != 1:
                raise self._wrong(f"a relation is expected after {name.text}, as in {name.text} == …")
            self._positive(name, symbol, equal=True)
            return
        relation = self._take()
        self._fits(name, symbol, relation)
        self._constants(name, symbol, relation)

    def _reversed(self) -> None:
        """`constants RELATION field`, and then perhaps `RELATION constant`: a range."""
        if not (self.token.kind in ("number", "string", "macro") or self.token.text == "{"):
            raise self._wrong("a field, '(' or '!' is expected")
        start = self._next
        self._skip_constants()
        relation = self._take()
        if relation.text not in _RELATIONS:
            raise self._wrong("a relation is expected", relation)
        name = self.token
        if name.kind != "name":
            raise self._wrong("a field is expected")
        symbol = self._field()
        self._fits(name, symbol, relation)
        end, self._next = self._next, start
        self._constants(name, symbol, relation)
        self._next = end
        if self.token.text in ("<", "<=", ">", ">="):
            second = self._take()
            if relation.text[0] != second.text[0]:
                raise self._wrong("a range has two relations of one direction", second)
            self._constants(name, symbol, second)

    def _skip_constants(self) -> None:
        if self._accept("{"):
            while not self._accept("}"):
                if self._take().kind == "end":
                    raise self._wrong("'}' is expected", self._tokens[-1])
        else:
            self._take()

    def _field(self) -> Symbol:
        token = self._take()
        symbol = SYMBOLS.get(token.text)
        if symbol is None:
            raise self._wrong("no field of OVN", token)
        return self._part(token, symbol) if self._accept("[") else symbol

    def _part(self, name: _Token, symbol: Symbol) -> Symbol:
        if not symbol.ordinal:
            raise self._wrong("cannot be taken apart", name)
        low = self._bit(name, symbol)
        high = self._bit(name, symbol) if self._accept("..") else low
        if not self._accept("]"):
            raise self._wrong("']' is expected")
        if high < low:
            raise self._wrong(f"bits {low}..{high} are in the wrong order", name)
        return Symbol(high - low + 1)

    def _bit(self, name: _Token, symbol: Symbol) -> int:
        token = self._take()
        if token.kind != "number" or not token.text.isdigit():
            raise self._wrong("the number of a bit is expected", token)
        if int(token.text) >= symbol.width:
            raise self._wrong(f"{name.text} has {symbol.width} bits", token)
        return int(token.text)

    def _fits(self, name: _Token, symbol: Symbol, relation: _Token) -> None:
        if not symbol.ordinal and relation.text not in ("==", "!="):
            raise self._wrong(f"{name.text} is compared by == and != only", relation)
        if symbol.width != 1:
            self._positive(name, symbol, equal=relation.text == "==")

    def _positive(self, name: _Token, symbol: Symbol, *, equal: bool) -> None:
        if symbol.nominal and equal == self._negated:
            raise self._wrong("OVN tells what it is, and never what it is not: no ! and no !=", name)

    def _constants(self, name: _Token, symbol: Symbol, relation: _Token) -> None:
        if not self._accept("{"):
            self._constant(name, symbol, relation)
            return
        if relation.text not in ("==", "!="):
            raise self._wrong("a set is compared by == and != only", relation)
        while True:
            self._constant(name, symbol, relation)
            self._accept(",")
            if self._accept("}"):
                return

    def _constant(self, name: _Token, symbol: Symbol, relation: _Token) -> None:
        token = self._take()
        if token.kind == "macro":
            if relation.text not in ("==", "!="):
                raise self._wrong("a set is compared by == and != only", relation)
            if (token.text[0] == "@") != (symbol.width == 0):
                raise self._wrong(f"{name.text} is not compared with it", token)
        elif symbol.width == 0:
            if token.kind != "string":
                raise self._wrong(f"{name.text} is compared with a text in quotes", token)
        elif token.kind != "number":
            raise self._wrong(f"a number or address is expected after {name.text}", token)
        else:
            self._number(name, symbol, token, relation)

    def _number(self, name: _Token, symbol: Symbol, token: _Token, relation: _Token) -> None:
        text, slash, mask_text = token.text.partition("/")
        try:
            value, kind = _value(text)
            mask = _mask(mask_text, kind) if slash else None
        except ValueError:
            raise self._wrong("no number and no address", token) from None
        if slash and relation.text not in ("==", "!="):
            raise self._wrong("a mask is compared by == and != only", relation)
        if mask is not None:
            value &= mask
        if value >= 1 << symbol.width:
            raise self._wrong(f"does not fit into {name.text}, which has {symbol.width} bits", token)
        if symbol.width == 1:
            self._positive(name, symbol, equal=(relation.text == "==") == bool(value))


def _value(text: str) -> tuple[int, int]:
    """(value, width of its format; 0 of a plain number)."""
    if text.lower().startswith("0x"):
        return int(text, 16), 0
    if text.isdigit():
        return int(text), 0
    if text.count(":") == 5 and "::" not in text and all(len(part) == 2 for part in text.split(":")):
        return int(text.replace(":", ""), 16), 48
    address = ip_address(text)
    return int(address), address.max_prefixlen


def _mask(text: str, width: int) -> int:
    if width in (32, 128) and text.isdigit():
        length = int(text)
        if length > width:
            raise ValueError(text)
        return ((1 << length) - 1) << (width - length)
    value, kind = _value(text)
    if kind != width:
        raise ValueError(text)
    return value
