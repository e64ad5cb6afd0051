"""Run the checks as a Great Expectations suite, and list the records that fail each.

Importing this takes seconds; only the audit's own process does.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

os.environ["GX_ANALYTICS_ENABLED"] = "False"  # before the import reads it

import great_expectations as gx
import pandas as pd
from great_expectations.core.batch_definition import BatchDefinition
from great_expectations.data_context.types.base import ProgressBarsConfig
from great_expectations.expectations.core.expect_column_values_to_be_between import (
    ExpectColumnValuesToBeBetween,
)
from great_expectations.expectations.core.expect_column_values_to_be_in_set import (
    ExpectColumnValuesToBeInSet,
)
from great_expectations.expectations.core.expect_column_values_to_be_unique import (
    ExpectColumnValuesToBeUnique,
)
from great_expectations.expectations.core.expect_column_values_to_match_regex import (
    ExpectColumnValuesToMatchRegex,
)

from domain.errors import Stop
from validation.checks import Check

# COMPLETE lists every failing row and is slow on large tables: only asked for what has failed
SHORT = "SUMMARY"
FULL = {
    "result_format": "COMPLETE",
    "unexpected_index_column_names": ["row"],
    "return_unexpected_index_query": False,
}


@dataclass(frozen=True, slots=True)
class CheckResult:
    """Result of one check over all records."""

    check: Check
    examined: int  # records where it could be measured
    failed_rows: tuple[int, ...]  # row numbers of the measurements


def run_suite(measurements: pd.DataFrame, checks: tuple[Check, ...]) -> list[CheckResult]:
    """Hold every check against every record.

    Raises:
        Stop: an expectation could not be evaluated; the suite and the measurements do not match.
    """
    if measurements.empty:
        return [CheckResult(check, 0, ()) for check in checks]
    numbered = measurements.assign(row=range(len(measurements)))
    batch = _batches()
    failed = [
        check
        for check, result in zip(checks, _run(batch, "all", numbered, checks, SHORT), strict=True)
        if not result.success
    ]
    rows: dict[str, tuple[int, ...]] = {}
    for check, result in zip(failed, _run(batch, "failed", numbered, failed, FULL), strict=True):
        found = result.result.get("unexpected_index_list") or []
        rows[check.id] = tuple(sorted({int(failing["row"]) for failing in found}))
    return [
        CheckResult(
            check,
            int(numbered[check.column].notna().sum()),
            tuple(sorted({*rows.get(check.id, ()), *_absent(numbered, check)})),
        )
        for check in checks
    ]


def _absent(numbered: pd.DataFrame, check: Check) -> tuple[int, ...]:
    """Find the records where something was to be measured and was not."""
    if check.may_be_absent:
        return ()
    return tuple(int(row) for row in numbered.loc[numbered[check.column].isna(), "row"])


def _batches() -> tuple[Any, BatchDefinition[Any]]:
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    asset = context.data_sources.add_pandas("evidence").add_dataframe_asset("measurements")
    return context, asset.add_batch_definition_whole_dataframe("all")


def _run(
    batch: tuple[Any, BatchDefinition[Any]],
    name: str,
    numbered: pd.DataFrame,
    checks: tuple[Check, ...] | list[Check],
    result_format: Any,
) -> list[Any]:
    """Run a suite of the checks; return the results in their order."""
    if not checks:
        return []
    context, definition = batch
    suite = context.suites.add(
        gx.ExpectationSuite(name=name, expectations=[_expectation(check) for check in checks])
    )
    validation = context.validation_definitions.add(
        gx.ValidationDefinition(name=name, data=definition, suite=suite)
    )
    outcome = validation.run(batch_parameters={"dataframe": numbered}, result_format=result_format)
    by_check = {result.expectation_config.meta["check"]: result for result in outcome.results}
    for check in checks:
        trouble = by_check[check.id].exception_info or {}
        if _has_raised(trouble):
            raise Stop(f"audit: check {check.id!r} could not be evaluated: {trouble}")
    return [by_check[check.id] for check in checks]


def _has_raised(trouble: dict[str, Any]) -> bool:
    if trouble.get("raised_exception"):
        return True
    return any(isinstance(value, dict) and _has_raised(value) for value in trouble.values())


def _expectation(check: Check) -> Any:
    meta = {"check": check.id, "group": check.group, "en": check.title.en, "zh": check.title.zh}
    if check.unique:
        return ExpectColumnValuesToBeUnique(column=check.column, meta=meta)
    if check.pattern:
        return ExpectColumnValuesToMatchRegex(column=check.column, regex=check.pattern, meta=meta)
    if check.one_of:
        return ExpectColumnValuesToBeInSet(
            column=check.column, value_set=list(check.one_of), meta=meta
        )
    return ExpectColumnValuesToBeBetween(
        column=check.column, min_value=check.at_least, max_value=check.at_most, meta=meta
    )
