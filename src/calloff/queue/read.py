"""Looks at calls without moving them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import class_row
from psycopg.rows import dict_row

from calloff.db.pool import Pool
from calloff.db.statements import load

STATUSES = ("queued", "dialing", "connected", "completed", "failed", "canceled")
"""What a call's status can read, in the order of its life (contract, *Status*)."""
