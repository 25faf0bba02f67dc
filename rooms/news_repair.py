"""What was not heard of the news is read again, from the database: a room where a message was lost, and all
of a person where Redis was away."""

import asyncio
import logging
from collections.abc import Coroutine, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError

from rooms import threads
from rooms.reading import reading
from rooms.standing import known_of, mentions_of
from rooms.telling import State

if TYPE_CHECKING:
    from rooms.news import News

log = logging.getLogger(__name__)

is_any_thread_new = reading(threads.is_any_new)
who_has_new = reading(threads.who_has_new)


class Repair:
    """Of the news of this process."""

    def __init__(self, news: "News") -> None:
        self._news = news
        self._missed: set[int] = set()  # rooms in which something was said that was not heard
        self._doubted: set[int] = set()  # people of whom something may not have been heard
        self._asking: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._learning = asyncio.Semaphore(1)  # a room that comes back may do so for thousands

    def suspect(self, room_ids: Iterable[int]) -> None:
        """Of these rooms nothing may have been heard until now."""
        self._missed.update(room_ids)

    def doubt(self, people_ids: Iterable[int]) -> None:
        """Of these people, as far as they are here, nothing may have been heard until now. Their rooms and
        threads are read again, after each other, and those of whom that failed before."""
        self._doubted.update(people_ids)
        if self._doubted and (self._asking is None or self._asking.done()):
            self._asking = self._start(self._ask())

    def rooms_of(self, person_id: int) -> None:
        """Read how the person stands with their rooms, which was told to be another; does not wait."""
        self._start(self._read_rooms(person_id))

    def threads_of(self, person_id: int) -> None:
        """Read whether anything is new in the threads that the person follows; does not wait."""
        self._start(self._read_threads(person_id))

    async def count(self) -> None:
        """Count anew who was named in rooms where something was not heard. Raises DatabaseError; what could
        not be counted will be the next time."""
        for room_id in list(self._missed):
            self._missed.discard(room_id)
            try:
                await self._count(room_id)
            except DatabaseError:
                self._missed.add(room_id)
                raise

    def stop(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def _ask(self) -> None:
        while self._doubted:
            person_id = self._doubted.pop()
            if person_id not in self._news.people:
                continue
            is_known = await self._read_threads(person_id)
            if not is_known or not await self._read_rooms(person_id, is_told=False):
                self._doubted.add(person_id)
                break

    async def _count(self, room_id: int) -> None:
        people = self._news.people
        watched = self._news.watched.get(room_id)
        if watched is None:
            return
        before = {
            person_id: replace(people[person_id].rooms[room_id])
            for person_id in watched.people
            if not self._news.reads(person_id, room_id)
        }
        for person_id, count, seq in await mentions_of(room_id, before):
            here = people.get(person_id)
            state = here.rooms.get(room_id) if here else None
            # Who was told meanwhile, or has read it, is ahead of what was counted.
            if here is not None and state is not None and state == before[person_id]:
                was, state.mentions, state.counted_seq = state.mentions, count, seq
                if count != was:
                    here.tell(room_id, rings=count > was)
        for person_id in await who_has_new(room_id, watched.people):
            if person_id in people:
                people[person_id].mark_threads(is_new=True)

    async def _read_rooms(self, person_id: int, *, is_told: bool = True) -> bool:
        """Read how the person stands with their rooms; returns whether that could be. Where it is not told
        that this is another, it may well be what is shown."""
        try:
            async with self._learning:
                known = await known_of(person_id)
        except DatabaseError as error:
            log.warning("person %s: their rooms cannot be read: %s", person_id, error)
            return False
        if (here := self._news.people.get(person_id)) is not None:
            listed, were = here.listed, dict(here.rooms)
            self._news.learn(person_id, known)
            for room_id, state in here.rooms.items():
                was = were.get(room_id, State(state.is_muted, state.is_new, 0, 0))
                # As in a conversation that just began, and is not before them.
                rings = state.mentions > was.mentions and not self._news.reads(person_id, room_id)
                if rings or (state.is_new, state.mentions) != (was.is_new, was.mentions):
                    here.tell(room_id, rings=rings)
            if is_told or here.listed != listed:
                for tab in tuple(here.tabs):
                    tab.refresh_rooms()
            here.retitle()
        return True

    async def _read_threads(self, person_id: int) -> bool:
        """Returns whether that could be."""
        try:
            is_any_new = await is_any_thread_new(person_id)
        except DatabaseError as error:
            log.warning("person %s: their threads cannot be read: %s", person_id, error)
            return False
        if (here := self._news.people.get(person_id)) is not None:
            here.mark_threads(is_new=is_any_new)
        return True

    def _start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
