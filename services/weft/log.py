"""Structured logging: one line an event, fields as `key=value`, for people and for grep alike.

The journal stamps time and unit, so under systemd a line carries only the level (as the `<n>` prefix of
sd-daemon(3), which journald turns into a priority) and the fields. Elsewhere the time stands in front.
Fields are given as keyword arguments, so that nobody builds log text by hand:

    log = get_logger(__name__)
    log.info("port wired", port="web.default", ms=41)      # port wired port=web.default ms=41
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from collections.abc import Mapping
from typing import Final

LEVELS: Final = ("debug", "info", "warning", "error")
_PLAIN = re.compile(r"[\w.,:;/@+\-\[\](){}<>|*%^~!?#&]+", re.ASCII)
_PRIORITY = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}


def format_fields(fields: Mapping[str, object]) -> str:
    """`key=value` pairs joined by blanks; a value that is empty or has blanks or quotes is quoted as in JSON."""
    return " ".join(f"{key}={_format_value(value)}" for key, value in fields.items())


def _format_value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, (list, tuple, set, frozenset)):
        value = ",".join(str(item) for item in value)
    text = str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)


class Logger:
    """A logger of the standard library with fields as keywords, and `bind` for those that every line carries."""

    def __init__(self, logger: logging.Logger, bound: Mapping[str, object] | None = None) -> None:
        self._logger = logger
        self._bound = dict(bound or {})

    def bind(self, **fields: object) -> Logger:
        """The same logger with `fields` added to each of its lines."""
        return Logger(self._logger, {**self._bound, **fields})

    def debug(self, event: str, **fields: object) -> None:
        self._write(logging.DEBUG, event, fields)

    def info(self, event: str, **fields: object) -> None:
        self._write(logging.INFO, event, fields)

    def warning(self, event: str, **fields: object) -> None:
        self._write(logging.WARNING, event, fields)

    def error(self, event: str, **fields: object) -> None:
        self._write(logging.ERROR, event, fields)

    def exception(self, event: str, **fields: object) -> None:
        """As `error`, with the traceback of the exception being handled."""
        self._write(logging.ERROR, event, fields, exc_info=True)

    def _write(self, level: int, event: str, fields: Mapping[str, object], *, exc_info: bool = False) -> None:
        if not self._logger.isEnabledFor(level):
            return
        text = format_fields({**self._bound, **fields})
        self._logger.log(level, "%s", f"{event} {text}" if text else event, exc_info=exc_info)


def get_logger(name: str) -> Logger:
    """The logger of a module: pass `__name__`."""
    return Logger(logging.getLogger(name))


class _JournalFormatter(logging.Formatter):
    """Puts the priority in front of every line, since journald reads it line by line."""

    def format(self, record: logging.LogRecord) -> str:
        prefix = f"<{_PRIORITY.get(record.levelno, 6)}>"
        return "\n".join(prefix + line for line in super().format(record).splitlines())


def setup(level: str = "info") -> None:
    """Send every log line of the process to standard error; `level` is one of LEVELS."""
    if level not in LEVELS:
        raise ValueError(f"log level: got {level!r}, allowed are {', '.join(LEVELS)}")
    handler = logging.StreamHandler(sys.stderr)
    if "JOURNAL_STREAM" in os.environ:
        handler.setFormatter(_JournalFormatter("%(name)s: %(message)s"))
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for chatty in ("asyncio", "pyroute2", "pr2modules"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, logging.getLogger().level))
