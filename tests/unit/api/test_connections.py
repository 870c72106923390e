"""Who says nothing gives way to who comes, and no address takes the place of others (security.md row 12)."""

from collections.abc import Callable
from ipaddress import ip_network

from calloff.api.connections import Connections, Seat, most_connections


class House:
    """Connections that are open, as `Connections` lets them be."""

    def __init__(self, most: int, exempt: str | None = None) -> None:
        self.house = Connections(most, [ip_network(exempt)] if exempt else [])
        self.ended: list[str] = []

    def come(self, address: str, name: str = "") -> Seat | None:
        return self.house.admit(address, self._ender(name or address))

    def _ender(self, name: str) -> Callable[[], None]:
        return lambda: self.ended.append(name)


def test_an_address_that_has_its_share_loses_the_one_that_waited_longest() -> None:
    house = House(16)
    seats = [house.come("192.0.2.1", name) for name in ("first", "second", "third", "fourth")]
    assert seats[0] is not None
    seats[0].busy()
    assert house.come("192.0.2.1")
    assert house.ended == ["second"]


def test_an_address_whose_requests_are_all_under_way_gets_no_more() -> None:
    house = House(16)
    seats = [seat for seat in (house.come("192.0.2.1") for _ in range(4)) if seat is not None]
    for seat in seats:
        seat.busy()
    assert house.come("192.0.2.1") is None
    assert house.come("192.0.2.2") is not None
    seats[0].waiting()
    assert house.come("192.0.2.1") is not None


def test_an_ipv6_network_of_64_bits_is_one_address() -> None:
    house = House(16)
    for place in range(5):
        house.come(f"2001:db8::{place}", str(place))
    assert house.ended == ["0"]


def test_a_full_house_loses_whoever_waited_longest_and_never_a_request() -> None:
    house = House(16)
    for place in range(15):
        seat = house.come(f"192.0.2.{place}")
        assert seat is not None
        seat.busy()
    assert house.come("198.51.100.1", "silent")
    assert house.come("198.51.100.2", "newcomer")
    assert house.ended == ["silent"]
    assert all(seat.holder == "198.51.100.2" for seat in house.house.waiting)


def test_a_seat_is_given_back_once() -> None:
    house = House(16)
    seats = [house.come("192.0.2.1") for _ in range(4)]
    assert seats[0] is not None
    seats[0].leave()
    seats[0].leave()
    assert house.come("192.0.2.1") is not None
    assert not house.ended
    assert house.come("192.0.2.1") is not None
    assert len(house.ended) == 1


def test_a_proxy_that_is_believed_has_no_share() -> None:
    house = House(16, exempt="192.0.2.0/24")
    assert all(house.come("192.0.2.1") for _ in range(16))
    assert not house.ended


def test_descriptors_stay_free_for_the_database() -> None:
    assert most_connections(1024) == 768
    assert most_connections(256) == 128
    assert most_connections(1_000_000) == 8192
