"""`python -m validation --data DIR [--site FILE]`: audit in this process, report on stdout.

Without a site file the one counts that is in force in the data folder.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from domain.data_dir import DataDir
from domain.errors import ForewarnError
from domain.site.loading import load_site
from event_log.site_in_force import find_site_in_force
from validation.audit import run_audit


def main() -> int:
    """Print the report as JSON; 0: every record holds, 1: one does not."""
    parser = argparse.ArgumentParser(prog="python -m validation", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--site", type=Path)
    given = parser.parse_args()
    try:
        data = DataDir(given.data.resolve())
        in_force = None if given.site else find_site_in_force(data)
        site = load_site(given.site) if given.site else in_force.site if in_force else None
        report = run_audit(data, site, progress=_print_progress)
    except ForewarnError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code if error.exit_code != 1 else 70  # 1 is for evidence that fails
    print(report.model_dump_json())
    return 0 if report.passed else 1


def _print_progress(done: int, total: int) -> None:
    """Print one line a record, for the program that shows progress."""
    print(f"measured {done} of {total}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
