"""What is left of the tuning: what the next start of the kernel takes away."""

from testinfra.host import Host


def test_no_hugepage_is_left(host: Host) -> None:
    assert host.file("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages").content_string == "0\n"


def test_the_next_start_has_no_argument_of_ours(host: Host) -> None:
    assert "isolcpus" not in host.file("/boot/grub/grub.cfg").content_string
