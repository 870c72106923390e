"""One attempt to reach somebody: from the INVITE to the last ACK (RFC 3261 sections 13 to 15)."""

from calloff.sip.events import Event, Send, SendResult
from calloff.sip.setup import CallSetup


class OutgoingCall:
    """Made by `UserAgent.dial`, which also gives it what comes and takes what it sends."""

    setup: CallSetup
    ended: bool
    """Whether `Ended` was given: no copy of the INVITE can leave any more."""
    closed: bool
    """Whether nothing of it is left to be answered: the machine can be forgotten."""

    def hang_up(self, now: float, *, reason: str = "") -> None:
        """End it, in any state: nothing, CANCEL (once a provisional response is there) or BYE; `Ended` follows.

        No copy of the INVITE leaves from now on. `reason` is a Reason header's value (`Q.850;cause=16`), or empty.
        """
        raise NotImplementedError

    def send_key(self, key: str, duration: float, now: float) -> bool:
        """Send a key by INFO; False if the far end does not take INFO or the call is not connected."""
        raise NotImplementedError

    def transfer(self, refer_to: str, now: float, *, referred_by: str = "") -> bool:
        """Ask the far end to call `refer_to` (a URI) in our place (REFER, RFC 3515); `TransferProgress` follows.

        False if the far end does not take REFER or the call is not connected. The call goes on until it is hung up.
        """
        raise NotImplementedError

    def sent(self, send: Send, result: SendResult, now: float) -> None:
        """What became of a fenced send: `UserAgent.sent` calls it."""
        raise NotImplementedError

    def take_events(self) -> list[Event]:
        """What happened since the last time, in order."""
        raise NotImplementedError
