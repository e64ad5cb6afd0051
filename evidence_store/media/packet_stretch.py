"""Read the packets that a player needs to show a stretch of a file, and no more."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from av.container import InputContainer
from av.video.stream import VideoStream

from evidence_store.media.faults import MediaFault, media_faults
from evidence_store.media.packets import SEEK_BACK_S, StoredPacket, media_zero, read_packets


def read_stretch(
    container: InputContainer,
    stream: VideoStream,
    from_s: float,
    to_s: float,
    *,
    continues: bool = False,
    absolute: bool = False,
) -> Iterator[StoredPacket]:
    """Read the packets that a player needs to show from_s .. to_s, and no more.

    Starts at the last key frame at or before from_s (the first one, where there is none before).
    Ends with the last picture shown at or before to_s, pictures at exactly to_s included; pictures
    after it that it refers to are kept, and then also those shown before them, so that the stretch
    ends without holes. Times are media time in seconds, 0 at the stream's start or, if `absolute`,
    as the file's own timestamps have them.

    `continues`: the pictures before are kept too, in another file; then pictures shown before
    the first key frame, which refer to those, are kept. Else nothing could decode them.
    """
    time_base = stream.time_base or Fraction(1, 1000)
    zero = 0 if absolute else media_zero(stream)
    # half a millisecond: sightings are stamped to the microsecond, files may count in milliseconds
    from_ticks = zero + int((Fraction(from_s) + Fraction(1, 2000)) / time_base)
    to_ticks = zero + int((Fraction(to_s) + Fraction(1, 2000)) / time_base)
    packets = _from_key_frame(container, stream, from_ticks)
    if not continues:
        packets = _without_leading(packets)
    return _until(packets, to_ticks)


def _from_key_frame(
    container: InputContainer, stream: VideoStream, from_ticks: int
) -> Iterator[StoredPacket]:
    time_base = stream.time_base or Fraction(1, 1000)
    zero = media_zero(stream)
    for back_s in SEEK_BACK_S:
        target = max(zero, from_ticks - int(Fraction(back_s) / time_base))
        if not _seek(container, stream, target):
            continue
        packets = read_packets(container, stream)
        first = next((packet for packet in packets if packet.is_key), None)
        if first is not None and first.pts <= from_ticks:
            return _from_last_key(first, packets, from_ticks)
        if target == zero:
            break
    # MPEG-TS seeks by decoding time, which lies before the first picture's time: aim well before it
    if not _seek(container, stream, zero - int(60 / time_base)):
        _seek(container, stream, zero)
    packets = read_packets(container, stream)
    first = next((packet for packet in packets if packet.is_key), None)
    return iter(()) if first is None else _from_last_key(first, packets, from_ticks)


def _seek(container: InputContainer, stream: VideoStream, ticks: int) -> bool:
    try:
        with media_faults():
            container.seek(ticks, stream=stream, backward=True)
    except MediaFault:
        return False
    return True


def _from_last_key(
    first: StoredPacket, packets: Iterator[StoredPacket], from_ticks: int
) -> Iterator[StoredPacket]:
    """Drop groups of pictures that end before from_ticks; keeps one group at most in memory."""
    group = [first]
    for packet in packets:
        if packet.is_key and packet.pts <= from_ticks:
            group = [packet]
        else:
            group.append(packet)
        if packet.dts > from_ticks:
            break
    yield from group
    yield from packets


def _without_leading(packets: Iterator[StoredPacket]) -> Iterator[StoredPacket]:
    """Drop an open group's pictures shown before the first one: they refer to what was cut off."""
    first: StoredPacket | None = None
    for packet in packets:
        first = first or packet
        if packet.pts >= first.pts:
            yield packet


def _until(packets: Iterator[StoredPacket], to_ticks: int) -> Iterator[StoredPacket]:
    # shown after the end, though decoded before it: kept only if a picture of the stretch follows
    held: list[StoredPacket] = []
    is_first = True
    for packet in packets:
        if is_first and packet.pts > to_ticks:
            return
        is_first = False
        if packet.dts > to_ticks:
            return
        if packet.pts > to_ticks:
            held.append(packet)
            continue
        if held:
            to_ticks = max(to_ticks, *(picture.pts for picture in held))
            yield from held
            held = []
        yield packet
