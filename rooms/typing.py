"""Who is writing in a room just now. Never stored, and no tick of any clock."""

import asyncio
from collections.abc import Callable
from time import monotonic

from rooms import fragments

HOLDS_SECONDS = 6.0  # how long a sign of it holds; the page lets it fade after as long
REST_SECONDS = 1.0  # between two frames
MOST = 100  # people that are remembered before those who stopped are let go
TABS_PER_SECOND = 200  # that are told of it in one room


class Typists:
    """The people who are writing in one room, for its tabs in this process."""

    def __init__(self, tell: Callable[[str], int]) -> None:
        self._tell = tell  # gives a fragment to the tabs, and returns how many they are
        self._people: dict[int, tuple[str, float]] = {}  # name, until when
        self._is_resting = False
        self._is_pending = False

    def hear(self, person_id: int, name: str) -> None:
        """Somebody goes on writing."""
        if len(self._people) > MOST:
            self._people = {pk: seen for pk, seen in self._people.items() if seen[1] > monotonic()}
        self._people[person_id] = (name, monotonic() + HOLDS_SECONDS)
        self._soon()

    def stopped(self, person_id: int) -> None:
        """What somebody wrote is there."""
        if self._people.pop(person_id, None) is not None:
            self._soon()

    @property
    def named(self) -> list[tuple[int, str]]:
        now = monotonic()
        return [(person_id, name) for person_id, (name, until) in self._people.items() if until > now]

    def _soon(self) -> None:
        self._is_pending = True
        if not self._is_resting:
            self._is_resting = True
            asyncio.get_running_loop().call_soon(self._show)

    def _show(self) -> None:
        self._is_pending = False
        tabs = self._tell(fragments.typing(self.named))
        loop = asyncio.get_running_loop()
        loop.call_later(max(REST_SECONDS, tabs / TABS_PER_SECOND), self._rested)

    def _rested(self) -> None:
        self._is_resting = False
        if self._is_pending:
            self._is_resting = True
            self._show()
