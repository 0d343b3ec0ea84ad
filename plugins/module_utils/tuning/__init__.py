# Copyright: the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a host is tuned: what is wished, what is, and the steps between.

The package serves the module `host_tuning` and, copied to a host, the unit that tunes it at each boot, so that both
mean the same; hence the standard library only. One subject has one file: `problems` says what stands against a wish,
`difference` gives what is and what is wished where they differ, `apply` makes it so.
"""

from __future__ import annotations

from . import boot, cpus, hugepages, interrupts, nics, profile, sysctls


def kernel_arguments(wish):
    """All of them: those that follow from other wishes first."""
    isolated = cpus.isolation_arguments(wish["isolated_cpus"]) if wish["isolated_cpus"] else []
    return isolated + hugepages.arguments(wish["hugepages"]) + wish["kernel_arguments"]


def problems(host, wish):
    """Everything that stands against the wish on this host."""
    found = hugepages.problems(host, wish["hugepages"])
    if wish["isolated_cpus"]:
        found += cpus.isolation_problems(host, wish["isolated_cpus"])
    if wish["interrupt_cpus"]:
        found += cpus.problems(host, "interrupt_cpus", wish["interrupt_cpus"])
    found += sysctls.problems(host, wish["sysctls"]) + nics.problems(host, wish["nics"])
    found += profile.problems(host, wish["profile"], kernel_arguments(wish))
    if not found and _is_about_boot(host, wish):
        found += boot.problems(host, kernel_arguments(wish), wish["removed_kernel_arguments"])
    return found


def _is_about_boot(host, wish):
    """Whether anything in the wish is the kernel's to be given when it starts."""
    asked = kernel_arguments(wish) or wish["removed_kernel_arguments"]
    return bool(asked or profile.argument_names(host, wish["profile"]))


def difference(host, wish):
    return {
        **boot.difference(host, kernel_arguments(wish), wish["removed_kernel_arguments"]),
        **profile.difference(host, wish["profile"]),
        **hugepages.difference(host, wish["hugepages"]),
        **sysctls.difference(host, wish["sysctls"]),
        **nics.difference(host, wish["nics"]),
        **interrupts.difference(host, wish["interrupt_cpus"]),
    }


def apply(host, wish):
    """Tune what can be tuned while the host runs, and tell GRUB the rest. Returns what only a reboot can give."""
    boot.apply(host, kernel_arguments(wish), wish["removed_kernel_arguments"])
    # What is asked for by name prevails over a profile.
    profile.apply(host, wish["profile"])
    return apply_running(host, wish)


def apply_running(host, wish):
    short = hugepages.apply(host, wish["hugepages"])
    sysctls.apply(host, wish["sysctls"])
    nics.apply(host, wish["nics"])
    interrupts.apply(host, wish["interrupt_cpus"])
    return short


def reboot_reasons(host, wish, short=()):
    """Why the host has to be started again; empty when it has not. In check mode GRUB still has to be told."""
    by_name = boot.difference(host, kernel_arguments(wish), wish["removed_kernel_arguments"])
    by_profile = profile.difference(host, wish["profile"]) and profile.argument_names(host, wish["profile"])
    other = _is_about_boot(host, wish) and not boot.is_running(host)
    awaited = by_name or by_profile or other
    return [*short, *(["its kernel was started with other arguments than GRUB gives"] if awaited else [])]
