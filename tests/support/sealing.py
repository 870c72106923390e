"""The kinds of trunks, as the wiring tells the console of them."""

from cryptography.fernet import Fernet

from calloff.accounts.secrets import SecretBox
from calloff.wiring.trunk_settings import trunk_kinds

BOX = SecretBox(Fernet.generate_key().decode())
"""Opens again what was sealed."""


TRUNK_KINDS = trunk_kinds(lambda: BOX)
