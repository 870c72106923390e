"""Every setting of Calloff: each is an option of the commands that use it, and an environment variable `CALLOFF_…`."""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import Field, dataclass, field, fields
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Literal

from platformdirs import user_data_path

from calloff.domain.errors import NotConfigured

Command = Literal["serve", "api", "dialer", "webhooks", "admin", "client"]
"""The commands that settings are for: `admin` and `client` are several each."""

_SERVER: tuple[Command, ...] = ("serve", "api", "dialer", "webhooks")
_PASSWORD_IN_URL = re.compile(r"(://[^:/@]*:)[^/?]*@")
_PASSWORD_IN_PARAMETERS = re.compile(r"(password\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&]+)", re.IGNORECASE)


def _about(text: str, *commands: Command, secret: bool = False) -> Mapping[str, Any]:
    return {"help": text, "commands": commands, "secret": secret}


def _default_data_dir() -> Path:
    return user_data_path("calloff")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What is in force for one process. A setting that a command has no option for has its default there."""

    host: str = field(
        default="127.0.0.1",
        metadata=_about("Address to listen on; 0.0.0.0 is every one of this machine.", "serve", "api"),
    )
    port: int = field(default=8080, metadata=_about("Port to listen on; 0 takes a free one.", "serve", "api"))
    tls_certificate: Path | None = field(
        default=None,
        metadata=_about("Certificate chain (PEM) to answer HTTPS with; needs --tls-key.", "serve", "api"),
    )
    tls_key: Path | None = field(default=None, metadata=_about("Private key (PEM) of the certificate.", "serve", "api"))
    require_tls: bool = field(default=False, metadata=_about("Refuse to start without a certificate.", "serve", "api"))
    trusted_proxies: str = field(
        default="",
        metadata=_about(
            "Networks of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed: 10.0.0.5,fd00::/8.",
            "serve",
            "api",
        ),
    )
    data_dir: Path = field(
        default_factory=_default_data_dir,
        metadata=_about("Directory of the embedded database, the keys and the sounds.", *_SERVER, "admin", "client"),
    )
    database_url: str | None = field(
        default=None,
        metadata=_about(
            "Address of a PostgreSQL 15 or later to use instead of the embedded one.", *_SERVER, "admin", secret=True
        ),
    )
    secret_key: str | None = field(
        default=None,
        metadata=_about(
            "Key that encrypts the secrets of trunks, one for all processes; else it is kept in the data directory.",
            *_SERVER,
            "admin",
            secret=True,
        ),
    )
    dialers: int = field(default=1, metadata=_about("How many dialer processes to run.", "serve"))
    ports: int = field(
        default=250, metadata=_about("How many calls one dialer process holds at once.", "serve", "dialer")
    )
    drain_timeout: float = field(
        default=30.0,
        metadata=_about("Seconds that a dialer which is told to stop waits for its calls to end.", "serve", "dialer"),
    )
    allow_networks: str = field(
        default="",
        metadata=_about(
            "Networks besides the public Internet for callbacks, recordings and documents: 10.1.0.0/16,fd00::/8.",
            "serve",
            "dialer",
            "webhooks",
        ),
    )
    sip_address: str | None = field(
        default=None,
        metadata=_about(
            "IP address that SIP trunks use; else, for each trunk, the one that leads to it.", "serve", "dialer"
        ),
    )
    sip_port: int = field(
        default=5060,
        metadata=_about(
            "UDP and TCP port of SIP; if it is taken, one of the next even ones; 0 takes any.", "serve", "dialer"
        ),
    )
    rtp_ports: str = field(
        default="10000-20000", metadata=_about("UDP ports for the media of SIP calls.", "serve", "dialer")
    )
    sip_ca_file: Path | None = field(
        default=None,
        metadata=_about(
            "Authorities (PEM) that may sign the certificates of SIP carriers; else those of the system.",
            "serve",
            "dialer",
        ),
    )
    piper_voice: Path | None = field(
        default=None,
        metadata=_about("Piper voice (.onnx) that reads texts to callees; else espeak-ng.", "serve", "dialer"),
    )
    retention_days: int = field(
        default=90,
        metadata=_about("Days that a call is kept after its end; 0 keeps it for ever.", "serve", "dialer"),
    )
    metrics_token: str | None = field(
        default=None,
        metadata=_about(
            "Token that /metrics asks for; without one, only this machine may read it.", "serve", "api", secret=True
        ),
    )
    cors_origins: str = field(
        default="",
        metadata=_about(
            "Web pages that may ask the API from a browser: https://crm.example.com,https://other.example.",
            "serve",
            "api",
        ),
    )
    log_level: str = field(
        default="info", metadata=_about("Least severe messages to log: debug, info, warning or error.", *_SERVER)
    )
    url: str | None = field(default=None, metadata=_about("Address of the API.", "client"))
    email: str | None = field(default=None, metadata=_about("E-mail address to sign in to the API with.", "client"))
    key: str | None = field(
        default=None, metadata=_about("Developer key to sign in to the API with.", "client", secret=True)
    )

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise NotConfigured("The port must be 0 to 65535.")
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise NotConfigured("A TLS certificate and its key go together. Set --tls-certificate and --tls-key.")
        if self.require_tls and self.tls_certificate is None:
            raise NotConfigured("TLS is required, and there is no certificate. Set --tls-certificate and --tls-key.")
        if self.dialers < 0 or self.ports < 1 or self.drain_timeout < 0:
            raise NotConfigured("The dialers and the drain time-out must not be negative, and the ports at least 1.")
        if self.retention_days < 0 or 0 < self.retention_days < 4:
            raise NotConfigured("The retention must be 0, or 4 days or more: results are tried for three days.")
        if self.log_level not in ("debug", "info", "warning", "error"):
            raise NotConfigured("The log level must be debug, info, warning or error.")
        first, last = self.rtp_port_range
        if not 1024 <= first < last <= 65535:
            raise NotConfigured("The RTP ports must be a range within 1024-65535.")
        if not 0 <= self.sip_port < 65535:
            raise NotConfigured("The SIP port must be 0 to 65534.")
        _ = self.allowed_networks, self.proxy_networks, self.origins

    @property
    def rtp_port_range(self) -> tuple[int, int]:
        """The first and the last port for media. Raises `NotConfigured`."""
        match = re.fullmatch(r"([0-9]{1,5})-([0-9]{1,5})", self.rtp_ports, re.ASCII)
        if match is None:
            raise NotConfigured("The RTP ports must be a range such as 10000-20000.")
        return int(match[1]), int(match[2])

    @property
    def allowed_networks(self) -> list[IPv4Network | IPv6Network]:
        """The networks that users may name addresses in, besides public ones. Raises `NotConfigured`."""
        return _networks(self.allow_networks, "The allowed networks must look like 10.1.0.0/16,fd00::/8.")

    @property
    def proxy_networks(self) -> list[IPv4Network | IPv6Network]:
        """Where the proxies are that are believed. Raises `NotConfigured`."""
        return _networks(self.trusted_proxies, "The trusted proxies must look like 10.0.0.5,fd00::/8.")

    @property
    def origins(self) -> frozenset[str]:
        """The origins whose pages may ask the API (CORS). Raises `NotConfigured`."""
        found = frozenset(part.strip() for part in self.cors_origins.split(",") if part.strip())
        if not all(re.fullmatch(r"https?://[^/?#@\s*]+", origin) for origin in found):
            raise NotConfigured("The CORS origins must look like https://crm.example.com, without a path.")
        return found

    def environment(self) -> Mapping[str, str]:
        """The environment that gives a child process the same settings."""
        values = {envvar(setting): getattr(self, setting.name) for setting in fields(self)}
        return {name: str(value) for name, value in values.items() if value is not None}


def _networks(text: str, otherwise: str) -> list[IPv4Network | IPv6Network]:
    try:
        return [ip_network(part.strip()) for part in text.split(",") if part.strip()]
    except ValueError:
        raise NotConfigured(otherwise) from None


def settings_of(command: Command | None = None) -> list[Field[Any]]:
    """The settings that the command has options for, in the order of the list above; None for all."""
    return [each for each in fields(Settings) if command is None or command in each.metadata["commands"]]


def option(setting: Field[Any]) -> str:
    """The option of a setting: `--data-dir`."""
    return f"--{setting.name.replace('_', '-')}"


def envvar(setting: Field[Any]) -> str:
    """The environment variable of a setting: `CALLOFF_DATA_DIR`."""
    return f"CALLOFF_{setting.name.upper()}"


def misspelled(environment: Iterable[str]) -> dict[str, str]:
    """The variables that no setting has, but one has nearly; and what that one is called."""
    known = [envvar(setting) for setting in settings_of()]
    unknown = sorted(name for name in environment if name.startswith("CALLOFF_") and name not in known)
    near = {name: difflib.get_close_matches(name, known, n=1, cutoff=0.85) for name in unknown}
    return {name: found[0] for name, found in near.items() if found}


def shown(setting: Field[Any], value: object) -> str:
    """The value as anybody may see it: of a secret, only that it is set; of an address, all but its password."""
    if value is None:
        return ""
    if setting.name == "database_url":
        return _PASSWORD_IN_PARAMETERS.sub(r"\1***", _PASSWORD_IN_URL.sub(r"\1***@", str(value)))
    return "***" if setting.metadata["secret"] else str(value)
