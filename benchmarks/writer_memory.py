"""Memory of a process that writes evidence rows for a long time: does it come to rest?

One writer, a record at a time through EvidenceTable.put, tidying included, with MALLOC_ARENA_MAX=2 as
the supervisor sets it. The resident set is read after every write. The plateau is its largest value in
the last quarter; that it is one is checked: it may not be a tenth above the third quarter's.
"""

from __future__ import annotations

from benchmarks.machine import describe_commit, describe_machine
from benchmarks.processes import peak_rss_mb, rss_mb
from benchmarks.results import Result, Tell, WrongOutputs, quiet
from benchmarks.table_writers import start_writer
from benchmarks.workload import scratch
from evidence_store.search.table import EvidenceTable

NAME = "writer_memory"
MERGES, LONG_MERGES = 800, 10_000
MAY_GROW = 1.10


def measure(*, long: bool = False, tell: Tell = quiet) -> Result:
    """Measure; raises WrongOutputs where rows are missing or, in the long form, memory goes on growing."""
    merges = LONG_MERGES if long else MERGES
    sizes_mb: list[float] = []
    peak_mb = 0.0
    with scratch(NAME) as folder:
        writer = start_writer(folder, count=merges, batch=1)
        assert writer.stdout is not None
        for line in writer.stdout:
            sizes_mb.append(rss_mb(writer.pid) or (sizes_mb[-1] if sizes_mb else 0.0))
            if int(line) % 50 == 0:
                tell(f"{int(line):,} of {merges:,} merges, {sizes_mb[-1]:.0f} MB")
            peak_mb = peak_rss_mb(writer.pid) or peak_mb
        if writer.wait() != 0 or len(sizes_mb) != merges:
            raise WrongOutputs(f"the writer ended with {writer.returncode} at {len(sizes_mb)}")
        rows = EvidenceTable.open(folder, create=False).count()
        if rows != merges:
            raise WrongOutputs(f"{merges} records were acknowledged, {rows} rows are there")
    quarter = merges // 4
    quarters = [max(sizes_mb[at * quarter : (at + 1) * quarter]) for at in range(4)]
    if long and quarters[3] > MAY_GROW * quarters[2]:
        raise WrongOutputs(f"memory goes on growing: {[round(each) for each in quarters]} MB")
    return Result(
        name=NAME,
        value=round(quarters[3], 1),
        unit="MB",
        must=700,
        aim=500,
        better="lower",
        conditions={
            "merges": merges,
            "rows_a_merge": 1,
            "counted": "largest resident set in the last quarter; tidying every 50 rows included",
            "plateau": "checked" if long else "too few merges to tell (--long has 10,000)",
        },
        machine=describe_machine(),
        commit=describe_commit(),
        also={
            **{f"quarter_{number}_mb": round(each, 1) for number, each in enumerate(quarters, 1)},
            "peak_rss_mb": round(peak_mb, 1),
        },
    )
