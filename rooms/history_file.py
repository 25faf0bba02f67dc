"""Conversations as files: one JSON object a line, with `at`, `author` and `body`.

    {"at": "2020-06-02T00:21:32Z", "author": "ann", "body": "Good morning."}

`load_history` reads them, `listen --json` writes them.
"""

import gzip
import json
import lzma
import re
import sqlite3
import zlib
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from functools import lru_cache
from hashlib import blake2b
from io import BufferedReader
from typing import IO, Any, NamedTuple, cast

from django.core.exceptions import ValidationError

from rooms.lines import lines
from rooms.models import Message, Person
from rooms.names import clean_name, holds_comma, without_commas

LONGEST_LINE = 1024 * 1024  # bytes
NUMBERS_KEPT = 5  # of the lines refused for one reason
DAMAGE = (OSError, EOFError, lzma.LZMAError, zlib.error)
GZIP, XZ = b"\x1f\x8b", b"\xfd7zXZ\0"

# Who logs a chat may have noted "nick!user@host": the name is the nick, and where somebody
# connected from is nobody's business.
_FROM_HOST = re.compile(r"([^\s!@]+)![^\s!@]+@\S+")


class Line(NamedTuple):
    """What was said, when and by whom."""

    at: datetime  # in UTC
    author: str  # a name as `clean_name` returns it, without commas
    body: str  # of any length
    key: str  # names this line among all; the same whenever the file is read


@dataclass(slots=True)
class Refused:
    """How many lines were refused for one reason, and the numbers of the first few."""

    count: int = 0
    numbers: list[int] = field(default_factory=list)


class HistoryFile:
    """The lines of a file, plain or compressed with gzip or xz, in order.

    Lines that make no sense are passed over and counted in `refused`, by reason. A file that
    ends in the middle, or is damaged, gives what comes before that; then `damage` says why.
    Takes the same memory however long the file is.
    """

    def __init__(self, file: BufferedReader) -> None:
        self.refused: dict[str, Refused] = {}
        self.damage = ""
        self._file = file
        self._occurrences = _Occurrences()

    def __iter__(self) -> Iterator[Line]:
        number = 0
        try:
            for number, text in enumerate(lines(_decompressed(self._file), LONGEST_LINE), start=1):
                if not text.strip():
                    continue
                try:
                    at, author, body = parsed(text.removeprefix(b"\xef\xbb\xbf") if number == 1 else text)
                except ValueError as problem:
                    self._refuse(number, str(problem))
                else:
                    yield Line(at, author, body, self._occurrences.key(at, author, body))
        except DAMAGE as error:
            self.damage = f"after line {number:,}: {error}"

    def _refuse(self, number: int, why: str) -> None:
        refused = self.refused.setdefault(why, Refused())
        refused.count += 1
        if len(refused.numbers) < NUMBERS_KEPT:
            refused.numbers.append(number)


def parsed(text: bytes) -> tuple[datetime, str, str]:
    """When, who and what a line says, as a Line has them.

    A time without a zone is in UTC. The body is kept whole and as it is, but for what cannot be
    stored or shown: NUL is dropped and a line break is a line feed, as in what people type.
    Raises ValueError with the reason, one of a few.
    """
    if len(text) > LONGEST_LINE:
        raise ValueError(f"more than {LONGEST_LINE:,} bytes long")
    try:
        said = json.loads(text.decode())
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    except (ValueError, RecursionError):
        raise ValueError("not JSON") from None
    if not isinstance(said, dict):
        raise ValueError("not a JSON object")
    at, author, body = said.get("at"), said.get("author"), said.get("body")
    if not (isinstance(at, str) and isinstance(author, str) and isinstance(body, str)):
        raise ValueError("at, author and body are not all there as text")
    body = body.replace("\r\n", "\n").replace("\0", "")
    if not body:
        raise ValueError("nothing in the body")
    try:
        body.encode()
    except UnicodeEncodeError:
        raise ValueError("half a character in the body") from None
    # What has a seq was written by Parlor itself: there such a name is a name.
    return _time(at), _name(author if "seq" in said else _without_host(author)), body


def written(message: Message, *, ascii_only: bool = True) -> str:
    """The message as a line of such a file, and its `seq`. In ASCII alone a terminal shows it safely."""
    at = message.at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    said: dict[str, Any] = {
        "seq": message.seq,
        "at": at,
        "author": message.author.username,
        "body": message.body,
    }
    if files := (message.extras or {}).get("files"):
        said["files"] = [{name: file[name] for name in ("name", "kind", "caption")} for file in files]
    return json.dumps(said, ensure_ascii=ascii_only)


def _decompressed(file: BufferedReader) -> IO[bytes]:
    # By its first bytes: what is piped in has no name, and names are wrong at times.
    start = file.peek(len(XZ))
    if start.startswith(GZIP):
        return cast(IO[bytes], gzip.open(file))
    if start.startswith(XZ):
        return cast(IO[bytes], lzma.open(file))
    return file


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("a time that is not one") from None
    # Pages show it in their own time zone, which must not lead out of the calendar.
    if at.year in (MINYEAR, MAXYEAR):
        raise ValueError("a time that is not one")
    return at


def _without_host(author: str) -> str:
    from_host = _FROM_HOST.fullmatch(author)
    return from_host[1] if from_host else author


@lru_cache(maxsize=4096)
def _name(author: str) -> str:
    try:
        name = clean_name(author, Person.NAME_LENGTH)
        # A comma is what stands between names, where people write them.
        return clean_name(without_commas(name), Person.NAME_LENGTH) if holds_comma(name) else name
    except ValidationError as problem:
        if problem.code == "max_length":
            raise ValueError(f"an author's name of more than {Person.NAME_LENGTH} characters") from None
        raise ValueError("an author without a name that can be shown") from None


class _Occurrences:
    """Tells lines apart that are alike in everything: real files have them.

    They are counted in a temporary database, which SQLite keeps in memory while it is small and
    on the disk when it is not. Its index begins with the time, as most files do: new entries
    come to its end.
    """

    def __init__(self) -> None:
        self._counts = sqlite3.connect("", isolation_level=None)
        self._counts.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
            "CREATE TABLE seen (at TEXT, digest BLOB, count INTEGER, PRIMARY KEY (at, digest)) WITHOUT ROWID;"
            "BEGIN"
        )

    def key(self, at: datetime, author: str, body: str) -> str:
        """The key of the next such line, at most 64 characters of those that keys are made of."""
        when = at.isoformat()
        digest = blake2b(f"{when}\n{author}\n{body}".encode(), digest_size=24).digest()
        name = urlsafe_b64encode(digest).decode()
        seen = (when, digest)
        if self._counts.execute("INSERT OR IGNORE INTO seen VALUES (?, ?, 1)", seen).rowcount == 1:
            return name
        self._counts.execute("UPDATE seen SET count = count + 1 WHERE at = ? AND digest = ?", seen)
        (count,) = self._counts.execute("SELECT count FROM seen WHERE at = ? AND digest = ?", seen).fetchone()
        return f"{name}-{count}"
