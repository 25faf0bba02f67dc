"""What the database holds, read without Django: the site is not asked whether it is right."""

import sqlite3
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from faults.page import Row

# A witness of every committed state of a message: the message itself keeps but the last. It is written
# in the same transaction, so it holds what was committed and nothing else.
TABLE = (
    "CREATE TABLE faults_witness (room_id bigint, seq bigint, version bigint, author_id bigint,"
    " html text, is_deleted boolean)"
)
INSERT = (
    "INSERT INTO faults_witness VALUES"
    " (NEW.room_id, NEW.seq, NEW.version, NEW.author_id, NEW.html, NEW.deleted_at IS NOT NULL)"
)
SQLITE = [
    TABLE,
    f"CREATE TRIGGER faults_said AFTER INSERT ON rooms_message BEGIN {INSERT}; END",
    f"CREATE TRIGGER faults_changed AFTER UPDATE OF version ON rooms_message BEGIN {INSERT}; END",
]
POSTGRES = [
    TABLE,
    f"CREATE FUNCTION faults_witnesses() RETURNS trigger LANGUAGE plpgsql AS"
    f" $$ BEGIN {INSERT}; RETURN NULL; END $$",
    "CREATE TRIGGER faults_said AFTER INSERT OR UPDATE OF version ON rooms_message"
    " FOR EACH ROW EXECUTE FUNCTION faults_witnesses()",
]


@dataclass(frozen=True, slots=True)
class Message:
    """A row of rooms_message, as far as it matters here."""

    seq: int
    version: int
    author: int
    key: str | None
    body: str
    html: str
    is_deleted: bool
    is_edited: bool
    thread: int | None
    reactions: tuple[tuple[str, int], ...] = ()

    @property
    def row(self) -> Row:
        """As a page shows it."""
        html = "" if self.is_deleted else self.html
        return Row(self.seq, self.author, html, self.is_deleted, self.is_edited, self.reactions)


@dataclass(slots=True)
class Room:
    """What the database holds of a room: its messages by seq, and all that ever was."""

    slug: str
    clock: int = 0
    messages: list[Message] = field(default_factory=list)
    versions: list[int] = field(default_factory=list)  # of every change, as the witness has them
    states: set[tuple[int, int, str, bool]] = field(default_factory=set)  # seq, author, html, is_deleted


def connect(url: str, seconds: float = 5.0) -> Any:
    """A connection to the database at `url`, for SQLite too; it commits by itself."""
    if url.startswith("sqlite"):
        return sqlite3.connect(Path(url.removeprefix("sqlite:///")), timeout=seconds, isolation_level=None)
    return psycopg.connect(url, autocommit=True, connect_timeout=max(2, int(seconds)))


def add_witness(url: str) -> None:
    """Have the database, which has its tables, keep what `Room.versions` and `Room.states` tell."""
    connection = connect(url)
    for statement in SQLITE if url.startswith("sqlite") else POSTGRES:
        connection.execute(statement)
    connection.close()


def rooms(url: str) -> dict[str, Room]:
    """Every room, by slug, of one moment. Raises what the driver raises."""
    connection = connect(url)
    try:
        connection.execute("BEGIN" if url.startswith("sqlite") else "BEGIN ISOLATION LEVEL REPEATABLE READ")
        return _rooms(connection)
    finally:
        connection.close()


def _rooms(connection: Any) -> dict[str, Room]:
    found: dict[int, Room] = {}
    for pk, slug, clock in connection.execute("SELECT id, slug, clock FROM rooms_room"):
        found[pk] = Room(slug, clock)
    reactions: dict[int, list[tuple[str, int]]] = defaultdict(list)
    counted = (
        "SELECT message_id, emoji, count(*) FROM rooms_reaction GROUP BY message_id, emoji"
        " ORDER BY message_id, min(id)"
    )
    for message_id, emoji, count in connection.execute(counted):
        reactions[message_id].append((emoji, count))
    columns = (
        "SELECT id, room_id, seq, version, author_id, key, body, html, deleted_at IS NOT NULL,"
        " edited_at IS NOT NULL, thread_seq FROM rooms_message ORDER BY room_id, seq"
    )
    for pk, room, seq, version, author, key, body, html, is_deleted, is_edited, thread in connection.execute(
        columns
    ):
        flags = bool(is_deleted), bool(is_edited)
        message = Message(seq, version, author, key, body, html, *flags, thread, tuple(reactions[pk]))
        found[room].messages.append(message)
    witnessed = "SELECT room_id, version, seq, author_id, html, is_deleted FROM faults_witness"
    for room, version, seq, author, html, is_deleted in connection.execute(witnessed):
        found[room].versions.append(version)
        found[room].states.add((seq, author, html, bool(is_deleted)))
    return {room.slug: room for room in found.values()}
