"""`python -m forewarn.generated_docs [--check]`: write the generated docs, or say which are stale."""

from __future__ import annotations

import argparse
import sys

from domain.errors import ForewarnError
from forewarn.generated_docs.pages import ROOT, check, write


def main(arguments: list[str] | None = None) -> int:
    """Write all; with --check only compare. Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m forewarn.generated_docs",
        description="Write the parts of the docs that are printed from the code.",
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 if any is stale"
    )
    given = parser.parse_args(arguments)
    try:
        stale = check(ROOT) if given.check else write(ROOT)
    except ForewarnError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    for name in stale:
        words = "is not what the code says; run `make docs`" if given.check else "written"
        print(f"{name} {words}", file=sys.stderr if given.check else sys.stdout)
    return 1 if given.check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
