"""Recipients of notifications: who they are, when they are left alone, and whose turn it is in an alarm."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from domain.base import FrozenModel, Identifier


class Recipient(FrozenModel):
    """A person or a desk that gets messages; rungs name it by its id."""

    id: Identifier
    url_env: str = Field(
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="name of the environment variable, or of the line in the secrets file, that "
        "holds the apprise address; the address itself never stands here",
    )
    language: Literal["zh", "en", "both"] = Field(default="zh", description="of the message")
    picture: bool = Field(default=True, description="with a masked picture of the moment")
    picture_wait_s: float = Field(
        default=15.0, ge=0, le=300, description="how long a message waits for its picture"
    )
    useful_s: float = Field(
        default=600.0,
        gt=0,
        le=86400,
        description="how old the moment may be for a message; until then it is tried again",
    )
    quiet_hours: str | None = Field(
        default=None,
        description="when nothing is sent, in opening_hours notation such as 22:00-06:00, in the "
        "site's time zone",
    )
    max_per_hour: int = Field(
        default=30,
        ge=1,
        description="further messages in an hour, of alarms or of all else, are recorded and not sent",
    )
    recordings: bool = Field(
        default=False, description="also tell of recordings that are played again; for trying out"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.picture and self.picture_wait_s >= self.useful_s:
            raise ValueError(
                f"useful_s should be longer than picture_wait_s, or every message that waits for "
                f"its picture is too late; got {self.useful_s:g} and {self.picture_wait_s:g}"
            )
        return self


class AnswerWithin(FrozenModel):
    """Seconds within which somebody has to answer, by severity."""

    serious: float = Field(
        default=60.0,
        gt=0,
        le=86_400,
        description="of a serious rule's escalation, and of a full disk",
    )
    ordinary: float = Field(
        default=180.0, gt=0, le=86_400, description="of an ordinary rule's, and of all else"
    )
    slight: float = Field(
        default=600.0,
        gt=0,
        le=86_400,
        description="of a slight rule's, and of a disk that is nearly full",
    )


class AlarmSettings(FrozenModel):
    """Alarms: tasks that a person must answer."""

    answer_within_s: AnswerWithin = AnswerWithin()
    tells: tuple[str, ...] = Field(
        default=(),
        description="ids of the recipients whose turn it is, in order: the first's at once, the next one's "
        "when nobody has answered in time",
    )
    supervisor: str | None = Field(
        default=None, description="id of the recipient whose turn comes last, and again three times"
    )
