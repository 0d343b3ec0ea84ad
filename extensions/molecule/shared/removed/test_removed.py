"""After any role's removal: no file and no unit of ours."""

from testinfra.host import Host


def test_no_file_is_left(host: Host) -> None:
    assert host.check_output("find /etc /usr/local -type f '(' -path '*weft*' -o -path '*/pcidp/*' ')'") == ""


def test_no_unit_is_left(host: Host) -> None:
    assert host.check_output("systemctl list-units --all --no-legend --plain 'weft-*'") == ""
