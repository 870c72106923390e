"""What an account, a deployment and a trunk can each be limited to."""

from typing import Annotated, TypeAlias

from typing_extensions import TypedDict

from calloff.domain.settings import About

MaxConcurrentCalls: TypeAlias = Annotated[
    int | None,
    About(
        "Calls at once, at most", "Dialing or connected at one moment.", none="no limit", at_least=1, at_most=1000000
    ),
]
CallsPerSecond: TypeAlias = Annotated[
    float | None,
    About(
        "New calls per second, at most",
        "0.1 is one in ten seconds.",
        none="no limit",
        at_least=0.001,
        at_most=10000,
    ),
]


class Limits(TypedDict, total=False):
    """What is left out stays as it is; None takes a limit away."""

    max_concurrent_calls: MaxConcurrentCalls
    calls_per_second: CallsPerSecond
