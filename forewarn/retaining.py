"""Erase what is due, in steps that a kill cannot break."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from domain.site import Site
from evidence_store.due import Standing
from evidence_store.eraser import Erased
from evidence_store.erasure import Request
from flows.notices.still import remove_old_pictures
from forewarn.keeping import AT_ONCE, Beat, Keeper


def retain(
    keeper: Keeper,
    site: Site,
    now: datetime,
    beat: Beat = lambda words: None,
    must_stop: Callable[[], bool] = lambda: False,
) -> list[Erased]:
    """End erasures that were begun, then erase every record whose term is over and that is not held.

    Args:
        must_stop: asked between steps; what is left comes with the next call.
    Returns:
        what came of each.
    Raises:
        TryAgain: another process is erasing, or rows cannot be erased now.
    """
    keeper.mend()
    done = keeper.finish(beat)
    due = [each for each in keeper.standings(site) if each.is_due(now)]
    for start in range(0, len(due), AT_ONCE):
        if must_stop():
            return done
        done += keeper.erase([_request(each) for each in due[start : start + AT_ONCE]], beat)
    keeper.erase_released_footage()
    keeper.forget_old_stories(site, now)
    remove_old_pictures(keeper.data)  # a site that tells nobody any more has no notifier to do it
    return done


def _request(each: Standing) -> Request:
    reason = f"its term is over: {each.term}" if each.term else each.because
    return Request(each.evidence_id, reason, "retention", each.because if each.term else "")
