"""Say numbers, spans and times aloud, in Mandarin and in English.

Chinese is written out: a voice reads "2秒" as 二秒 and "8:05" as 八零五, where people say 两秒 and
八点零五分. English voices read figures as people do.
"""

from __future__ import annotations

from datetime import datetime

_DIGITS = "零一二三四五六七八九"
# from this hour on, until the next
_PARTS_OF_DAY = ((0, "凌晨"), (6, "早上"), (9, "上午"), (12, "中午"), (13, "下午"), (18, "晚上"))


def zh_number(number: int) -> str:
    """Spell a number from 0 on, as one counts things in order; above 9,999 in figures.

    >>> zh_number(2), zh_number(12), zh_number(105), zh_number(2010)
    ('二', '十二', '一百零五', '二千零一十')
    """
    if number < 10:
        return _DIGITS[number]
    if number > 9_999:
        return str(number)
    if number < 20:
        return "十" + (_DIGITS[number - 10] if number > 10 else "")
    value, unit = next(u for u in ((1000, "千"), (100, "百"), (10, "十")) if number >= u[0])
    head, rest = divmod(number, value)
    words = _DIGITS[head] + unit
    if not rest:
        return words
    if rest < value // 10:
        words += "零"
    return words + ("一" if 10 <= rest < 20 else "") + zh_number(rest)


def zh_count(number: int) -> str:
    """Spell a number before a measure word: two is 两.

    >>> zh_count(2), zh_count(12)
    ('两', '十二')
    """
    return "两" if number == 2 else zh_number(number)


def zh_span(seconds: float) -> str:
    """Spell how long something has lasted; what is not full yet is left out.

    >>> zh_span(12.9), zh_span(60), zh_span(125), zh_span(3720)
    ('十二秒', '一分钟', '两分零五秒', '一小时零二分钟')
    """
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{zh_count(whole)}秒"
    minutes, left_s = divmod(whole, 60)
    if minutes < 60:
        return f"{zh_count(minutes)}" + (f"分{_padded(left_s)}秒" if left_s else "分钟")
    hours, left = divmod(minutes, 60)
    return f"{zh_count(hours)}小时" + (f"{_padded(left)}分钟" if left else "")


def en_span(seconds: float) -> str:
    """Spell how long something has lasted; what is not full yet is left out.

    >>> en_span(1.2), en_span(125), en_span(7260)
    ('1 second', '2 minutes 5 seconds', '2 hours 1 minute')
    """
    whole = max(0, int(seconds))
    if whole < 60:
        return _counted(whole, "second")
    minutes, left_s = divmod(whole, 60)
    if minutes < 60:
        return " ".join([_counted(minutes, "minute"), *_if_any(left_s, "second")])
    hours, left = divmod(minutes, 60)
    return " ".join([_counted(hours, "hour"), *_if_any(left, "minute")])


def zh_time(at: datetime) -> str:
    """Spell the time of day by that moment's own clock.

    >>> zh_time(datetime(2026, 3, 2, 20, 5)), zh_time(datetime(2026, 3, 2, 14, 0))
    ('晚上八点零五分', '下午两点')
    """
    part = [name for hour, name in _PARTS_OF_DAY if at.hour >= hour][-1]
    hour = at.hour - 12 if at.hour > 12 else at.hour
    words = f"{part}{zh_count(hour)}点"
    return f"{words}{_padded(at.minute)}分" if at.minute else words


def en_time(at: datetime) -> str:
    """Spell the time of day by that moment's own clock.

    >>> en_time(datetime(2026, 3, 2, 20, 5)), en_time(datetime(2026, 3, 2, 12, 0))
    ('8:05 p.m.', 'noon')
    """
    if not at.minute and at.hour in (0, 12):
        return "noon" if at.hour else "midnight"
    hour = (at.hour - 1) % 12 + 1
    minutes = f":{at.minute:02d}" if at.minute else ""
    return f"{hour}{minutes} {'a.m.' if at.hour < 12 else 'p.m.'}"


def _padded(number: int) -> str:
    """Spell what follows a larger unit: below ten a zero is said before it."""
    return ("零" if number < 10 else "") + zh_number(number)


def _counted(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


def _if_any(number: int, unit: str) -> list[str]:
    return [_counted(number, unit)] if number else []
