"""Whether OVN can read a match: its language of expressions, ovn-sb(5), Logical_Flow.

ovn-controller passes over a flow whose match it cannot read, with a line in its log: a rule that drops would let
everything through, and nobody would know. So what is wrong is said where the match is written.

What cannot be known here is taken on trust: that an address set or a port group exists, and what is in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches

from weft.net.expression_symbols import SYMBOLS, Symbol
from weft.net.expression_tokens import Token, tokens

_RELATIONS = ("==", "!=", "<", "<=", ">", ">=")
_DEPTH = 100
"""Parentheses within parentheses, as OVN allows."""
_QUOTES = "; a text has quotes"


def check(text: str) -> None:
    """Raises ValueError, which names what OVN cannot read and where."""
    _Parser(list(tokens(text))).parse()


@dataclass(frozen=True, slots=True)
class _Field:
    symbol: Symbol
    bits: int
    token: Token


@dataclass(frozen=True, slots=True)
class _Constants:
    """What a field is compared with. `braces` is whether it is written as a set."""

    items: Sequence[Token]
    braces: bool = False

    @property
    def text(self) -> bool:
        return self.items[0].kind in ("text", "ports")


class _Parser:
    """Recursive descent. `negated` is whether an odd number of `!` is around: nominal fields depend on it."""

    def __init__(self, words: Sequence[Token]) -> None:
        self._words = words
        self._at = 0
        self._negated = False
        self._depth = 0

    @property
    def _next(self) -> Token:
        return self._words[self._at]

    def _take(self) -> Token:
        token = self._next
        self._at = min(self._at + 1, len(self._words) - 1)
        return token

    def _is(self, *operators: str) -> bool:
        return self._next.kind == "operator" and self._next.text in operators

    def _accept(self, operator: str) -> bool:
        if found := self._is(operator):
            self._take()
        return found

    def _expect(self, operator: str) -> None:
        if not self._accept(operator):
            raise self._next.error(f"is where {operator!r} is expected")

    def parse(self) -> None:
        """The whole of it."""
        self._terms()
        if self._next.kind != "end":
            raise self._next.error("is more than an expression; allowed: && or || before another one")

    def _terms(self) -> None:
        self._term()
        if self._is("&&", "||"):
            operator = self._next.text
            while self._accept(operator):
                self._term()
            if self._is("&&", "||"):
                raise self._next.error(f"is mixed with {operator}; allowed: parentheses around one of them")

    def _term(self) -> None:
        if not self._is("!"):
            self._primary()
            return
        self._take()
        with self._not():
            token = self._next
            if not self._primary():
                raise token.error("follows '!' and is a comparison; allowed: parentheses around it")

    @contextmanager
    def _not(self) -> Iterator[None]:
        self._negated = not self._negated
        yield
        self._negated = not self._negated

    def _primary(self) -> bool:
        """Whether it is one that may follow `!`."""
        if self._is("("):
            return self._group()
        if self._next.kind == "name":
            return self._function() if self._next.text == "is_chassis_resident" else self._compared_field()
        return self._constant_first()

    def _group(self) -> bool:
        token = self._take()
        self._depth += 1
        if self._depth > _DEPTH:
            raise token.error(f"is nested more than {_DEPTH} deep")
        self._terms()
        self._depth -= 1
        self._expect(")")
        return True

    def _function(self) -> bool:
        self._take()
        self._expect("(")
        if self._next.kind != "text":
            raise self._next.error("is where the name of a port in quotes is expected")
        self._take()
        self._expect(")")
        return True

    def _compared_field(self) -> bool:
        field = self._field()
        if self._is(*_RELATIONS):
            relation = self._take()
            _compare(field, relation, self._constants(), self._negated)
            return False
        _truth(field, self._next, self._negated)
        return True

    def _constant_first(self) -> bool:
        """`0 < field`, `1 < field < 5`, or one of `0` and `1`."""
        constants = self._constants()
        if not self._is(*_RELATIONS) and not constants.braces and constants.items[0].text in ("0", "1"):
            return True
        first = self._relation()
        field = self._field()
        if self._is(*_RELATIONS):
            second = self._take()
            if first.text[0] not in "<>" or first.text[0] != second.text[0]:
                raise second.error(f"does not go with {first.text!r}; allowed: x < field < y, and so with <=, > and >=")
            _compare(field, second, self._constants(), self._negated)
        _compare(field, first, constants, self._negated)
        return False

    def _relation(self) -> Token:
        if not self._is(*_RELATIONS):
            raise self._next.error(f"is where a comparison is expected; allowed: {' '.join(_RELATIONS)}")
        return self._take()

    def _field(self) -> _Field:
        token = self._take()
        symbol = SYMBOLS.get(token.text) if token.kind == "name" else None
        if symbol is None:
            raise token.error(_unknown(token))
        if not self._accept("["):
            return _Field(symbol, symbol.width, token)
        low = high = self._bit()
        if self._accept(".."):
            high = self._bit()
        self._expect("]")
        _check_bits(symbol, low, high, token)
        return _Field(symbol, high - low + 1, token)

    def _bit(self) -> int:
        token = self._take()
        number = token.number
        if number is None or number.format != "decimal" or number.mask is not None or number.value >= 2**31:
            raise token.error("is where the number of a bit is expected")
        return number.value

    def _constants(self) -> _Constants:
        if not self._accept("{"):
            return _Constants([self._constant()])
        items = [self._constant()]
        self._accept(",")
        while not self._accept("}"):
            items.append(self._constant())
            self._accept(",")
        constants = _Constants(items, braces=True)
        for item in items:
            if _Constants([item]).text != constants.text:
                raise item.error(f"is in a set with {items[0].text!r}; allowed: texts, or numbers")
        return constants

    def _constant(self) -> Token:
        token = self._take()
        if token.kind not in ("number", "text", "addresses", "ports"):
            raise token.error("is where a constant is expected" + (_QUOTES if token.kind == "name" else ""))
        return token


def _unknown(token: Token) -> str:
    if token.kind != "name":
        return "is where a field is expected"
    near = get_close_matches(token.text, SYMBOLS, n=1, cutoff=0.75)
    return f"is no field that OVN knows{f'; is it {near[0]}?' if near else ''}"


def _check_bits(symbol: Symbol, low: int, high: int, token: Token) -> None:
    if not symbol.width:
        raise token.error("is a text, which has no bits")
    if low > high:
        raise token.error(f"[{low}..{high}] has its bits in the wrong order")
    if high >= symbol.width:
        raise token.error(f"has no bit {high}; allowed: 0 to {symbol.width - 1}")
    if symbol.nominal and (low, high) != (0, symbol.width - 1):
        raise token.error("can only be compared whole, not by bits")


def _truth(field: _Field, after: Token, negated: bool) -> None:
    """A field alone is whether it is not 0."""
    if not field.bits or (after.kind == "operator" and after.text == "="):
        raise after.error(f"is where a comparison is expected; allowed: {' '.join(_RELATIONS)}")
    if field.bits > 1 and not negated:
        raise field.token.error(f"has {field.bits} bits and no comparison; allowed: {field.token.text} != 0")
    if field.symbol.predicate and field.symbol.nominal and negated:
        raise field.token.error(_only_positive(field.symbol))


def _compare(field: _Field, relation: Token, constants: _Constants, negated: bool) -> None:
    symbol = field.symbol
    _fits(symbol, constants)
    if relation.text not in ("==", "!="):
        _orders(symbol, relation, constants)
    if not symbol.nominal:
        return
    if symbol.predicate:
        for item in constants.items:
            if item.number and (bool(item.number.value & 1) ^ (relation.text == "!=") ^ negated) is False:
                raise field.token.error(_only_positive(symbol))
    elif relation.text != ("!=" if negated else "=="):
        raise field.token.error("can only be tested for being something, with == and without a '!' around it")


def _only_positive(symbol: Symbol) -> str:
    return f"can only be tested for being true: {symbol.name}, not !{symbol.name}"


def _fits(symbol: Symbol, constants: _Constants) -> None:
    for item in constants.items:
        if constants.text != (symbol.width == 0):
            kinds = ("a text in quotes, or a port group", "a number, or an address set")
            raise item.error(f"is compared with {symbol.name}; allowed: {kinds[symbol.width > 0]}")
        if item.number and item.number.width > symbol.width:
            raise item.error(f"has {item.number.width} bits, and {symbol.name} has {symbol.width}")


def _orders(symbol: Symbol, relation: Token, constants: _Constants) -> None:
    if constants.braces:
        raise relation.error("is used with a set; allowed: == and !=")
    if symbol.nominal or symbol.predicate:
        raise relation.error(f"is used with {symbol.name}, which has no order; allowed: ==")
    if (number := constants.items[0].number) and number.mask is not None:
        raise relation.error("is used with a mask; allowed: == and !=")
