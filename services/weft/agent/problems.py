"""What is wrong on this host, by name: the operator reads it in `Host_Status.problems` and in the metrics.

A problem is a state and not an event: who reports one clears it when it is over. Names are paths, as in
`port/web.default`, so that one look tells what is concerned.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from weft.log import get_logger

_log = get_logger(__name__)
_TEXT_LIMIT = 500


class Problems:
    """The current problems. Listeners are told after each change."""

    def __init__(self) -> None:
        self._current: dict[str, str] = {}
        self._listeners: list[Callable[[], None]] = []

    def on_change(self, listener: Callable[[], None]) -> None:
        self._listeners.append(listener)

    @property
    def current(self) -> Mapping[str, str]:
        return dict(self._current)

    def report(self, name: str, message: str) -> None:
        """Set a problem; the same message again is no change."""
        message = message[:_TEXT_LIMIT]
        if self._current.get(name) == message:
            return
        self._current[name] = message
        _log.warning("problem", name=name, message=message)
        self._tell()

    def clear(self, name: str) -> None:
        if self._current.pop(name, None) is not None:
            _log.info("problem is over", name=name)
            self._tell()

    def check(self, name: str, message: str | None) -> None:
        """Report `message`, or clear the problem when there is none."""
        if message:
            self.report(name, message)
        else:
            self.clear(name)

    def clear_except(self, prefix: str, keep: set[str]) -> None:
        """Clear the problems whose name begins with `prefix`, but not those in `keep`."""
        for name in [name for name in self._current if name.startswith(prefix) and name not in keep]:
            self.clear(name)

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()
