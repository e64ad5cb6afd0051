"""Messages about the disk and about evidence that waits, for people, in both languages."""

from __future__ import annotations

from domain.base import BothLanguages

MESSAGES = {
    "ok": BothLanguages(
        zh="磁盘（{folders}）恢复正常，剩余 {free}；等待中的工作自动继续",
        en="disk of {folders}: well again, {free} free; what waited goes on by itself",
    ),
    "nearly_full": BothLanguages(
        zh="磁盘（{folders}）即将写满：{size} 中只剩 {free}；目前一切照常，请腾出空间或缩短保存期限",
        en="disk of {folders}: nearly full, {free} of {size} free; all goes on, but make room, or "
        "keep things for a shorter time",
    ),
    "full": BothLanguages(
        zh="磁盘（{folders}）已满：{size} 中只剩 {free}；录像和新证据暂停保存，有空间后自动继续；请立即腾出空间",
        en="disk of {folders}: full, {free} of {size} free; recordings and new evidence wait and go on by "
        "themselves when there is room: make room now",
    ),
    "refused": BothLanguages(
        zh="磁盘（{folders}）还剩 {free}，却无法写入新文件：inode 用尽或超出配额；有空间后自动继续；请删除文件或放宽配额",
        en="disk of {folders}: full, though {free} are free: no more files can be made (inodes) or a quota "
        "is used up; what needs it waits and goes on by itself: delete files or widen the quota",
    ),
    "read_only": BothLanguages(
        zh="磁盘（{folders}）无法写入（{words}）；等可以写入后自动继续；请查看系统日志并修复该磁盘",
        en="disk of {folders}: cannot be written ({words}); what needs it waits and goes on by itself: "
        "look at the system's log and mend the disk",
    ),
    "sealing": BothLanguages(
        zh="{count} 起已结束的事件尚未封存证据，最久的已等待 {oldest}；请检查磁盘空间、模型服务和机器负载",
        en="evidence of {count} ended offences is not sealed yet, the first has waited for {oldest}; is "
        "the disk full, the model server away, the machine too slow?",
    ),
    "masking": BothLanguages(
        zh="{count} 份证据的录像尚未打码，最久的已等待 {oldest}；请检查磁盘空间、模型服务和机器负载",
        en="clips of {count} records are not masked yet, the first has waited for {oldest}; is the disk "
        "full, the model server away, the machine too slow?",
    ),
    "sealing_over": BothLanguages(zh="证据封存已跟上", en="evidence is sealed in time again"),
    "masking_over": BothLanguages(zh="录像打码已跟上", en="clips are masked in time again"),
}
_UNITS = (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3))


def storage_message(kind: str, **facts: object) -> BothLanguages:
    """Fill in one message; KeyError: no such kind, or a fact is missing."""
    message = MESSAGES[kind]
    return BothLanguages(zh=message.zh.format(**facts), en=message.en.format(**facts))


def readable_bytes(count: int) -> str:
    """Write a number of bytes for people.

    >>> readable_bytes(21_500_000)
    '21.5 MB'
    """
    for unit, size in _UNITS:
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} B"


def readable_duration(seconds: float) -> str:
    """Write a duration for people, in both languages' short signs.

    >>> readable_duration(150)
    '3 min'
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
