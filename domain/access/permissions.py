"""Permissions: what roles are made of, with words for each."""

from __future__ import annotations

from enum import StrEnum

from domain.base import BothLanguages, both


class Permission(StrEnum):
    """One thing that somebody may or may not do; the value is what stands in the people file."""

    WATCH = "watch"
    COMMAND = "command"
    SEE_MASKED = "see-masked"
    EXPORT_MASKED = "export-masked"
    SEE_UNMASKED = "see-unmasked"
    EXPORT_UNMASKED = "export-unmasked"
    HOLD = "hold"
    RELEASE = "release"
    ERASE = "erase"
    KEYS = "keys"
    BACK_UP = "back-up"
    READ_AUDITS = "read-audits"
    READ_ACCESS_LOG = "read-access-log"
    CHANGE_PEOPLE = "change-people"


# as the end of "X may (not) …"
WORDS: dict[Permission, BothLanguages] = {
    Permission.WATCH: both("观看实时画面和事件", "watch cameras and offences live"),
    Permission.COMMAND: both(
        "对进行中的事件下达指令、处理报警", "give commands about open offences, and answer alarms"
    ),
    Permission.SEE_MASKED: both("查找和查看已遮挡的证据", "find and look at masked evidence"),
    Permission.EXPORT_MASKED: both("导出已遮挡的证据", "export masked evidence"),
    Permission.SEE_UNMASKED: both("查看未遮挡的原件", "look at what is not masked"),
    Permission.EXPORT_UNMASKED: both("导出未遮挡的原件", "export what is not masked"),
    Permission.HOLD: both("留存证据", "place holds"),
    Permission.RELEASE: both("解除留存", "release holds"),
    Permission.ERASE: both("删除证据", "erase evidence"),
    Permission.KEYS: both("管理密钥", "make and change the site's keys"),
    Permission.BACK_UP: both("备份", "make backups"),
    Permission.READ_AUDITS: both("查看审核结果", "run and read audits"),
    Permission.READ_ACCESS_LOG: both("查看访问记录", "read who did what to evidence"),
    Permission.CHANGE_PEOPLE: both("管理人员名单", "change the list of people"),
}

# refused to everybody while a site has no list of people: nobody could be held to account for it
REQUIRES_PEOPLE_FILE = frozenset(
    {Permission.SEE_UNMASKED, Permission.EXPORT_UNMASKED, Permission.READ_ACCESS_LOG}
)
# before anybody does it, they have to say why; holds and erasures ask for it themselves
NEEDS_A_REASON = frozenset({Permission.SEE_UNMASKED, Permission.EXPORT_UNMASKED})
