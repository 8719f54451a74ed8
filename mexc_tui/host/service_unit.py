"""The systemd unit of a headless engine, as text (systemd.service(5), systemd.exec(5))."""

from dataclasses import dataclass
from pathlib import Path

NOTIFY_RELOAD_SINCE = 253
"""First systemd version with `Type=notify-reload`."""
USER_CREDENTIALS_SINCE = 256
"""First systemd version in which services of a user open encrypted credentials."""

_HARDENING = """\
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
SystemCallArchitectures=native
LimitCORE=0
UMask=0077
MemorySwapMax=0
"""
"""Restrictions that a unit of a user may set, too."""
_SYSTEM_HARDENING = """\
CapabilityBoundingSet=
ProtectSystem=strict
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectControlGroups=yes
PrivateTmp=yes
PrivateDevices=yes
OOMScoreAdjust=-500
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceUnit:
    """What the unit of one profile's engine contains."""

    profile: str
    command: tuple[str, ...]
    """Program and arguments, without shell syntax."""
    user: str = ""
    """Account of a system unit; empty: a unit of the current user."""
    writable: tuple[Path, ...] = ()
    """Folders that a system unit may write."""
    environment: tuple[tuple[str, str], ...] = ()
    credentials: tuple[tuple[str, Path], ...] = ()
    """Names and files of encrypted credentials (systemd-creds(1))."""
    systemd_version: int = 0
    """0: unknown."""

    @property
    def name(self) -> str:
        """Return the unit's name."""
        return unit_name(self.profile)

    def text(self) -> str:
        """Return the unit file."""
        return f"{self._unit()}\n{self._service()}\n{self._install()}"

    def _unit(self) -> str:
        network = "Wants=network-online.target\nAfter=network-online.target\n" if self.user else ""
        return (
            "[Unit]\n"
            f"Description=mexc-tui engine, profile {self.profile}\n"
            f"{network}"
            "# A crash loop ends after five starts, as a failed unit. A halt survives each crash.\n"
            "StartLimitIntervalSec=300\n"
            "StartLimitBurst=5\n"
        )

    def _service(self) -> str:
        notifies_reload = self.systemd_version >= NOTIFY_RELOAD_SINCE
        reload = "" if notifies_reload else "ExecReload=/bin/kill -HUP $MAINPID\n"
        system = ""
        if self.user:
            folders = " ".join(quoted(str(folder)) for folder in self.writable)
            system = f"User={self.user}\n{_SYSTEM_HARDENING}ReadWritePaths={folders}\n"
        environment = "".join(
            f"Environment={quoted(f'{name}={value}')}\n" for name, value in self.environment
        )
        return (
            "[Service]\n"
            f"Type={'notify-reload' if notifies_reload else 'notify'}\n"
            f"ExecStart={' '.join(map(quoted, self.command))}\n"
            f"{reload}"
            f"{environment}"
            f"{self._credentials()}"
            "# Exit codes 2 and 3: wrong settings, or another engine runs. Another start would not help.\n"
            "Restart=on-failure\n"
            "RestartSec=2\n"
            "RestartPreventExitStatus=2 3\n"
            "WatchdogSec=20\n"
            "TimeoutStartSec=90\n"
            "TimeoutStopSec=30\n"
            f"{_HARDENING}"
            f"{system}"
        )

    def _credentials(self) -> str:
        # The whole rest of the line is the path; only % is special in it.
        lines = (f"{name}:{str(file).replace('%', '%%')}" for name, file in self.credentials)
        return "".join(f"LoadCredentialEncrypted={line}\n" for line in lines)

    def _install(self) -> str:
        return f"[Install]\nWantedBy={'multi-user.target' if self.user else 'default.target'}\n"


def unit_name(profile: str) -> str:
    """Return the name of the unit of a profile's engine."""
    return f"mexc-tui-{profile}.service"


def quoted(word: str) -> str:
    """Return one word of a unit file, literal for systemd (systemd.syntax(7))."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"'
