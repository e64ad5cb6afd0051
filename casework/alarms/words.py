"""Words for alarms in both languages: what they are about, where they stand, what can be done."""

from __future__ import annotations

from casework.alarms.moves import AlarmAction, AlarmState
from domain.base import BothLanguages, both
from domain.events.alarm_events import AlarmKind, AlarmSeverity
from domain.events.commands import LONGEST_NAME, LONGEST_WORDS

KINDS: dict[AlarmKind, BothLanguages] = {
    "offence": both("请派人到现场", "A person is asked for"),
    "cameras": both("摄像机看不清或无画面", "Cameras give no usable picture"),
    "disk nearly full": both("磁盘将满", "A disk is nearly full"),
    "disk full": both("磁盘已满或无法写入", "A disk is full or cannot be written"),
    "sealing": both("证据未能及时封存", "Evidence waits to be sealed"),
    "masking": both("遮挡视频未能及时完成", "Clips wait to be masked"),
}
SEVERITIES: dict[AlarmSeverity, BothLanguages] = {
    "serious": both("严重", "serious"),
    "ordinary": both("一般", "ordinary"),
    "slight": both("轻微", "slight"),
}
STATES: dict[AlarmState, BothLanguages] = {
    AlarmState.NEW: both("待确认", "not answered"),
    AlarmState.ACKNOWLEDGED: both("已确认", "acknowledged"),
    AlarmState.ASSIGNED: both("已指派", "assigned"),
    AlarmState.ON_THE_WAY: both("在途中", "on the way"),
    AlarmState.ON_SITE: both("已到场", "on site"),
    AlarmState.SETTLED: both("已处理", "settled"),
    AlarmState.PERSUADED: both("已劝导", "persuaded"),
    AlarmState.REFUSED: both("不听劝导", "did not listen"),
    AlarmState.NOBODY_THERE: both("现场无人", "nobody there"),
    AlarmState.NO_COOPERATION: both("不予配合", "no cooperation"),
    AlarmState.FALSE_ALARM: both("误报", "false alarm"),
    AlarmState.CLOSED: both("已结案", "closed"),
    AlarmState.REOPENED: both("重新打开", "reopened"),
    AlarmState.OVER: both("已自行恢复", "over by itself"),
}
ACTIONS: dict[AlarmAction, BothLanguages] = {
    AlarmAction.ACKNOWLEDGE: both("确认", "acknowledge"),
    AlarmAction.ASSIGN: both("指派", "assign"),
    AlarmAction.SET_OUT: both("出发", "set out"),
    AlarmAction.ARRIVE: both("到场", "arrive"),
    AlarmAction.SETTLED: both("已处理", "settled"),
    AlarmAction.PERSUADED: both("已劝导", "persuaded"),
    AlarmAction.REFUSED: both("不听劝导", "did not listen"),
    AlarmAction.NOBODY_THERE: both("现场无人", "nobody there"),
    AlarmAction.NO_COOPERATION: both("不予配合", "no cooperation"),
    AlarmAction.FALSE_ALARM: both("误报", "false alarm"),
    AlarmAction.CLOSE: both("结案", "close"),
    AlarmAction.REOPEN: both("重新打开", "reopen"),
    AlarmAction.CAUSE_OVER: both("自行恢复", "over by itself"),
}
# why a move is refused
NO_SUCH_ALARM = both(
    "事件日志中没有这个报警；`forewarn alarms list` 列出未结的报警",
    "there is no such alarm in this event log; `forewarn alarms list` shows the open ones",
)
BAD_NAME = both(
    f"姓名最多 {LONGEST_NAME} 个可显示的字符",
    f"a name has at most {LONGEST_NAME} printable characters",
)
NO_NAME = both("请写明操作人的姓名", "needs the name of who does it")
NOBODY_TO_GO = both("请写明派谁去", "needs the name of who is to go")
NO_REASON = both("请写明原因", "needs a reason; say why in a few words")
LONG_REASON = both(
    f"原因最多 {LONGEST_WORDS} 个字符", f"a reason has at most {LONGEST_WORDS} characters"
)
_MOST_NAMES = 5  # in a sentence; the alarm itself names all


def wording_of(kind: AlarmKind, names: list[str]) -> BothLanguages:
    """Say in a line what an alarm is about."""
    words, shown, more = KINDS[kind], names[:_MOST_NAMES], len(names) - _MOST_NAMES
    zh = f"{words.zh}：{'、'.join(shown)}" + (f" 等 {len(names)} 个" if more > 0 else "")
    en = f"{words.en}: {', '.join(shown)}" + (f" and {more} more" if more > 0 else "")
    return both(zh, en)
