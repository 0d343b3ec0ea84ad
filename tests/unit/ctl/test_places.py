"""Command lines for hosts: nothing that was named becomes an option or a shell's."""

from __future__ import annotations

import pytest

from weft.ctl.config import Config
from weft.ctl.errors import UsageError
from weft.ctl.hosts.places import Places, Reported
from weft.service import ConfigError, Remote, parse_config

BASE = {"weft": {"remote": "unix:/w"}, "northbound": {"remote": "unix:/n"}}


def places(**more: object) -> Places:
    config = parse_config({**BASE, **more}, Config)
    reported = {"lab2": Reported("lab2.example", ("198.51.100.2", "192.0.2.2"), "198.51.100.2")}
    return Places(config, reported, frozenset({"lab1"}))


def test_each_word_reaches_the_program_as_it_is() -> None:
    line = places().command("lab2", ["ovs-vsctl", "get", "Interface", "a b;$(reboot)", "name"])
    assert line[:2] == ["ssh", "-T"]
    assert line[-3:] == ["--", "192.0.2.2", "ovs-vsctl get Interface 'a b;$(reboot)' name"]
    assert "BatchMode=yes" in line


def test_the_configuration_comes_first() -> None:
    ssh = {"user": "ops", "identity_file": "/k", "options": ["ProxyJump=b"], "connect_timeout": 9}
    made = places(ssh=ssh, hosts={"lab2": {"address": "2001:db8::2"}, "lab3": {"command": ["podman", "exec", "c"]}})
    line = made.command("lab2", ["true"], terminal=True)
    assert line == [
        "ssh", "-tt", "-o", "ConnectTimeout=9", "-o", "ProxyJump=b", "-i", "/k", "-l", "ops", "--", "2001:db8::2",
        "true",
    ]  # fmt: skip
    assert made.command("lab3", ["true", "a b"]) == ["podman", "exec", "c", "true", "a b"]
    assert made.command("lab1", ["true"]) == ["true"], "this machine"
    assert made.by_address("2001:db8::2") == made.by_address("192.0.2.2") == "lab2"
    assert made.by_address("192.0.2.9") == ""


@pytest.mark.parametrize("host", ["-oProxyCommand=reboot", "lab2;reboot", "lab2 -l x", "", "lab9", "../lab2", "lab2\n"])
def test_what_is_no_known_host_is_refused(host: str) -> None:
    with pytest.raises(UsageError, match="known are lab2"):
        places().command(host, ["true"])


@pytest.mark.parametrize(
    ("section", "value"),
    [
        ("hosts", {"-x": {"address": "192.0.2.1"}}),
        ("hosts", {"a": {"address": "-oProxyCommand=x"}}),
        ("hosts", {"a": {"adress": "192.0.2.1"}}),
        ("ssh", {"user": "-l"}),
        ("ssh", {"options": ["-F/x"]}),
    ],
)
def test_a_configuration_that_could_be_an_option_is_refused(section: str, value: object) -> None:
    with pytest.raises(ConfigError):
        parse_config({**BASE, section: value}, Config)


def test_without_any_configuration_a_reported_address_is_taken() -> None:
    bare = Places(Config(Remote("unix:/w"), Remote("unix:/n")), {"a": Reported(encap_ip="192.0.2.1")}, frozenset())
    assert bare.address("a") == "a"
