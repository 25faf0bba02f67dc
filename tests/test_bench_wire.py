"""What a tab of `python -m bench` is sent: frames, and which messages are in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.frames import CLOSE, PING, TEXT, Frame, Frames, framed, split
from bench.ledger import Ledger
from bench.report import Measured, remarks
from bench.scenes.scene import Outcome
from bench.tab import Tab
from bench.wire import Wire


def of_server(opcode: int, payload: bytes, *, is_last: bool = True) -> bytes:
    """A frame as a server sends it."""
    size = len(payload)
    if size < 126:
        head = bytes([size])
    elif size < 65536:
        head = bytes([126]) + size.to_bytes(2, "big")
    else:
        head = bytes([127]) + size.to_bytes(8, "big")
    return bytes([(0x80 if is_last else 0) | opcode]) + head + payload


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    at = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:end] for start, end in zip(at, at[1:], strict=False)]


payloads = st.one_of(
    st.binary(max_size=300), st.sampled_from([125, 126, 65535, 65536]).map(lambda size: bytes(size))
)


@given(
    st.lists(st.tuples(st.sampled_from([TEXT, 2, CLOSE, PING]), payloads), max_size=5),
    st.lists(st.integers(0)),
)
def test_frames_are_put_together_however_they_were_cut(
    sent: list[tuple[int, bytes]], cuts: list[int]
) -> None:
    frames = Frames()
    data = b"".join(of_server(*one) for one in sent)
    assert [frame for piece in pieces(data, cuts) for frame in frames.feed(piece)] == sent
    assert frames.is_between


@given(st.lists(st.binary(max_size=20), min_size=2, max_size=5), st.lists(st.integers(0)))
def test_a_message_in_parts_with_a_ping_between_them(parts: list[bytes], cuts: list[int]) -> None:
    first, *middle, last = parts
    data = of_server(TEXT, first, is_last=False) + of_server(PING, b"?")
    data += b"".join(of_server(0, part, is_last=False) for part in middle) + of_server(0, last)
    frames = Frames()
    found = [frame for piece in pieces(data, cuts) for frame in frames.feed(piece)]
    assert found == [Frame(PING, b"?"), Frame(TEXT, b"".join(parts))]


def test_what_no_server_sends() -> None:
    for data in (b"\xc1\x00", framed(TEXT, b"masked")):
        with pytest.raises(ValueError, match="no frame"):
            split(data)


async def test_what_is_lost_and_what_is_doubled_is_told() -> None:
    ledger = Ledger()
    tabs = [Tab(ledger, "127.0.0.1", 1, Wire("/", lambda text: [text]), 0) for _ in range(2)]
    numbers = [ledger.say(0, len(tabs)) for _ in range(3)]
    for tab in tabs:
        tab._frames, tab._head = Frames(), None
        tab.ready.set_result(None)
        tab.data_received(of_server(TEXT, ledger.body(numbers[0], 80).encode()))
    assert (ledger.deliveries, ledger.open, ledger.lost, ledger.doubled) == (2, 2, 4, 0)
    tabs[0].data_received(
        of_server(TEXT, f"{ledger.body(numbers[1], 80)}<br>{ledger.body(numbers[0], 80)}".encode())
    )
    assert ledger.faults == {"lost": 3, "doubled": 1}
    wrong = Measured("parlor", Outcome({"posts/s": 1.0}, ledger.faults))
    assert remarks([wrong]) == ["WRONG: parlor: 3 lost, 1 doubled"]


async def test_what_is_sent_again_while_a_tab_resumes_replaces_itself() -> None:
    ledger = Ledger()
    tab = Tab(ledger, "127.0.0.1", 1, Wire("/", lambda text: [text], ready=b"there"), 0)
    tab._frames, tab._head = Frames(), None
    one, two = (ledger.body(ledger.say(0, 1), 80) for _ in range(2))
    for text in (one, f"{one}, {two} there", two):
        tab.data_received(of_server(TEXT, text.encode()))
    assert not ledger.faults
    three = ledger.body(ledger.say(0, 1), 80)
    for _ in range(2):
        tab.data_received(of_server(TEXT, three.encode()))
    assert ledger.faults == {"doubled": 1}


def test_a_body_is_as_long_as_it_was_asked_for() -> None:
    ledger = Ledger()
    for size in (20, 80, 2000):
        assert size - 1 <= len(ledger.body(123, size)) <= size
    assert ledger.mark.fullmatch(ledger.body(123, 1).encode())
    assert not ledger.mark.search(Ledger().body(123, 80).encode())
