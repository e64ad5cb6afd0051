"""Settings for operators: which texts they may have spoken, and how long a take-over holds."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from domain.base import BothLanguages, FrozenModel, Identifier
from domain.site.speech.call_text import check_call_text, fields_in

# an operator's text may be spoken under any rule and between any two rungs
NOT_AT_ANY_MOMENT = frozenset({"law", "rung", "of_rungs"})


def _check_text(text: str) -> str:
    if strange := fields_in(check_call_text(text)) & NOT_AT_ANY_MOMENT:
        raise ValueError(
            f"an operator's text is no rung and belongs to no rule, got {{{min(strange)}}}"
        )
    return text


class AnyTimeText(BothLanguages):
    """What an operator may have spoken; fields as in a rung's text, but for those of rules and rungs."""

    zh: Annotated[str, Field(min_length=1, description="Chinese"), AfterValidator(_check_text)]
    en: Annotated[str, Field(min_length=1, description="English"), AfterValidator(_check_text)]


class OperatorText(FrozenModel):
    """A text that an operator may have spoken at any moment."""

    id: Identifier
    text: AnyTimeText


class OperatorSettings(FrozenModel):
    """Commands of operators: see docs/how-to/operators.md."""

    hand_back_after_s: float = Field(
        default=300.0,
        gt=0,
        le=86_400,
        description="seconds after which an offence that was taken over goes back to the ladder",
    )
    texts: tuple[OperatorText, ...] = ()
    free_words: bool = Field(
        default=False, description="operators may have words of their own spoken as well"
    )

    def text(self, text_id: str) -> BothLanguages | None:
        """Find the text of that id; None where there is none."""
        return next((each.text for each in self.texts if each.id == text_id), None)
