"""What the audit log is told of a change."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


@dataclass(frozen=True, slots=True)
class Entry:
    """One change: who made it, from where, and what it was. No text holds a phone number, a key or a password."""

    account_id: int | None
    """Whom it concerns; None for what is no single account's, such as a trunk."""
    user_id: int | None
    """Who made it; None for the operator's command line."""
    origin: str
    """The door and, if there is one, the client's address: `console 192.0.2.1`, `api 192.0.2.1`, `command line`."""
    action: str
    """Such as `change the settings`."""
    subject: str
    """What it was done to, such as `deployment 7`."""
    changes: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    """Of each setting that changed, by name, what it was before and what it is now."""

    def parameters(self) -> dict[str, object]:
        """As statements name its parts."""
        changes = {name: {"old": old, "new": new} for name, (old, new) in self.changes.items()}
        return {
            "account_id": self.account_id,
            "user_id": self.user_id,
            "origin": self.origin,
            "action": self.action,
            "subject": self.subject,
            "changes": json.dumps(changes, default=str),
        }


def told(entry: Entry | None) -> dict[str, object]:
    """What a statement that writes an entry needs of it. None is for what is a part of a change that has an entry."""
    return (entry or Entry(None, None, "", "", "")).parameters()


def differences(before: "DataclassInstance", after: "DataclassInstance") -> dict[str, tuple[Any, Any]]:
    """Of each field that differs between two records of one kind, by name, what it was and what it is."""
    old, new = asdict(before), asdict(after)
    return {name: (old[name], new[name]) for name in new if old[name] != new[name]}
