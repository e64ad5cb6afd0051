"""Turn words into numbers, by the pair's own tokenizer.json."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from domain.errors import PutAside, Stop


class Tokens:
    """A tokenizer that gives every text the same number of tokens."""

    def __init__(self, tokenizer_json: Path, tokens: int, pad_id: int) -> None:
        """Read the pair's tokenizer.

        Texts of more than `tokens` tokens are cut, shorter ones filled up with the token `pad_id`.

        Raises:
            Stop: the file cannot be read, or is no tokenizer.
        """
        from tokenizers import Tokenizer

        try:
            self._tokenizer = Tokenizer.from_file(str(tokenizer_json))
        except Exception as error:  # the library raises nothing narrower
            raise Stop(
                f"{tokenizer_json}: is no tokenizer.json that can be used: {error}"
            ) from error
        # cut at the pair's length with the end token kept; the file's own padding may differ
        self._tokenizer.enable_truncation(tokens)
        self._tokenizer.no_padding()
        self._tokens, self._pad_id = tokens, pad_id

    def of(self, text: str) -> np.ndarray:
        """Turn a text into (tokens,) int32, filled up at the end; PutAside without a word in it."""
        words = text.strip()
        ids = self._tokenizer.encode(words).ids if words else []
        if not ids:
            raise PutAside(f"a search needs a word at least, got {text!r}")
        row = np.full(self._tokens, self._pad_id, np.int32)
        row[: len(ids)] = ids
        return row
