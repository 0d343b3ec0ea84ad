"""After any role's removal: no file and no unit of ours."""

from testinfra.host import Host


def test_no_file_is_left(host: Host) -> None:
    assert host.check_output("find /etc /usr/local -type f '(' -path '*weft*' -o -path '*/pcidp/*' ')'") == ""


def test_no_unit_is_left(host: Host) -> None:
    # one that is only named by another unit, as what that has to come before, is none
    there = "systemctl list-units --all --state=loaded,active,failed --no-legend --plain 'weft-*'"
    assert host.check_output(there) == ""
