"""Four processes write the same 400 records at once: are there 400 rows?

Half of the rounds have an index on the key, with which LanceDB's own merge doubled every second row.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.machine import describe_commit, describe_machine
from benchmarks.results import Result, Tell, WrongOutputs, quiet, rounds_of
from benchmarks.table_writer import record
from benchmarks.table_writers import start_writer
from benchmarks.workload import scratch
from evidence_store.search.lance import connect
from evidence_store.search.maintenance import index_facts
from evidence_store.search.table import KEY, TABLE_NAME, EvidenceTable

NAME = "same_records"
PROCESSES, RECORDS, BATCH = 4, 400, 10
ROUNDS, LONG_ROUNDS = 2, 10


def measure(*, long: bool = False, tell: Tell = quiet) -> Result:
    """Measure; raises WrongOutputs where a row is missing, or does not say what was written."""
    worst, rounds = 0, LONG_ROUNDS if long else ROUNDS
    with scratch(NAME) as folder:
        for number in rounds_of(rounds, tell):
            worst = max(worst, _extra_rows(folder / str(number), with_index=number % 2 == 1))
    return Result(
        name=NAME,
        value=worst,
        unit="rows too many",
        must=0,
        aim=0,
        better="lower",
        conditions={
            "processes": PROCESSES,
            "records": RECORDS,
            "batch": BATCH,
            "rounds": rounds,
            "index_on_the_key": "in every second round",
        },
        machine=describe_machine(),
        commit=describe_commit(),
    )


def _extra_rows(folder: Path, *, with_index: bool) -> int:
    EvidenceTable.open(folder).put([record(0)])
    if with_index:
        index_facts(connect(folder).open_table(TABLE_NAME), {KEY: "btree"})
    writers = [start_writer(folder, count=RECORDS, batch=BATCH) for _ in range(PROCESSES)]
    for writer in writers:
        said, _ = writer.communicate()
        if writer.returncode != 0 or said.split()[-1:] != [str(RECORDS)]:
            raise WrongOutputs(f"a writer ended with {writer.returncode} after {said.split()[-1:]}")
    table = EvidenceTable.open(folder, create=False)
    ids = table.facts().column(KEY).to_pylist()
    if missing := {record(number).evidence_id for number in range(RECORDS)} - set(ids):
        raise WrongOutputs(f"{len(missing)} of {RECORDS} records are not in the table")
    read = table.get(record(7).evidence_id)
    if read is None or read.embedding.tobytes() != record(7).embedding.tobytes():
        raise WrongOutputs("a record does not come back as it was written")
    return len(ids) - RECORDS
