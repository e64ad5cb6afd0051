"""`forewarn evidence search`: find records like a picture, a record, a subject or words."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from domain.access.permissions import Permission
from domain.errors import Stop
from evidence_store.search.similarity import Match, SearchResult
from forewarn.terminal.evidence_filters import (
    CameraOption,
    CategoryOption,
    FromOption,
    OutcomeOption,
    RuleOption,
    ToOption,
    ZoneOption,
    wanted,
)
from forewarn.terminal.evidence_lines import as_json, listing, out
from forewarn.terminal.identity import check_may
from forewarn.terminal.options import (
    DEFAULT_DATA,
    DataOption,
    JsonOption,
    console,
    data_dir,
    print_json,
)


class By(StrEnum):
    """Vectors that a search compares."""

    BEST = "best"
    LIKENESS = "likeness"
    LOOKS = "looks"
    APPEARANCE = "appearance"
    BOTH = "both"


ImageOption = Annotated[
    Path | None,
    typer.Option("--image", help="A picture of somebody (JPEG, PNG, ...), cut out closely."),
]
EvidenceOption = Annotated[
    str | None, typer.Option("--evidence", "--like", metavar="ID", help="The subject of a record.")
]
TrackOption = Annotated[
    str | None,
    typer.Option(
        "--track", metavar="CAMERA/NUMBER", help="A subject, by all of its records together."
    ),
]
TextOption = Annotated[
    str | None,
    typer.Option("--text", help="Words for what is on the picture; needs `forewarn models pair`."),
]
ByVectorOption = Annotated[
    By,
    typer.Option(
        "--by",
        help="What is compared: the likeness model's vector, the embedder's view, the colours of the "
        "clothes, or the mean of the last two. best: likeness where it is to be had, else both.",
    ),
]
LimitOption = Annotated[
    int, typer.Option("-k", "--limit", min=1, max=1000, help="At most so many.")
]
TritonOption = Annotated[
    str | None,
    typer.Option(
        "--triton",
        metavar="HOST:PORT",
        help="Describe --image or --text on this Triton server; else on the one that runs for the data "
        "folder, else on one started for it.",
    ),
]


SEARCH_HELP = """Records whose subject looks most like a picture, another record's subject, or a track.

Likeness is a cosine: 1 is the same picture. It is a hint for a person who compares, never an
identity. Equally similar records share a rank. Below the list stands whether every record that
fits was compared, or an index was asked (large tables), which misses about one in a hundred.

Example: forewarn evidence search --evidence evd-0123456789abcdef

Example: forewarn evidence search --image walker.jpg --camera gate --from 2026-03-02 -k 5

Example: forewarn evidence search --text "person with a red umbrella" --outcome escalated

Example: forewarn evidence search --track gate/17 --category street/loitering
"""


def search(
    image: ImageOption = None,
    evidence: EvidenceOption = None,
    track: TrackOption = None,
    text: TextOption = None,
    by: ByVectorOption = By.BEST,
    k: LimitOption = 10,
    camera: CameraOption = None,
    zone: ZoneOption = None,
    rule: RuleOption = None,
    outcome: OutcomeOption = None,
    category: CategoryOption = None,
    from_at: FromOption = None,
    to_at: ToOption = None,
    triton: TritonOption = None,
    data: DataOption = DEFAULT_DATA,
    in_json: JsonOption = False,
) -> None:
    """Search evidence by likeness, and print what is found."""
    if sum(subject is not None for subject in (image, evidence, track, text)) != 1:
        raise Stop(
            "needs one of --image FILE, --evidence ID, --track CAMERA/NUMBER or --text WORDS; --help has "
            "examples. To list by facts alone: forewarn evidence list"
        )
    from forewarn.evidence.find import open_finder

    check_may(Permission.SEE_MASKED, data_dir(data))
    facts = wanted(camera, zone, rule, outcome, category, None, from_at, to_at)
    finder = open_finder(data_dir(data), triton)
    if image is not None:
        found = finder.like_picture(image, by.value, k, facts)
    elif text is not None:
        found = finder.like_text(text, k, facts)
    elif evidence is not None:
        found = finder.like_record(evidence, by.value, k, facts)
    else:
        assert track is not None
        found = finder.like_track(track, by.value, k, facts)
    show_found(found, in_json)


def show_found(found: SearchResult, in_json: bool) -> None:
    """Print what was found."""
    if in_json:
        for match in found.matches:
            print_json(_match_as_json(match) | {"exact": found.is_exact})
        return
    if not found.matches:
        console.print("Nothing found.")
        return
    cells = [
        [str(match.rank), f"{match.similarity:.4f}", *_apart(match)] for match in found.matches
    ]
    names = list(found.matches[0].cosines)
    titles = ["rank", "likeness", *(_TITLES[name] for name in names if len(names) > 1)]
    out().print(listing([match.record for match in found.matches], cells, titles))
    console.print(how(found), highlight=False, soft_wrap=True)


_TITLES = {"embedding": "looks", "appearance": "colours", "likeness": "likeness", "text": "words"}


def how(found: SearchResult) -> str:
    """Say in words how the answer was found."""
    compared = (
        f"all {found.fitting:,} records that fit were compared"
        if found.is_exact
        else f"found by index among {found.fitting:,} records that fit; not every one was compared"
    )
    if found.matches:
        names = " and ".join(_TITLES[name] for name in found.matches[0].cosines)
        compared = f"by {names}: {compared}"
    if found.not_described:
        compared += (
            f"; {found.not_described:,} more were not described by it (forewarn evidence describe)"
        )
    return compared + ("; more are as alike as the last one" if found.cuts_a_tie else "")


def _apart(match: Match) -> list[str]:
    return [f"{cosine:.4f}" for cosine in match.cosines.values()] if len(match.cosines) > 1 else []


def _match_as_json(match: Match) -> dict[str, Any]:
    return as_json(match.record) | {
        "rank": match.rank,
        "similarity": round(match.similarity, 6),
        "cosines": {name: round(value, 6) for name, value in match.cosines.items()},
    }
