"""Whose callbacks are sent next, and how many at once."""

from calloff.webhooks.outbox import DueHost
from calloff.webhooks.turns import AT_ONCE, EXTRA, NOT_PROMPT, PER_HOST, PER_PROMPT_HOST, PROMPT, Turns


def of(host: str, account_id: int = 1) -> DueHost:
    return DueHost(host, account_id)


def fill(turns: Turns, hosts: list[str], account_id: int = 1) -> dict[str, int]:
    """Begin whatever there is room for; returns how many each host got."""
    got = {}
    for due in turns.in_order([of(host, account_id) for host in hosts]):
        if room := turns.room(due):
            turns.begin(due, room)
            got[due.host] = room
    return got


def proven(turns: Turns, hosts: list[str]) -> None:
    """Each host has answered promptly."""
    for host in hosts:
        turns.begin(of(host), 1)
        turns.end(of(host), 0.1)


def names(prefix: str, number: int) -> list[str]:
    return [f"{prefix}{n:04}" for n in range(number)]


def test_a_host_gets_so_many_at_once_and_another_only_when_one_is_over() -> None:
    turns = Turns()
    assert fill(turns, ["a"]) == {"a": PER_HOST}
    assert turns.room(of("a")) == 0
    turns.end(of("a"), None)
    assert turns.room(of("a")) == 1


def test_a_prompt_host_gets_more_until_it_is_late() -> None:
    turns = Turns()
    proven(turns, ["a"])
    assert fill(turns, ["a"]) == {"a": PER_PROMPT_HOST}
    for _ in range(5):
        turns.end(of("a"), 0.1)
    assert turns.room(of("a")) == 5
    turns.end(of("a"), PROMPT + 0.1)
    assert turns.room(of("a")) == 0


def test_what_prompt_hosts_get_more_takes_no_room_from_others() -> None:
    turns, greedy = Turns(), names("greedy", 10)
    proven(turns, greedy)
    assert sum(fill(turns, greedy).values()) == 10 * PER_HOST + EXTRA
    others = names("other", 1000)
    proven(turns, others)
    got = fill(turns, others)
    assert sum(got.values()) == AT_ONCE - 10 * PER_HOST
    assert set(got.values()) == {PER_HOST}


def test_what_a_claim_did_not_get_takes_no_room() -> None:
    turns = Turns()
    turns.begin(of("a"), 0)
    assert turns.room(of("a")) == PER_HOST


def test_hosts_that_do_not_answer_leave_half_of_the_room_to_those_that_do() -> None:
    turns = Turns()
    proven(turns, ["z"])
    for account_id in range(1, 8):
        fill(turns, names(f"dead{account_id}", 1000), account_id)
    assert fill(turns, names("dead8", 1000), 8) == {}, "all of their room is taken"
    assert fill(turns, ["z"]) == {"z": PER_PROMPT_HOST}
    for host in names("good", 1000):
        proven(turns, [host])
    got = fill(turns, names("good", 1000))
    assert sum(min(number, PER_HOST) for number in got.values()) == AT_ONCE - NOT_PROMPT - PER_HOST


def test_a_host_that_answers_late_or_not_at_all_is_no_longer_prompt() -> None:
    for seconds in (PROMPT + 0.1, None):
        turns = Turns()
        proven(turns, ["a"])
        turns.begin(of("a"), 1)
        turns.end(of("a"), seconds)
        fill(turns, names("dead", 1000))
        assert turns.room(of("a")) == 0


def serve(turns: Turns, hosts: list[str], sending: dict[str, int]) -> list[str]:
    """One host that was being sent to is done, without an answer; returns which are sent to instead."""
    host = next(iter(sending))
    for _ in range(sending.pop(host)):
        turns.end(of(host), None)
    fresh = fill(turns, hosts)
    sending |= fresh
    return list(fresh)


def test_every_host_has_its_turn_before_any_has_its_second() -> None:
    turns, hosts = Turns(), names("dead", 100)
    sending = fill(turns, hosts)
    served = list(sending)
    while len(served) < 100:
        served += serve(turns, hosts, sending)
    assert sorted(served[:100]) == hosts


def test_who_comes_late_waits_for_one_turn_of_the_others_and_no_more_whoever_comes_later() -> None:
    turns, hosts = Turns(), names("dead", 100)
    sending = fill(turns, hosts)
    hosts.append("zzz")
    turns.in_order(map(of, hosts))
    served: list[str] = []
    while "zzz" not in served:
        hosts.insert(0, f"later{len(hosts):04}")
        served += serve(turns, hosts, sending)
        assert len(served) <= 101


def test_the_dead_hosts_of_one_account_leave_room_for_the_new_hosts_of_another() -> None:
    turns = Turns()
    assert sum(fill(turns, names("dead", 1500), account_id=1).values()) == NOT_PROMPT // 2
    assert fill(turns, ["new"], account_id=2) == {"new": PER_HOST}
    assert fill(turns, names("dead", 1500), account_id=1) == {}
