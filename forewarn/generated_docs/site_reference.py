"""Print the settings of a site file as tables, from the fields of domain/site/."""

from __future__ import annotations

from typing import Any

from domain.site.site import Site

# where each group of settings stands in the file, in the order in which one writes them
PLACES = {
    "SiteInfo": "site",
    "Camera": "cameras[]",
    "Zone": "cameras[].zones[]",
    "Line": "cameras[].lines[]",
    "Compliance": "cameras[].compliance",
    "Review": "cameras[].compliance.*_review",
    "Rule": "rules[]",
    "Condition": "rules[].condition",
    "Present": "rules[].condition.present",
    "Absent": "rules[].condition.absent",
    "AtLeast": "rules[].condition.at_least",
    "Stationary": "rules[].condition.stationary",
    "LineCrossed": "rules[].condition.line_crossed",
    "Ladder": "ladders[]",
    "Rung": "ladders[].rungs[]",
    "CallText": "ladders[].rungs[].text",
    "Recording": "ladders[].rungs[].recordings[]",
    "SpeakerSettings": "speakers[]",
    "Calls": "calls",
    "TimeStamping": "time_stamping",
    "Storage": "storage",
    "Retention": "retention",
    "CategoryTerms": "retention.categories[]",
    "RingLimits": "retention.recordings",
    "Recipient": "recipients[]",
    "OperatorSettings": "operators",
    "OperatorText": "operators.texts[]",
    "AnyTimeText": "operators.texts[].text",
    "AlarmSettings": "alarms",
    "AnswerWithin": "alarms.answer_within_s",
    "BothLanguages": "titles and texts",
}
FORMATS = {"date-time": "date and time with its zone", "date": "date, such as 2026-03-02"}
WORDS = {
    "string": "text",
    "number": "number",
    "integer": "whole number",
    "boolean": "`true` or `false`",
    "object": "settings by name",
}
HEADINGS = ("setting", "what it takes", "default", "meaning")

Schema = dict[str, Any]


def site_reference() -> str:
    """Return a heading, a sentence and a table for each group of settings."""
    schema = Site.model_json_schema()
    groups: dict[str, Schema] = schema["$defs"]
    parts = [_group("the file", schema, groups)]
    with_settings = {name for name, group in groups.items() if "properties" in group}
    # a class name would tell nobody where its settings stand
    if without_place := sorted(with_settings - PLACES.keys()):
        raise ValueError(
            f"PLACES does not say where {', '.join(without_place)} stand in a site file"
        )
    parts += [
        _group(place, groups[name], groups)
        for name, place in PLACES.items()
        if name in with_settings
    ]
    return "\n".join(parts)


def _group(place: str, group: Schema, groups: dict[str, Schema]) -> str:
    name = f"`{place}`" if place in PLACES.values() and " " not in place else place.capitalize()
    needed = group.get("required", [])
    lines = [f"### {name}\n", f"{group.get('description', '')}\n", _row(HEADINGS)]
    lines.append(_row(tuple("---" for _ in HEADINGS)))
    for setting, facts in group["properties"].items():
        default = "**needed**" if setting in needed else _default(facts.get("default"))
        meaning = _meaning(facts, groups)
        lines.append(_row((f"`{setting}`", _takes(facts), default, meaning)))
    return "\n".join(lines) + "\n"


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _default(value: object) -> str:
    if isinstance(value, dict):
        return "their own defaults"
    if value is None or value == []:
        return "none"
    words = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"`{words}`"


def _meaning(facts: Schema, groups: dict[str, Schema]) -> str:
    """Return the setting's own words, else the first paragraph about what it holds."""
    inner = facts.get("items", facts)
    held = groups.get(_reference(inner), {})
    words = facts.get("description") or inner.get("description") or held.get("description", "")
    # a line end within a cell would end the table
    return " ".join(str(words).partition("\n\n")[0].split())


def _reference(facts: Schema) -> str:
    return str(facts.get("$ref", "")).rpartition("/")[2]


def _takes(facts: Schema) -> str:
    """Say in words what may stand there, with its bounds."""
    if name := _reference(facts):
        return "`zh` and `en`" if name == "BothLanguages" else f"see `{PLACES.get(name, name)}`"
    if choices := facts.get("anyOf", facts.get("oneOf")):
        return " or ".join(_takes(choice) for choice in choices if choice.get("type") != "null")
    if "const" in facts:
        return f"`{facts['const']}`"
    if facts.get("type") == "array":
        return _takes_list(facts)
    if "enum" in facts:
        return " or ".join(f"`{value}`" for value in facts["enum"])
    if "format" in facts:
        return {"date-time": "date and time with its zone", "date": "date"}[facts["format"]]
    return WORDS.get(facts.get("type", ""), "any value") + _bounds(facts)


def _takes_list(facts: Schema) -> str:
    if "prefixItems" in facts:
        return "[" + ", ".join(_takes(item) for item in facts["prefixItems"]) + "]"
    inner = _takes(facts["items"])
    least = f", at least {facts['minItems']}" if facts.get("minItems") else ""
    return f"list{least}; {inner}" if _reference(facts["items"]) else f"list of {inner}{least}"


def _bounds(facts: Schema) -> str:
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    found = [f" {sign} {facts[name]:g}" for name, sign in signs.items() if name in facts]
    return ",".join(found)
