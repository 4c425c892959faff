"""Frames that are written without the library below read as what they are."""

from __future__ import annotations

import pytest
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from watchword.app.socket_protocol import message_frame


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
