"""Ladders of the site file: what is said or done at each rung, and when."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from domain.base import BothLanguages, FrozenModel, Identifier
from domain.site.speech.call_text import check_call_text

Request = Literal["notify", "open_case", "request_officer"]  # what an escalation can do
Action = Literal["announce", "notify", "open_case", "request_officer"]  # what a rung can do

Template = Annotated[str, Field(min_length=1), AfterValidator(check_call_text)]


class CallText(BothLanguages):
    """What a call says, with fields such as {zone} that are filled when it comes due."""

    zh: Template = Field(description="Chinese")
    en: Template = Field(description="English")


Language = Annotated[
    str,
    Field(
        pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$",
        description="language tag: zh, en, or a dialect such as yue, nan, wuu",
    ),
]
LANGUAGES = ("zh", "en")  # those that the voice speaks, in the order spoken


class Recording(FrozenModel):
    """A sound file that is played for one language of a call."""

    language: Language
    file: str = Field(
        min_length=1, description="wav, flac, ogg or mp3 of at most 60 s, relative to the site file"
    )
    says: BothLanguages = Field(description="the words it says, for the record; no fields")


class Rung(FrozenModel):
    """One call of the ladder."""

    id: Identifier
    after_s: float = Field(
        ge=0, description="seconds after the rung before (the first: after opening)"
    )
    text: CallText | None = Field(
        default=None, description="what is spoken; needed where the rung announces"
    )
    recordings: tuple[Recording, ...] = Field(
        default=(), description="played for their languages instead of the voice"
    )
    does: tuple[Action, ...] = Field(
        default=("announce",),
        min_length=1,
        description="what happens when it comes due; each makes its event",
    )
    notifies: tuple[str, ...] = Field(
        default=(), description="ids of the recipients that are told; none given: all"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.announces and self.text is None:
            raise ValueError("a rung that announces needs a text; without one, say what it does")
        _check_requests(self.does, self.notifies, "does")
        return self

    @property
    def announces(self) -> bool:
        """Return True where it speaks to the subject."""
        return "announce" in self.does


class Ladder(FrozenModel):
    """What is said, in which order, and when a person is sent."""

    id: Identifier
    rungs: tuple[Rung, ...] = Field(min_length=1)
    languages: tuple[Language, ...] = Field(
        default=LANGUAGES,
        min_length=1,
        description="in which calls are said, in this order; other than zh and en by recordings",
    )
    escalate_after_s: float = Field(
        default=0.0, ge=0, description="seconds after the last rung, still there: escalate"
    )
    escalation_does: tuple[Request, ...] = Field(
        default=(), description="what an escalation does beside its own event"
    )
    escalation_notifies: tuple[str, ...] = Field(
        default=(), description="ids of the recipients that are told then; none given: all"
    )
    next_rung_counts_from: Literal["said", "due"] = Field(
        default="said",
        description="of calls on a loudspeaker: whether after_s and escalate_after_s count from the "
        "end of the call before, or from when it came due; recordings count from due",
    )
    waits_for_call_s: float = Field(
        default=45.0,
        gt=0,
        le=600,
        description="longest wait, from when a call came due, for the word of what came of it; then "
        "the ladder goes on as if counted from due, and says so",
    )
    comply_after_s: float = Field(
        default=2.0, ge=0, description="seconds seen outside the zone that count as having left"
    )
    cooldown_s: float = Field(
        default=0.0, ge=0, description="seconds after a warned offence without another"
    )
    repeat_window_s: float = Field(
        default=0.0, ge=0, description="seconds within which a subject who returns is a repeater"
    )
    repeat_starts_at: int = Field(
        default=2, ge=1, description="rung that a repeater's ladder begins with, counted from 1"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.repeat_window_s and self.repeat_starts_at > len(self.rungs):
            raise ValueError(
                f"repeat_starts_at names rung {self.repeat_starts_at}, the ladder has "
                f"{len(self.rungs)}"
            )
        _check_requests(self.escalation_does, self.escalation_notifies, "escalation_does")
        return self

    def first_rung(self, earlier_offences: int) -> int:
        """Return the index of the rung to begin with: who comes back begins higher."""
        return self.repeat_starts_at - 1 if earlier_offences else 0


def _check_requests(does: tuple[str, ...], whom: tuple[str, ...], setting: str) -> None:
    if len(set(does)) < len(does):
        raise ValueError(f"{setting} should name each thing once, got {', '.join(does)}")
    if whom and "notify" not in does:
        raise ValueError(f"recipients are named, but {setting} has no notify")
