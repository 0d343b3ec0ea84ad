"""The tuning as the kernel shows it."""

from testinfra.host import Host

NIC = "enp1s0"


def test_hugepages_are_there(host: Host) -> None:
    pages = host.file("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages")
    assert pages.content_string == "64\n"


def test_the_kernel_was_started_with_its_arguments(host: Host) -> None:
    arguments = host.file("/proc/cmdline").content_string
    assert "isolcpus=managed_irq,domain,1 nohz_full=1 rcu_nocbs=1 intel_iommu=on iommu=pt" in arguments
    assert host.file("/sys/devices/system/cpu/isolated").content_string == "1\n"


def test_interrupts_have_their_processor(host: Host) -> None:
    assert host.file("/proc/irq/default_smp_affinity").content_string == "1\n"


def test_kernel_parameters_are_set(host: Host) -> None:
    assert host.sysctl("net.core.rmem_max") == 4194304


def test_a_nic_is_tuned(host: Host) -> None:
    current = host.check_output(f"ethtool --show-ring {NIC}").partition("Current")[2]
    assert current.split("RX:")[1].split()[0] == "1024"
    assert "generic-receive-offload: off" in host.check_output(f"ethtool --show-features {NIC}")


def test_it_is_so_at_each_boot(host: Host) -> None:
    unit = host.service("weft-tuning")
    assert unit.is_enabled
    assert unit.is_running
