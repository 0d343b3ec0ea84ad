"""The profile of tuned: which there are, which is refused, when it is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from plugins.module_utils.tuning import boot, profile
from plugins.module_utils.tuning.host import Host

PROFILES = {
    "/usr/lib/tuned/profiles/balanced": "[main]\nsummary=All in balance\n",
    "/usr/lib/tuned/throughput-performance": "[main]\nsummary=Fast\n\n[sysctl]\nvm.swappiness=10\n",
    "/usr/lib/tuned/profiles/latency": "[main]\ninclude=throughput-performance\n[bootloader]\n#cmdline=quiet\n",
    "/usr/lib/tuned/profiles/around": "[main]\ninclude = around cores\n",
    "/usr/lib/tuned/profiles/cores": "[main]\ninclude=latency\n[bootloader]\n"
    "cmdline_cpu_part=+nohz=on${cmd_isolcpus} nohz_full=${isolated_cores} tuned.non_isolcpus=${mask} nosoftlockup\n",
    "/etc/tuned/profiles/ours": "[main]\nsummary=x\ninclude=balanced, ?cores\n[bootloader]\ncmdline=-quiet\n",
}
NAMES = ", ".join(sorted(name.rpartition("/")[2] for name in PROFILES))
CORES = {"nohz", "nohz_full", "tuned.non_isolcpus", "nosoftlockup"}


class _Host(Host):  # type: ignore[misc]  # plugins are not typed
    """A root of files; what is run is written down."""

    def __init__(self, root: Path) -> None:
        super().__init__(str(root))
        self.ran: list[tuple[str, ...]] = []

    def run(self, *words: str) -> str:
        self.ran.append(words)
        return ""

    def put(self, name: str, text: str) -> None:
        path = Path(self.path(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def host(tmp_path: Path) -> _Host:
    """tuned is there, and has chosen `balanced` by itself."""
    found = _Host(tmp_path)
    for directory, text in PROFILES.items():
        found.put(f"{directory}/tuned.conf", text)
    found.put("/usr/lib/tuned/profiles/functions", "not a profile")
    found.put("/usr/sbin/tuned-adm", "")
    found.put("/etc/tuned/active_profile", "balanced\n")
    found.put("/etc/tuned/profile_mode", "auto\n")
    return found


@pytest.mark.parametrize(
    ("wish", "problem"),
    [
        (None, ""),
        ("recommended", ""),
        ("throughput-performance", ""),
        ("balanced latency", ""),
        ("balanced fast slow", f"profile: tuned has no fast, slow; it has {NAMES}"),
        ("cores", "profile: cores gives the kernel nohz_full, which other options ask for too"),
        ("balanced around", "profile: balanced around gives the kernel nohz_full, which other options ask for too"),
    ],
)
def test_a_profile_is_there_and_gives_no_argument_that_is_asked_for(
    host: _Host, wish: str | None, problem: str
) -> None:
    assert profile.problems(host, wish, ["isolcpus=2", "nohz_full=2"]) == [problem] * bool(problem)


@pytest.mark.parametrize(
    ("wish", "names"),
    [
        (None, set()),
        ("recommended", set()),
        ("latency", set()),
        ("cores", CORES),
        ("around", CORES),
        ("ours", CORES | {"quiet"}),
    ],
)
def test_names_of_kernel_arguments_are_those_of_all_that_a_profile_includes(
    host: _Host, wish: str | None, names: set[str]
) -> None:
    assert profile.argument_names(host, wish) == names


def test_without_tuned_there_is_no_profile_and_nothing_to_take_back(host: _Host) -> None:
    Path(host.path("/usr/sbin/tuned-adm")).unlink()
    assert profile.problems(host, "balanced", []) == [
        "profile is balanced, and tuned is not installed (no /usr/sbin/tuned-adm)"
    ]
    Path(host.path("/etc/tuned/profile_mode")).write_text("manual\n")
    assert profile.problems(host, "recommended", []) == []
    assert profile.difference(host, "recommended") == {}


@pytest.mark.parametrize(
    ("mode", "active", "wish", "pair"),
    [
        ("auto", "balanced", None, None),
        ("auto", "balanced", "recommended", None),
        ("", "", "recommended", None),
        ("auto", "balanced", "balanced", ("recommended", "balanced")),
        ("manual", "balanced", "balanced", None),
        ("manual", "balanced  ours", "balanced ours", None),
        ("manual", "ours balanced", "balanced ours", ("ours balanced", "balanced ours")),
        ("manual", "", "balanced", (None, "balanced")),
        ("manual", "balanced", "recommended", ("balanced", "recommended")),
    ],
)
def test_tuned_is_asked_where_it_has_another_or_chose_by_itself(
    host: _Host, mode: str, active: str, wish: str | None, pair: tuple[str | None, str] | None
) -> None:
    host.put("/etc/tuned/active_profile", f"{active}\n")
    host.put("/etc/tuned/profile_mode", f"{mode}\n")
    assert profile.difference(host, wish) == ({"profile of tuned": pair} if pair else {})
    profile.apply(host, wish)
    words = ["auto_profile"] if wish == "recommended" else ["profile", *(wish or "").split()]
    assert host.ran == ([("tuned-adm", *words)] if pair else [])


@pytest.mark.parametrize("arguments", ["", "skew_tick=1"])
def test_grubs_configuration_is_made_anew_where_the_kernels_arguments_change(
    host: _Host, monkeypatch: pytest.MonkeyPatch, arguments: str
) -> None:
    host.put(profile.BOOT, "TUNED_BOOT_CMDLINE=\n")
    host.put(boot.CONFIGURATION, "")
    ran: list[str] = []

    def run(*words: str) -> str:
        ran.append(words[0])
        host.put(profile.BOOT, f"TUNED_BOOT_CMDLINE={arguments}\n")
        return ""

    monkeypatch.setattr(host, "run", run)
    profile.apply(host, "latency")
    assert ran == ["tuned-adm", *["grub-mkconfig"] * bool(arguments)]
