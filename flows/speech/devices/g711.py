"""Encode G.711, which nearly every network speaker takes."""

from __future__ import annotations

import io
import wave

import numpy as np

RATE_HZ = 8_000


def samples_at_8_khz(sound: bytes) -> np.ndarray:
    """Return (n,) int16 of a WAV file (16 bit, mono), low-passed so that nothing folds back."""
    with wave.open(io.BytesIO(sound), "rb") as file:
        rate_hz, samples = file.getframerate(), np.frombuffer(file.readframes(-1), "<i2")
    count = round(len(samples) * RATE_HZ / rate_hz)
    if not count:
        return samples[:0]
    spectrum = np.fft.rfft(samples.astype(np.float64))[: count // 2 + 1]
    shorter = np.fft.irfft(spectrum, count) * (count / len(samples))
    return np.clip(np.round(shorter), -32768, 32767).astype(np.int16)


def to_mulaw(samples: np.ndarray) -> np.ndarray:
    """Encode (n,) 16 bit samples as G.711 mu-law, (n,) uint8.

    Source: ITU-T G.711 (1988), table 2a; bias 132 as in its reference encoder.
    """
    wide = samples.astype(np.int32)
    magnitude = np.minimum(np.abs(wide), 32_635) + 132
    exponent = np.floor(np.log2(magnitude)).astype(np.int32) - 7
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    sign = np.where(wide < 0, 0x80, 0)
    coded: np.ndarray = ~(sign | (exponent << 4) | mantissa) & 0xFF
    return coded.astype(np.uint8)


def to_alaw(samples: np.ndarray) -> np.ndarray:
    """Encode (n,) 16 bit samples as G.711 A-law, (n,) uint8.

    Source: ITU-T G.711 (1988), table 1a; even bits inverted, as its note 2 wants.
    """
    steps = samples.astype(np.int32) >> 3  # A-law has 13 bits
    is_negative = steps < 0
    magnitude = np.where(is_negative, -steps - 1, steps)
    exponent = np.maximum(np.floor(np.log2(np.maximum(magnitude, 1))).astype(np.int32) - 4, 0)
    mantissa = (magnitude >> np.maximum(exponent, 1)) & 0x0F
    coded: np.ndarray = np.where(is_negative, 0, 0x80) | (exponent << 4) | mantissa
    return (coded ^ 0x55).astype(np.uint8)
