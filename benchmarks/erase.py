"""Erase 20 records of a table that holds thousands: how long until nothing of them is found any more?

What is timed is all of `forewarn evidence erase`: telling the chain, rows out of LanceDB and its indices,
files, the search of every file of the data folder, certificates. What is left is counted by a plain search
of our own; anything left makes the figure worthless.
"""

from __future__ import annotations

import time

import numpy as np

from benchmarks.machine import describe_commit, describe_machine
from benchmarks.results import Result, Tell, WrongOutputs, quiet
from benchmarks.table_writer import record
from benchmarks.workload import scratch
from casework.retention.service import RetentionService
from domain.data_dir import DataDir
from domain.evidence import EvidenceRecord
from evidence_store.custody.chain import CustodyChain, note_sealed
from evidence_store.erasure.erasure_request import Request
from evidence_store.erasure.residue_search import files_below
from evidence_store.keys.signing_keys import KeyFolder
from evidence_store.search.lance import connect
from evidence_store.search.maintenance import index_facts
from evidence_store.search.table import KEY, TABLE_NAME, EvidenceTable
from evidence_store.vault.vault import Vault
from forewarn.programs.logging_setup import set_up_logging

NAME = "erase"
ERASED = 20
ROWS, LONG_ROWS = 3_000, 100_000
CLIP_BYTES = 500_000
ROWS_AT_ONCE = 5_000


def measure(*, long: bool = False, tell: Tell = quiet) -> Result:
    """Measure; raises WrongOutputs where a byte is left, a certificate is missing, or others lost rows."""
    rows = LONG_ROWS if long else ROWS
    with scratch(NAME) as root:
        data = DataDir(root / "data")
        set_up_logging(NAME, root / "log")  # a line for each record would drown the figures
        tell(f"{rows} rows")
        gone = _seal(data)
        table = EvidenceTable.open(data.lancedb)
        for start in range(ERASED, rows, ROWS_AT_ONCE):
            table.put([record(each) for each in range(start, min(rows, start + ROWS_AT_ONCE))])
        index_facts(connect(data.lancedb).open_table(TABLE_NAME), {KEY: "btree"})
        table.optimize()
        tell(f"erasing {ERASED} of them")
        service = RetentionService.open(data, None)
        requests = [Request(each.evidence_id, "benchmark", "benchmark") for each in gone]
        began_s = time.perf_counter()
        done = service.erase(requests)
        took_s = time.perf_counter() - began_s
        if any(each.entry is None for each in done) or len(done) != ERASED:
            raise WrongOutputs(f"certified: {sum(each.entry is not None for each in done)}")
        if table.count() != rows - ERASED:
            raise WrongOutputs(f"{table.count()} rows are left, not {rows - ERASED}")
        _check_gone(data, gone)
    return Result(
        name=NAME,
        value=round(took_s, 2),
        unit=f"s for {ERASED} records",
        must=60.0,
        aim=15.0,
        better="lower",
        conditions={"rows": rows, "erased": ERASED, "clip_bytes": CLIP_BYTES},
        machine=describe_machine(),
        commit=describe_commit(),
    )


def _seal(data: DataDir) -> list[EvidenceRecord]:
    chain = CustodyChain(data.custody, KeyFolder(data.keys).create())
    vault, table = Vault(data.evidence), EvidenceTable.open(data.lancedb)
    sealed = []
    for number in range(ERASED):
        made = record(number)
        with vault.draft(made.evidence_id) as draft:
            clip = np.random.default_rng(number).integers(0, 256, CLIP_BYTES, np.uint8).tobytes()
            (draft / "clip.mp4").write_bytes(clip)
            sealed.append(vault.seal(draft, made, {"clip.mp4": "clip"}, {}, chain.signer))
        note_sealed(chain, vault.folder_of(made.evidence_id), made.offence_id)
    table.put(sealed)
    return sealed


def _check_gone(data: DataDir, gone: list[EvidenceRecord]) -> None:
    """Search as plainly as can be: vectors and clips, as bytes, in every file."""
    canaries = [each.embedding.tobytes()[400:440] for each in gone]
    for number in range(ERASED):
        clip = np.random.default_rng(number).integers(0, 256, CLIP_BYTES, np.uint8).tobytes()
        canaries.append(clip[250_000:250_040])
    for path in files_below(data.root):
        content = path.read_bytes()
        if any(each in content for each in canaries):
            raise WrongOutputs(f"something erased is still in {path}")
