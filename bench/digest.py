"""What a tab was sent, read."""

import re

from bench.frames import TEXT, Frame

CURSOR = re.compile(rb'name="cursor" value="(\d+)"')
START_OVER = b'hx-target="#messages" hx-swap="innerHTML"'


class Digest:
    """What is in some bytes. A room's tabs are all sent the same ones: what was just read for one
    need not be read again for the next, which is what lets one core stand in for 2,000 browsers."""

    def __init__(self, data: bytes, frames: list[Frame], mark: re.Pattern[bytes]) -> None:
        self.data, self.frames, self.mark = data, frames, mark
        texts = [frame.payload for frame in frames if frame.opcode == TEXT]
        self.texts = len(texts)
        self.numbers = [int(number) for payload in texts for number in mark.findall(payload)]
        self.others = [frame for frame in frames if frame.opcode != TEXT or not mark.search(frame.payload)]
        cursors = [cursor for payload in texts for cursor in CURSOR.findall(payload)]
        self.cursor = cursors[-1].decode() if cursors else ""
        self.is_start_over = any(START_OVER in payload for payload in texts)
