"""Judges a history by the promises S1 to S6 (docs/architecture.md, *What is promised*).

The time of an event in the database is told in milliseconds, and the far end's is taken a moment after the packet left:
that is what the allowances are for, and none of them could hide a call that was dialed after it was called off.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from tests.faults.history import Accepted, Cancel, Ended, History, Invite

FENCE = 1.0
"""Seconds after the start in which an INVITE may leave (S2)."""
ANSWER = 10.0
"""Seconds in which a cancel is answered (S6)."""
_ROUNDING = 0.002
_WIRE = 0.25
"""Seconds that a busy machine may take to hand a packet from one process to another."""
_OVER = frozenset({"completed", "failed", "canceled"})
_ENDS = ("disconnected", "canceled", "expired")


@dataclass(frozen=True, slots=True)
class Violation:
    """What must not happen, and happened."""

    promise: str
    text: str


def violations(history: History) -> list[Violation]:
    """Every one in the history."""
    return [*_by_call(history), *_by_cancel(history)]


def cancels_into_dialing(history: History) -> int:
    """How many cancels fell within a tenth of a second of an INVITE of their deployment: what a run is worth."""
    deployment_of = {call.number: call.deployment_id for call in history.accepted}
    firsts: dict[int | None, list[float]] = defaultdict(list)
    for number, dialogs in _dialogs(history).items():
        firsts[deployment_of.get(number)] += [copies[0].at for copies in dialogs]
    return sum(
        any(cancel.asked - 0.1 <= at <= cancel.answered + 0.1 for at in firsts[cancel.deployment_id])
        for cancel in history.cancels
        if cancel.status == 202
    )


def _dialogs(history: History) -> dict[str, list[list[Invite]]]:
    """By number, the INVITEs of each Call-ID, in the order in which they were first seen."""
    found: dict[str, dict[str, list[Invite]]] = defaultdict(dict)
    for invite in sorted(history.invites, key=lambda invite: invite.at):
        found[invite.number].setdefault(invite.sip_call_id, []).append(invite)
    return {number: list(dialogs.values()) for number, dialogs in found.items()}


def _by_call(history: History) -> Iterator[Violation]:
    dialogs = _dialogs(history)
    delivered: dict[int, set[str]] = defaultdict(set)
    for delivery in history.deliveries:
        delivered[delivery.call_id].add(delivery.webhook_id)
    for call in history.accepted:
        ended = history.ended.get(call.call_id)
        if ended is None or ended.state not in _OVER:
            yield Violation("S4", f"call {call.call_id} was accepted and is not over")
            continue
        ends = len(ended.times(*_ENDS))
        if ends > 1 or (ends == 0 and ended.state != "failed"):
            yield Violation("S4", f"call {call.call_id} has not exactly one end")
        if len(delivered[call.call_id]) != 1:
            yield Violation("S4", f"call {call.call_id} has {len(delivered[call.call_id])} IDs of callbacks")
        yield from _on_the_wire(ended, dialogs.get(call.number, []))
        yield from _called_off(history, call, ended, dialogs.get(call.number, []))


def _on_the_wire(ended: Ended, dialogs: list[list[Invite]]) -> Iterator[Violation]:
    name = f"call {ended.call_id}"
    if len(dialogs) > ended.attempts:
        yield Violation("S3", f"{name} has {ended.attempts} attempts and {len(dialogs)} INVITEs")
    for copies in dialogs:
        if len({copy.branch for copy in copies}) > 1:
            yield Violation("S3", f"{name} has an attempt with two INVITEs that are no copies")
    starts, failures = ended.times("dialing"), ended.times("failed")
    for copies, started in zip(dialogs, starts, strict=False):
        if len(dialogs) == len(starts) and copies[0].at > started + FENCE + _WIRE:
            yield Violation("S2", f"{name} was dialed {copies[0].at - started:.3f} s after its start")
        end = next((at for at in failures if at > started), None)
        if end is not None and copies[-1].at > end + _WIRE:
            yield Violation("S1", f"{name} got a copy of its INVITE {copies[-1].at - end:.3f} s after its end")


def _called_off(history: History, call: Accepted, ended: Ended, dialogs: list[list[Invite]]) -> Iterator[Violation]:
    name = f"call {call.call_id}"
    for cancel in history.cancels:
        if cancel.deployment_id != call.deployment_id or cancel.status != 202 or cancel.asked < call.answered:
            continue
        moment = _moment(history, cancel)
        started = sum(at <= moment + _ROUNDING for at in ended.times("dialing"))
        for copies in dialogs[started:]:
            if copies[0].at > cancel.answered:
                yield Violation("S1", f"{name} was dialed {copies[0].at - cancel.answered:.3f} s after a 202")
        if any(at > moment + _ROUNDING for at in ended.times("dialing")):
            yield Violation("S1", f"{name} was started after it had been called off")
    if ended.state == "canceled" and not any(
        cancel.deployment_id == call.deployment_id and cancel.answered > call.asked for cancel in history.cancels
    ):
        yield Violation("S1", f"{name} was called off by a cancel that was over before it was queued, or by none")


def _by_cancel(history: History) -> Iterator[Violation]:
    for cancel in history.cancels:
        if cancel.answered - cancel.asked > ANSWER + _WIRE:
            yield Violation("S6", f"a cancel was answered after {cancel.answered - cancel.asked:.1f} s")
        if cancel.status == 202 and _moment(history, cancel) < cancel.asked - _ROUNDING:
            yield Violation("S5", "a cancel was answered 202, and the database has none")


def _moment(history: History, cancel: Cancel) -> float:
    """When the cancel committed: the last one of its deployment before its answer."""
    moments = (at for deployment_id, at in history.cancellations if deployment_id == cancel.deployment_id)
    return max((at for at in moments if at <= cancel.answered + _ROUNDING), default=float("-inf"))
