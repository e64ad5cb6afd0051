"""LanceDB is imported without a client that it never asks of a folder, and works; others still get that client."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

OPENED = """
import json, sys
from pathlib import Path
import pyarrow as pa
from evidence_store.search.lance import connect, table_names
from evidence_store.search.lean_lancedb import load_lancedb
db = connect(Path(sys.argv[1]))
names = [table_names(db)]
db.create_table("numbers", pa.table({"number": [1, 2, 3]}))
names.append(table_names(db))
lancedb = load_lancedb()
found = db.open_table("numbers").search().where(lancedb.col("number") > lancedb.lit(1)).to_list()
loaded = [name for name in sys.modules if name.startswith("lance_namespace_urllib3_client")]
from lance_namespace_urllib3_client.models import ListTablesResponse
print(json.dumps([names, len(found), loaded, ListTablesResponse(tables=["a"]).model_dump()["tables"]]))
"""


def test_a_folder_is_opened_written_and_searched_without_it(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", OPENED, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    names, found, loaded, by_the_client = json.loads(done.stdout)
    assert names == [[], ["numbers"]] and found == 2
    assert loaded == [] and by_the_client == ["a"]
