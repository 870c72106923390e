"""How long a dialer's steps take, as histograms that other processes can read."""

from bisect import bisect_left
from collections.abc import Mapping
from typing import Any, Literal

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Upper bounds of the buckets in seconds; one more bucket has none."""

Step = Literal["claim", "start", "invite"]
"""A claim's round trip; that of a start; and from the sending of a start until the INVITE was handed to the trunk."""


class Latencies:
    """Counts since the process started."""

    def __init__(self) -> None:
        self._buckets: dict[Step, list[int]] = {step: [0] * (len(BOUNDS) + 1) for step in ("claim", "start", "invite")}
        self._sums: dict[Step, float] = dict.fromkeys(self._buckets, 0.0)

    def observe(self, step: Step, seconds: float) -> None:
        """One more step took this long."""
        self._buckets[step][bisect_left(BOUNDS, seconds)] += 1
        self._sums[step] += seconds

    def to_json(self) -> Mapping[str, Any]:
        """By step, the counts of the buckets and the sum of the seconds."""
        return {step: {"buckets": self._buckets[step], "sum": self._sums[step]} for step in self._buckets}
