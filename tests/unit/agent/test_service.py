"""Configuration files: what is read, and what each mistake is answered with."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from weft.log import format_fields
from weft.service import ConfigError, LogConfig, Remote, load_config, parse_config, sd_notify


@dataclass(frozen=True)
class _Limits:
    names: list[str] = field(default_factory=list)
    timeout: float = 2.5
    retries: int = 3


@dataclass(frozen=True)
class _Config:
    name: str
    weft: Remote
    tls: Remote | None = None
    limits: _Limits = field(default_factory=_Limits)
    log: LogConfig = field(default_factory=LogConfig)
    socket: Path = Path("/run/x")
    extra: dict[str, int] = field(default_factory=dict)


GOOD = {"name": "lab1", "weft": {"remote": "unix:/x"}}


def test_sections_defaults_and_types() -> None:
    config = parse_config(
        {**GOOD, "limits": {"timeout": 1, "names": ["a"]}, "socket": "/run/y", "extra": {"k": 1}}, _Config
    )
    assert config == _Config(
        "lab1", Remote("unix:/x"), None, _Limits(["a"], 1.0), socket=Path("/run/y"), extra={"k": 1}
    )


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({"weft": {"remote": "x"}}, "name: is missing; expected a string"),
        ({"name": "a"}, "weft: is missing; expected a table of keys"),
        ({**GOOD, "name": 1}, "name: got 1, expected a string"),
        ({**GOOD, "nam": "x"}, "nam: no such key; allowed are extra, limits, log, name, socket, tls, weft"),
        ({**GOOD, "weft": {"remot": "x"}}, "weft.remot: no such key; allowed are remote"),
        ({**GOOD, "weft": "unix:/x"}, "weft: got 'unix:/x', expected a table of keys"),
        ({**GOOD, "limits": {"retries": True}}, "limits.retries: got True, expected an integer"),
        ({**GOOD, "limits": {"names": "a"}}, "limits.names: got 'a', expected a list of strings"),
        ({**GOOD, "limits": {"names": [1]}}, "limits.names[0]: got 1, expected a string"),
        (
            {**GOOD, "log": {"level": "loud"}},
            "log.level: got 'loud', allowed are debug, info, warning, error",
        ),
    ],
)
def test_each_mistake_is_named(document: dict[str, object], text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(document, _Config)
    assert str(caught.value) == text


def test_file_errors_name_the_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere.toml: cannot be read: No such file"):
        load_config(tmp_path / "nowhere.toml", _Config)
    (tmp_path / "bad.toml").write_text("name = ")
    with pytest.raises(ConfigError, match=r"bad.toml: is not TOML"):
        load_config(tmp_path / "bad.toml", _Config)
    (tmp_path / "wrong.toml").write_text("name = 3")
    with pytest.raises(ConfigError, match=r"wrong.toml: name: got 3"):
        load_config(tmp_path / "wrong.toml", _Config)


def test_notification_reaches_the_manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert not sd_notify("READY=1")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        assert sd_notify("READY=1", "STATUS=up")
        assert manager.recv(100) == b"READY=1\nSTATUS=up"


def test_log_fields_are_quoted_only_where_needed() -> None:
    fields = {
        "port": "web.ns1",
        "error": 'no "x" there',
        "empty": "",
        "ok": True,
        "ips": ["10.0.0.1", "fd00::1"],
    }
    assert format_fields(fields) == ('port=web.ns1 error="no \\"x\\" there" empty="" ok=true ips=10.0.0.1,fd00::1')
