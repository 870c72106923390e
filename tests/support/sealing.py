"""Seals the settings of trunks, as the wiring has the console do it."""

from collections.abc import Mapping
from typing import Any

from cryptography.fernet import Fernet

from calloff.accounts.secrets import SecretBox
from calloff.accounts.trunks import TrunkKind
from calloff.wiring.trunk_settings import seal_settings

BOX = SecretBox(Fernet.generate_key().decode())
"""Opens again what was sealed."""


def seal(kind: TrunkKind, settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Check the settings and encrypt their secrets."""
    return seal_settings(kind, settings, BOX)
