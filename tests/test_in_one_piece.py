"""Ctrl-C while a command works: it ends between two pieces of its work."""

import signal
from collections.abc import Iterator

import pytest

from rooms.management.shell import each_in_one_piece, in_one_piece


def press_ctrl_c() -> None:
    signal.raise_signal(signal.SIGINT)


def test_a_piece_is_finished_first() -> None:
    done = []
    with pytest.raises(KeyboardInterrupt), in_one_piece():
        press_ctrl_c()
        done.append("the rest")
    assert done == ["the rest"]


def test_a_second_one_does_not_wait() -> None:
    done = []
    with pytest.raises(KeyboardInterrupt), in_one_piece():
        press_ctrl_c()
        press_ctrl_c()
        done.append("the rest")
    assert done == []


def test_a_long_piece_can_say_where_it_stops() -> None:
    done = []
    with pytest.raises(KeyboardInterrupt), in_one_piece() as stop_here:
        for number in range(5):
            stop_here()
            done.append(number)
            if number == 2:
                press_ctrl_c()
    assert done == [0, 1, 2]


def test_what_is_wrong_with_the_piece_is_told() -> None:
    with pytest.raises(ValueError, match="wrong"), in_one_piece():
        press_ctrl_c()
        raise ValueError("wrong")


def test_after_it_ctrl_c_is_what_it_was() -> None:
    before = signal.getsignal(signal.SIGINT)
    with in_one_piece():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


def test_of_several_pieces_those_begun_are_finished() -> None:
    done = []

    def pieces() -> Iterator[int]:
        for number in range(5):
            if number == 2:
                press_ctrl_c()
            done.append(number)
            yield number

    with pytest.raises(KeyboardInterrupt):
        list(each_in_one_piece(pieces()))
    assert done == [0, 1, 2]
    done.clear()
    assert list(each_in_one_piece(iter([0, 7, 0]))) == [0, 7, 0]
