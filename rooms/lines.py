"""Bytes that come in lines, from a file or from something that is still being written."""

from collections.abc import Iterator
from typing import IO


def lines(stream: IO[bytes], longest: int) -> Iterator[bytes]:
    """Each line of `stream`, without its end, as soon as it is there.

    A line of more than `longest` bytes comes as its first `longest + 1`, so that whoever gets
    it can tell, and no line is too big to hold.
    """
    while line := stream.readline(longest + 1):
        rest = line
        while rest and len(rest) > longest and not rest.endswith(b"\n"):
            rest = stream.readline(longest + 1)
        yield line.removesuffix(b"\n").removesuffix(b"\r")
