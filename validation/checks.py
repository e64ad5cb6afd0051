"""What an audit asks of every record: four groups of checks, each with its reason in two languages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from domain.ladder import FINAL
from domain.site import BothLanguages

Group = Literal["true", "clear", "complete", "accurate"]
GROUPS: dict[Group, BothLanguages] = {
    "true": BothLanguages(zh="真实", en="true"),
    "clear": BothLanguages(zh="清晰", en="clear"),
    "complete": BothLanguages(zh="完整", en="complete"),
    "accurate": BothLanguages(zh="准确", en="accurate"),
}

Value = str | float | bool


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must hold for every record where it was measured."""

    id: str
    group: Group
    column: str  # of measurements.py
    title: BothLanguages
    reason: BothLanguages  # when it does not hold; {value} is what was measured
    at_least: float | None = None
    at_most: float | None = None
    pattern: str | None = None
    one_of: tuple[Value, ...] = ()
    unique: bool = False
    may_be_absent: bool = False  # no picture, nothing to measure; `complete` says so already


@dataclass(frozen=True, slots=True)
class Limits:
    """What counts as clear.

    Measured on 65 people of the sample scene (53-111 px tall): sharpness 960 at least, of the same
    crops blurred by 3 px 17 at most; mean brightness 55-177. Between the two, on the safe side.
    """

    min_subject_height_px: float = 40.0
    min_sharpness: float = 100.0  # variance of the Laplacian, 8-bit grey
    min_brightness: float = 25.0  # mean of 8-bit grey
    max_brightness: float = 235.0


def _both(zh: str, en: str) -> BothLanguages:
    return BothLanguages(zh=zh, en=en)


def checks(limits: Limits | None = None) -> tuple[Check, ...]:
    """Every check, in the order shown."""
    limits = limits or Limits()
    return (*_true(), *_clear(limits), *_complete(), *_accurate())


def _true() -> tuple[Check, ...]:
    return (
        Check(
            "files-as-sealed",
            "true",
            "verify_problems",
            _both("文件与封存时一致", "files are as they were sealed"),
            _both("与封存时不一致：{value}", "not as sealed: {value}"),
            one_of=("",),
        ),
        Check(
            "id-form",
            "true",
            "evidence_id",
            _both("证据编号格式正确", "evidence id is well formed"),
            _both("证据编号格式不正确：{value}", "the evidence id is malformed: {value}"),
            pattern=r"^evd-[0-9a-f]{16}$",
        ),
        Check(
            "id-once",
            "true",
            "evidence_id",
            _both("证据编号不重复", "evidence id occurs once"),
            _both("证据编号重复：{value}", "the evidence id occurs more than once: {value}"),
            unique=True,
        ),
        Check(
            "id-minted",
            "true",
            "id_fits_offence",
            _both("证据编号由事件编号生成", "evidence id follows from the offence id"),
            _both("证据编号与事件编号不符", "the evidence id does not follow from the offence id"),
            one_of=(True,),
        ),
        Check(
            "embedding-length",
            "true",
            "embedding_norm",
            _both("外观特征向量为单位长度", "embedding has unit length"),
            _both("外观特征向量长度为 {value}，应为 1", "the embedding's length is {value}, not 1"),
            at_least=0.999,
            at_most=1.001,
            may_be_absent=True,
        ),
        Check(
            "appearance-length",
            "true",
            "appearance_norm",
            _both("颜色特征向量为单位长度", "appearance vector has unit length"),
            _both(
                "颜色特征向量长度为 {value}，应为 1",
                "the appearance vector's length is {value}, not 1",
            ),
            at_least=0.999,
            at_most=1.001,
            may_be_absent=True,
        ),
    )


def _clear(limits: Limits) -> tuple[Check, ...]:
    return (
        Check(
            "subject-size",
            "clear",
            "subject_height_px",
            _both("人物足够大", "subject is large enough"),
            _both(
                f"人物高 {{value}} 像素，至少需要 {limits.min_subject_height_px:g}",
                f"the subject is {{value}} px tall, {limits.min_subject_height_px:g} are needed",
            ),
            at_least=limits.min_subject_height_px,
        ),
        Check(
            "sharpness",
            "clear",
            "sharpness",
            _both("截图清晰", "snapshot is sharp"),
            _both(
                f"人物处清晰度 {{value}}，至少需要 {limits.min_sharpness:g}",
                f"sharpness at the subject is {{value}}, {limits.min_sharpness:g} is needed",
            ),
            at_least=limits.min_sharpness,
            may_be_absent=True,
        ),
        Check(
            "light",
            "clear",
            "brightness",
            _both("光线合适", "light is sufficient"),
            _both(
                f"人物处亮度 {{value}}，应在 {limits.min_brightness:g} 至 "
                f"{limits.max_brightness:g} 之间",
                f"brightness at the subject is {{value}}, should be {limits.min_brightness:g} to "
                f"{limits.max_brightness:g}",
            ),
            at_least=limits.min_brightness,
            at_most=limits.max_brightness,
            may_be_absent=True,
        ),
        Check(
            "clip-plays",
            "clear",
            "clip_duration_s",
            _both("视频片段有内容", "clip has a duration"),
            _both("视频片段时长为 {value} 秒", "the clip lasts {value} s"),
            at_least=0.001,
        ),
    )


def _complete() -> tuple[Check, ...]:
    return (
        Check(
            "all-parts",
            "complete",
            "absent_parts",
            _both("应有的文件齐全", "every part is there"),
            _both("缺少：{value}", "absent: {value}"),
            one_of=("",),
        ),
        Check(
            "nothing-missing",
            "complete",
            "missing",
            _both("封存时无缺失", "nothing was missing when it was sealed"),
            _both("封存时即有缺失：{value}", "missing when sealed: {value}"),
            one_of=("",),
        ),
        Check(
            "in-the-table",
            "complete",
            "has_row",
            _both("已登记在证据表中", "has a row in the evidence table"),
            _both(
                "已封存但未登记在证据表中",
                "sealed, but without a row in the evidence table; run the preserve flow again",
            ),
            one_of=(True,),
        ),
    )


def _accurate() -> tuple[Check, ...]:
    states = tuple(sorted(state.value for state in FINAL))
    return (
        Check(
            "rule-known",
            "accurate",
            "rule_known",
            _both("规则有据可查", "rule is known"),
            _both("找不到所依据的规则", "the rule it was judged by is not known"),
            one_of=(True,),
        ),
        Check(
            "score",
            "accurate",
            "score_over_minimum",
            _both("检测分数达到规则要求", "detection score reaches the rule's minimum"),
            _both(
                "检测分数比规则要求低 {value}（负数）",
                "the best score misses the rule's minimum by {value}",
            ),
            at_least=0.0,
            may_be_absent=True,
        ),
        Check(
            "dwell",
            "accurate",
            "dwell_over_threshold_s",
            _both("停留时间达到规则要求", "dwell reaches the rule's threshold"),
            _both(
                "停留时间与规则要求相差 {value} 秒",
                "the stay misses the rule's threshold by {value} s",
            ),
            at_least=-0.001,
            may_be_absent=True,
        ),
        Check(
            "ended-after-start",
            "accurate",
            "lasted_s",
            _both("结束不早于开始", "ended after it began"),
            _both("结束早于开始（{value} 秒）", "ended before it began ({value} s)"),
            at_least=0.0,
        ),
        Check(
            "clip-in-time",
            "accurate",
            "clip_lead_s",
            _both("视频片段从首次看到之前开始", "clip begins no later than the first sighting"),
            _both(
                "视频片段开始过晚（{value} 秒）",
                "the clip begins after the first sighting ({value} s)",
            ),
            at_least=-0.2,
            may_be_absent=True,
        ),
        Check(
            "outcome",
            "accurate",
            "outcome",
            _both("结果是阶梯的终态", "outcome is a final state of the ladder"),
            _both("{value} 不是阶梯的终态", "{value} is no final state of the ladder"),
            one_of=states,
        ),
        Check(
            "rungs",
            "accurate",
            "rungs_fit_outcome",
            _both("提醒次数与结果相符", "number of warnings fits the outcome"),
            _both(
                "提醒次数与结果不符",
                "the number of warnings does not fit the outcome "
                "(all before escalation, none before a lapse)",
            ),
            one_of=(True,),
            may_be_absent=True,
        ),
    )
