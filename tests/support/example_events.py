"""Make one plausible event of each kind, for tests, documentation and people who write readers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from domain.base import BothLanguages
from domain.events.announcements import SpokenPart
from domain.events.catalog import (
    AlarmJoined,
    AlarmMoved,
    AlarmNotified,
    AlarmOpened,
    AlarmOverdue,
    AnnouncementMade,
    ByHand,
    CameraChanged,
    CameraFitness,
    CaseRequested,
    ClockStepped,
    CommandGiven,
    Event,
    EvidenceBehind,
    EvidenceErased,
    EvidenceFile,
    EvidenceHeld,
    EvidenceMasked,
    EvidenceSealed,
    ItemPutAside,
    NotificationMade,
    NotificationRequested,
    OffenceClimbed,
    OffenceComplied,
    OffenceDismissed,
    OffenceDispatched,
    OffenceEscalated,
    OffenceExempted,
    OffenceHandedBack,
    OffenceLapsed,
    OffenceMerged,
    OffenceOpened,
    OffencePaused,
    OffenceResumed,
    OffenceTakenOver,
    OffenceUnknown,
    OffenceWarned,
    OffenceWithheld,
    OfficerRequested,
    Recognition,
    RingPinned,
    Sighting,
    SiteApplied,
    SiteFileChanged,
    StorageChanged,
)
from domain.events.commands import CommandKind, Refusal, command_id
from domain.events.refusals import refuse
from domain.events.site_events import NamedFile
from domain.fitness import Unfit, explain
from domain.ids import mint
from forewarn.storage.messages import storage_message

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
TEXT = BothLanguages(
    zh="您好，前场请勿停留，谢谢您的配合。",
    en="Hello. Please do not stay on the forecourt. Thank you for your help.",
)


def warned_event(
    number: int = 1,
    camera_id: str = "gate",
    at: datetime = START,
    text: BothLanguages = TEXT,
) -> Event:
    """Make a warning that came due; events with another number or camera are about another offence."""
    offence_id = mint("ofc", "example", camera_id, number)
    data = OffenceWarned(
        **_offence(offence_id, camera_id, "warned", at),
        rung_id="persuade",
        rung_number=1,
        rung_count=3,
        text=text,
    )
    event_id = mint("evt", offence_id, data.event_type, 1)
    return Event(event_id, f"forewarn/campus/{camera_id}", offence_id, at, data)


def one_of_each() -> list[Event]:
    """Make an event of every kind, in an order in which they could happen."""
    warned = warned_event()
    offence_id, first = warned.subject, _sighting(START - timedelta(seconds=4.2))
    outcome = {"first_sighting": first, "rung_sightings": (_sighting(START),)}
    ended = {**outcome, "last_sighting": _sighting(START + timedelta(seconds=6))}

    def offence(kind: Any, state: str, after_s: float, **more: Any) -> Event:
        at = START + timedelta(seconds=after_s)
        data = kind(**_offence(offence_id, "gate", state, at), **more)
        return Event(mint("evt", offence_id, data.event_type), warned.source, offence_id, at, data)

    return [
        _camera_up(),
        _camera_unfit(),
        _put_aside(),
        offence(OffenceOpened, "opened", -0.2, threshold_s=4.0, first_sighting=first),
        offence(
            OffenceWithheld,
            "opened",
            -0.1,
            what="rung",
            rung_id="persuade",
            rung_number=1,
            reasons=(Unfit.OUT_OF_FOCUS.value,),
            explanation=explain((Unfit.OUT_OF_FOCUS,)),
        ),
        warned,
        _announced(warned),
        offence(OffenceClimbed, "warned", 3, rung_id="call-the-desk", rung_number=2, rung_count=3),
        *_requests(offence),
        offence(OffenceComplied, "complied", 7, **ended, basis="seen outside the zone"),
        offence(
            OffenceLapsed, "lapsed", 7, **{**ended, "rung_sightings": ()}, basis="no longer seen"
        ),
        offence(OffenceEscalated, "escalated", 9, **ended),
        offence(OffenceExempted, "exempted", 9, **ended),
        offence(
            OffenceMerged,
            "merged",
            9,
            **ended,
            goes_on_as=mint("ofc", "the older one"),
            recognition=Recognition(how="occlusion", gap_s=2.0, similarity=0.95, margin=0.3),
        ),
        offence(OffenceUnknown, "unknown", 9, **ended, reason="gate: no frame for 10 s"),
        *_by_operators(offence, offence_id, ended),
        _sealed(offence_id),
        *_kept(offence_id),
        _masked(offence_id),
        *_stored(),
        *_about_the_site_file(),
        *_alarms(),
    ]


def _alarms() -> list[Event]:
    """Make the events of an alarm about two cameras that went dark, in the order of its numbers."""
    alarm_id = mint("alm", "example")

    def alarm(kind: Any, number: int, state: str, due_s: float | None, **more: Any) -> Event:
        at = START + timedelta(seconds=60 * number)
        due_at = None if due_s is None else at + timedelta(seconds=due_s)
        same = {"alarm_id": alarm_id, "site_id": "campus", "kind": "cameras", "is_open": True}
        data = kind(**same, number=number, state=state, due_at=due_at, **more)
        return Event(mint("evt", alarm_id, number), "forewarn/campus/alarms", alarm_id, at, data)

    about = BothLanguages(
        zh="摄像机看不清或无画面：gate", en="Cameras give no usable picture: gate"
    )
    opened = {"severity": "ordinary", "moves_version": 1, "names": ("gate",), "wording": about}
    moved = {"by": "Wang Fang", "via": "console", "assigned_to": "Wang Fang"}
    told = AlarmNotified(
        alarm_id=alarm_id,
        site_id="campus",
        told_event_id=mint("evt", alarm_id, 3),
        level=1,
        recipient_id="patrol",
        service="mailto",
        result="sent",
        language="en",
        text="Campus crossing: still open, message 2: …",
        attempts=1,
        started_at=START + timedelta(seconds=181),
        ended_at=START + timedelta(seconds=182),
    )
    return [
        alarm(AlarmOpened, 1, "new", 180, told=("desk",), **opened),
        alarm(AlarmJoined, 2, "new", 120, names=("yard",)),
        alarm(AlarmOverdue, 3, "new", 180, level=1, told=("patrol",)),
        alarm(
            AlarmMoved, 4, "acknowledged", 900, action="acknowledge", state_before="new", **moved
        ),
        Event(mint("evt", alarm_id, "told"), "forewarn/campus/notifier", alarm_id, START, told),
    ]


def _about_the_site_file() -> list[Event]:
    """Make the events of a site file that is put in force, and then edited."""
    applied = SiteApplied(
        site_id="campus",
        revision=2,
        sha256="7" * 64,
        files=(NamedFile(name="taxonomy.yaml", sha256="8" * 64),),
        by="Wang Fang",
        reason="the east gate is closed in winter",
    )
    edited = SiteFileChanged(
        site_id="campus",
        revision=2,
        standing="edited",
        reason="site file changed, not in force: forewarn site apply",
        reason_zh="站点文件已更改，尚未生效：forewarn site apply",
    )
    return [
        Event(mint("evt", "campus", data.event_type), "forewarn/campus/site", "campus", START, data)
        for data in (applied, edited)
    ]


def _requests(offence: Any) -> list[Event]:
    """Make what the rung after the warning asks for, and what came of telling somebody."""
    asked = offence(NotificationRequested, "warned", 3, **_request(), recipients=("duty-officer",))
    case_id = mint("case", asked.subject)
    return [
        asked,
        offence(CaseRequested, "warned", 3, **_request(), case_id=case_id),
        offence(OfficerRequested, "warned", 3, **_request()),
        _notified(asked),
    ]


def _request() -> dict[str, Any]:
    def both(zh: str, en: str) -> BothLanguages:
        return BothLanguages(zh=zh, en=en)

    return {
        "asked_by": "rung",
        "rung_id": "call-the-desk",
        "rung_number": 2,
        "rung_count": 3,
        "site_title": both("校园路口", "Campus crossing"),
        "camera_title": both("路口相机", "Crossing camera"),
        "place_title": both("路口前场", "Forecourt"),
        "rule_title": both("请勿在前场停留", "No lingering on the forecourt"),
        "category": "street/loitering",
        "category_title": both(
            "街面秩序·在限制区域逗留", "Street order: Staying where one may not"
        ),
        "legal_basis": both("市容条例第十二条", "City order, article 12"),
        "severity": "ordinary",
        "evidence_id": mint("evd", mint("ofc", "example", "gate", 1)),
        "wording": both(
            "疑似情况：请勿在前场停留。路口前场（路口相机），已持续7秒。"
            "以上为摄像机所见，尚未认定，须由人员核实。",
            "Suspected: No lingering on the forecourt. Forecourt, Crossing camera; it has lasted "
            "7 s. This is what a camera saw, not a finding: a person decides.",
        ),
    }


def _notified(asked: Event) -> Event:
    data = NotificationMade(
        offence_id=asked.subject,
        camera_id="gate",
        rung_id="call-the-desk",
        request_event_id=asked.id,
        recipient_id="duty-officer",
        service="mailto",
        result="sent",
        language="en",
        text="Suspected: No lingering on the forecourt. …",
        picture_sha256="0" * 64,
        picture_note="",
        attempts=1,
        started_at=asked.time + timedelta(seconds=2),
        ended_at=asked.time + timedelta(seconds=3),
    )
    event_id = mint("evt", asked.id, data.event_type, "duty-officer")
    return Event(event_id, "forewarn/campus/notifier", asked.subject, asked.time, data)


def _by_operators(
    offence: Callable[..., Event], offence_id: str, ended: dict[str, Any]
) -> list[Event]:
    """Make a command, one that is refused, and what operators' commands lead to."""
    given = command_event(offence_id)
    by_hand = ByHand(
        command_id=given.id,
        command=CommandKind.TAKE_OVER,
        operator="Wang Fang",
        asked_at=given.time,
    )

    def did(command: CommandKind, reason: str) -> ByHand:
        return by_hand.model_copy(update={"command": command, "reason": reason})

    decides, leaves = did(CommandKind.PAUSE, ""), did(CommandKind.RESUME, "")
    sent = did(CommandKind.DISPATCH, "patrol 3, two minutes away")
    dismissed = did(CommandKind.DISMISS, "the gardener, at work")
    return [
        given,
        offence(
            OffencePaused,
            "warned",
            1,
            by_hand=decides,
            paused_until=START + timedelta(seconds=61),
        ),
        offence(OffenceResumed, "warned", 2, by_hand=leaves),
        offence(
            OffenceTakenOver,
            "taken-over",
            2,
            by_hand=by_hand,
            hand_back_at=START + timedelta(seconds=302),
        ),
        refuse(command_event(offence_id, "Li Wei"), Refusal.TAKEN_BY_ANOTHER, "Wang Fang"),
        offence(OffenceDispatched, "taken-over", 3, by_hand=sent),
        offence(OffenceHandedBack, "warned", 4, cause="time limit", taken_by="Wang Fang"),
        offence(
            OffenceDismissed, "dismissed", 5, **ended, by_hand=dismissed, operators_did=(dismissed,)
        ),
    ]


def command_event(offence_id: str, operator: str = "Wang Fang") -> Event[CommandGiven]:
    """Make the command of an operator who takes an offence over."""
    at = START + timedelta(seconds=2)
    data = CommandGiven(
        command=CommandKind.TAKE_OVER,
        offence_id=offence_id,
        site_id="campus",
        camera_id="gate",
        rule_id="no-lingering",
        operator=operator,
        asked_at=at,
        via="console",
    )
    id_ = command_id(offence_id, data.command, operator, "example")
    return Event(id_, "forewarn/campus/operators", offence_id, at, data)


def _sighting(at: datetime) -> Sighting:
    media_time_s = (at - START).total_seconds() + 10
    return Sighting(
        at=at,
        media_time_s=media_time_s,
        pts=round(media_time_s * 12800),
        time_base="1/12800",
        box_xyxy=(301.5, 122.0, 342.25, 240.0),
        score=0.62,
        frame_width_px=768,
        frame_height_px=576,
    )


def _offence(offence_id: str, camera_id: str, state: str, at: datetime) -> dict[str, Any]:
    return {
        "offence_id": offence_id,
        "site_id": "campus",
        "camera_id": camera_id,
        "zone_id": "forecourt",
        "rule_id": "no-lingering",
        "subject_id": f"{camera_id}/7",
        "state": state,
        "first_seen_at": START - timedelta(seconds=4.2),
        "dwell_s": 4.2,
        "sighting": _sighting(at),
    }


def _camera_up() -> Event:
    data = CameraChanged(
        site_id="campus",
        camera_id="gate",
        status="up",
        reason="",
        frames_read=1,
        frames_put_aside=0,
    )
    at = START - timedelta(seconds=10)
    return Event(mint("evt", "example camera up"), "forewarn/campus/gate", "gate", at, data)


def _camera_unfit() -> Event:
    reasons = (Unfit.OUT_OF_FOCUS.value,)
    data = CameraFitness(
        site_id="campus",
        camera_id="gate",
        is_fit=False,
        reasons=reasons,
        explanation=explain(reasons),
    )
    at = START - timedelta(seconds=8)
    return Event(mint("evt", "example camera unfit"), "forewarn/campus/gate", "gate", at, data)


def _put_aside() -> Event:
    data = ItemPutAside(
        site_id="campus",
        program="watch",
        step="track",
        camera_id="gate",
        item="the frame at 12.400 s",
        media_time_s=12.4,
        count=1,
        in_a_row=1,
        reason="gate: the frame at 12.400 s was put aside by step track, the others go on: ValueError: x",
        reason_zh="gate：步骤 track 无法处理12.400 秒的画面，已跳过，其余照常进行：ValueError: x",
    )
    at = START - timedelta(seconds=6)
    return Event(mint("evt", "example put aside"), "forewarn/campus/gate", "gate", at, data)


def _announced(warned: Event) -> Event:
    data = AnnouncementMade(
        offence_id=warned.subject,
        camera_id="gate",
        rung_id="persuade",
        rung_number=1,
        warned_event_id=warned.id,
        result="written",
        languages=("zh", "en"),
        text=TEXT,
        audio_file=f"announcements/gate/{warned.id}.wav",
        audio_sha256="0" * 64,
        audio_duration_s=8.25,
        engine="espeak-ng",
        parts=tuple(
            SpokenPart(language=language, voice="espeak-ng", sha256="0" * 64, duration_s=3.9)
            for language in ("zh", "en")
        ),
    )
    event_id = mint("evt", warned.id, data.event_type)
    return Event(event_id, "forewarn/campus/gate/announcer", warned.subject, warned.time, data)


def _sealed(offence_id: str) -> Event:
    data = EvidenceSealed(
        evidence_id=mint("evd", offence_id),
        offence_id=offence_id,
        site_id="campus",
        camera_id="gate",
        rule_id="no-lingering",
        outcome="escalated",
        complete=False,
        missing=("clip: the recording begins 1.5 s after the first sighting",),
        files=(EvidenceFile(name="clip.mp4", role="clip", sha256="0" * 64, size_bytes=181_220),),
    )
    at = START + timedelta(seconds=20)
    event_id = mint("evt", data.evidence_id, data.event_type)
    return Event(event_id, "forewarn/campus/preserve", data.evidence_id, at, data)


def _kept(offence_id: str) -> list[Event]:
    """Make a hold, an erasure, and a ring that is full of what is pinned."""
    evidence_id, at = mint("evd", offence_id), START + timedelta(days=31)
    held = EvidenceHeld(
        hold_id="hld-0123456789abcdef",
        is_held=True,
        evidence_id=evidence_id,
        offence_id=offence_id,
        camera_id="gate",
        from_at=START - timedelta(seconds=20),
        to_at=START + timedelta(seconds=25),
        reason="appeal 17",
        owner="legal department",
        until=None,
    )
    erased = EvidenceErased(
        evidence_id=evidence_id,
        offence_id=offence_id,
        reason="its term is over: 30 days",
        by="retention",
        rule="retention.complied",
        custody_number=42,
        erased_at=at,
    )
    pinned = RingPinned(
        site_id="campus",
        camera_id="gate",
        is_over=True,
        pinned_bytes=19 * 1024**3,
        size_bytes=21 * 1024**3,
        limit_bytes=20 * 1024**3,
        reasons=("hold hld-0123456789abcdef: appeal 17",),
    )
    set_back = ClockStepped(
        site_id="campus",
        from_at=START + timedelta(hours=1),
        to_at=START,
        step_s=-3600.0,
        steady_at=START + timedelta(hours=1),
        reason="the machine's clock was set by -3600 s",
        reason_zh="机器时钟被调整了 -3600 秒",
    )
    source = "forewarn/campus/keep"
    return [
        Event(mint("evt", held.hold_id, True), source, evidence_id, START, held),
        Event(mint("evt", evidence_id, erased.event_type, 42), source, evidence_id, at, erased),
        Event(mint("evt", "gate", pinned.event_type, at.isoformat()), source, "gate", at, pinned),
        Event("evt-clock", "forewarn/campus/clock", "campus", START, set_back),
    ]


def _masked(offence_id: str) -> Event:
    name = "added/clip.masked.mp4"
    data = EvidenceMasked(
        evidence_id=mint("evd", offence_id),
        offence_id=offence_id,
        site_id="campus",
        camera_id="gate",
        files=(EvidenceFile(name=name, role="masked clip", sha256="0" * 64, size_bytes=93_114),),
    )
    at = START + timedelta(seconds=20)
    event_id = mint("evt", data.evidence_id, data.event_type)
    return Event(event_id, "forewarn/campus/mask", data.evidence_id, at, data)


def _stored() -> list[Event]:
    """Make a disk that is full, and evidence that waits."""
    full = storage_message("full", folders="evidence", free="1.2 MB", size="64.0 GB")
    behind = storage_message("sealing", count=12, oldest="4 min")
    changed = StorageChanged(
        site_id="campus",
        state="full",
        folders=("evidence",),
        free_bytes=1_200_000,
        size_bytes=64_000_000_000,
        reason=full.en,
        reason_zh=full.zh,
    )
    waits = EvidenceBehind(
        site_id="campus",
        work="sealing",
        is_behind=True,
        count=12,
        oldest_s=240.0,
        reason=behind.en,
        reason_zh=behind.zh,
    )
    source = "forewarn/campus/storage"
    return [
        Event(mint("evt", changed.event_type), source, "storage", START, changed),
        Event(mint("evt", waits.event_type), source, "evidence", START, waits),
    ]
