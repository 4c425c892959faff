"""Frames that are written without the library below read as what they are."""

from __future__ import annotations

import pytest
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from watchword.app.socket_protocol import is_pong, message_frame, missing


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536])
@pytest.mark.parametrize("character", ["a", "ü"])
def test_a_message_of_any_length_is_one_frame(size: int, character: str) -> None:
    text = character * (size // len(character.encode()))
    assert message_frame(text) == Frame(Opcode.TEXT, text.encode()).serialize(mask=False)


def test_a_message_reads_as_it_was_written() -> None:
    reader = StreamReader()
    reader.feed_data(message_frame("{}" * 40_000))
    parsing = Frame.parse(reader.read_exact, mask=False)
    with pytest.raises(StopIteration) as end:
        next(parsing)
    frame = end.value.value
    assert (frame.opcode, frame.fin, bytes(frame.data)) == (Opcode.TEXT, True, b"{}" * 40_000)


def by_client(opcode: Opcode, payload: bytes) -> bytes:
    return bytes(Frame(opcode, payload).serialize(mask=True))


def test_the_answer_to_our_ping_is_known_under_any_mask() -> None:
    assert all(is_pong(by_client(Opcode.PONG, b"read")) for _ in range(50))


@pytest.mark.parametrize(
    ("opcode", "payload"),
    [
        (Opcode.PONG, b"seen"),
        (Opcode.PONG, b"other"),
        (Opcode.PONG, b"read "),
        (Opcode.PONG, b""),
        (Opcode.PING, b"read"),
        (Opcode.TEXT, b"read"),
    ],
)
def test_nothing_else_is_taken_for_it(opcode: Opcode, payload: bytes) -> None:
    assert not is_pong(by_client(opcode, payload))


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536])
def test_what_is_missing_of_a_frame_is_known_wherever_a_read_ends(size: int) -> None:
    frame = by_client(Opcode.TEXT, b"a" * size)
    head = len(frame) - size - 4
    for end in {head, head + 2, len(frame) - 1, len(frame)} - {0}:
        assert missing(0, by_client(Opcode.PONG, b"x") + frame[:end]) == len(frame) - end
        assert missing(len(frame) - end, frame[end:]) == 0


def test_a_payload_that_is_read_in_many_parts_is_followed() -> None:
    frame = by_client(Opcode.BINARY, by_client(Opcode.PONG, b"read") * 3)
    left: int | None = 0
    for part in (frame[:8], frame[8:19], frame[19:30], frame[30:]):
        left = missing(left, part)
    assert left == 0


@pytest.mark.parametrize(("size", "end"), [(1, 1), (126, 2), (126, 3), (65_536, 9)])
def test_where_a_head_is_cut_nobody_knows_any_more_where_frames_begin(size: int, end: int) -> None:
    assert missing(0, by_client(Opcode.TEXT, b"a" * size)[:end]) is None
    assert missing(None, by_client(Opcode.TEXT, b"a")) is None
