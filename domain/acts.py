"""What people may be permitted to do: the acts that roles are made of."""

from __future__ import annotations

from enum import StrEnum

from domain.facts import BothLanguages


class Act(StrEnum):
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
WORDS: dict[Act, BothLanguages] = {
    Act.WATCH: BothLanguages(zh="观看实时画面和事件", en="watch cameras and offences live"),
    Act.COMMAND: BothLanguages(zh="对进行中的事件下达指令", en="give commands about open offences"),
    Act.SEE_MASKED: BothLanguages(
        zh="查找和查看已遮挡的证据", en="find and look at masked evidence"
    ),
    Act.EXPORT_MASKED: BothLanguages(zh="导出已遮挡的证据", en="export masked evidence"),
    Act.SEE_UNMASKED: BothLanguages(zh="查看未遮挡的原件", en="look at what is not masked"),
    Act.EXPORT_UNMASKED: BothLanguages(zh="导出未遮挡的原件", en="export what is not masked"),
    Act.HOLD: BothLanguages(zh="留存证据", en="place holds"),
    Act.RELEASE: BothLanguages(zh="解除留存", en="release holds"),
    Act.ERASE: BothLanguages(zh="删除证据", en="erase evidence"),
    Act.KEYS: BothLanguages(zh="管理密钥", en="make and change the site's keys"),
    Act.BACK_UP: BothLanguages(zh="备份", en="make backups"),
    Act.READ_AUDITS: BothLanguages(zh="查看审核结果", en="run and read audits"),
    Act.READ_ACCESS_LOG: BothLanguages(zh="查看访问记录", en="read who did what to evidence"),
    Act.CHANGE_PEOPLE: BothLanguages(zh="管理人员名单", en="change the list of people"),
}

# refused to everybody while a site has no list of people: nobody could be held to account for it
NEEDS_A_LIST = frozenset({Act.SEE_UNMASKED, Act.EXPORT_UNMASKED, Act.READ_ACCESS_LOG})
# before anybody does it, they have to say why; holds and erasures ask for it themselves
NEEDS_A_REASON = frozenset({Act.SEE_UNMASKED, Act.EXPORT_UNMASKED})
