"""The notebook runs top to bottom on what a real run left, and shows what the log says."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path
from typing import Any

import jupytext
import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from domain.data_dir import DataDir
from domain.errors import ForewarnError
from domain.site.loading import load_site
from evidence_store.media.stills import crop_box
from flows.reports.contact_sheet import head_boxes, replay_offence
from flows.reports.offences import ReportedOffence, pick_most_telling, read_offences
from flows.reports.replay import replay_camera
from models.serving.client import Detector, FaceDetector, connect
from tests.support.played_run import PlayedRun

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "notebooks" / "what_happened.py"

# beside other test runs a run has taken more than ten minutes; test_run.py, which begins before, makes it
pytestmark = [pytest.mark.slow(file_takes_s=60), pytest.mark.triton, pytest.mark.timeout(2400)]


@pytest.fixture(scope="module")
def data(played: PlayedRun) -> DataDir:
    """Return the data folder that a run left."""
    return played.data


@pytest.fixture(scope="module")
def offences(data: DataDir) -> list[ReportedOffence]:
    """Read the offences from its log."""
    return read_offences(data)


def execute(**parameters: object) -> Any:
    """Run the notebook with these parameters in a kernel of its own."""
    notebook = jupytext.read(NOTEBOOK)
    at = next(i for i, c in enumerate(notebook.cells) if "parameters" in c.metadata.get("tags", ()))
    lines = [f"{name} = {value!r}" for name, value in parameters.items()]
    notebook.cells.insert(at + 1, nbformat.v4.new_code_cell("\n".join(lines)))
    NotebookClient(notebook, timeout=600, kernel_name="python3").execute(cwd=str(NOTEBOOK.parent))
    return notebook


@pytest.fixture(scope="module")
def executed(data: DataDir, short_site: Path, triton_address: str, offences: object) -> Any:
    """Run the notebook on that data."""
    return execute(data_folder=str(data.root), site_file=str(short_site), triton=triton_address)


def outputs_of(notebook: Any, source: str) -> list[Any]:
    """Return the outputs of the one cell that holds that code."""
    (cell,) = (c for c in notebook.cells if c.cell_type == "code" and source in c.source)
    return list(cell.outputs)


def table_rows(notebook: Any) -> list[str]:
    (shown,) = outputs_of(notebook, "offence_table(")
    return re.findall(r"<tr>\s*<th>\d+</th>(.*?)</tr>", shown.data["text/html"], re.S)


def test_the_table_shows_every_offence_of_the_log(
    executed: Any, offences: list[ReportedOffence]
) -> None:
    rows = table_rows(executed)
    assert len(rows) == len(offences) >= 4
    for row, offence in zip(rows, offences, strict=True):
        assert f"<td>{offence.state}</td>" in row
        assert f"<td>{offence.evidence_id}</td>" in row
    assert {"escalated", "complied"} <= {offence.state for offence in offences}


def test_the_footage_watched_again_shows_every_offence_on_its_frame(
    executed: Any, offences: list[ReportedOffence]
) -> None:
    output = "".join(each.text for each in outputs_of(executed, "replay_site("))
    again = [
        (int(a), int(b)) for a, b in re.findall(r"(\d+) of (\d+) offences found again", output)
    ]
    assert len(again) == 2, "one for each stretch"
    assert all(found == known for found, known in again)
    assert sum(known for _, known in again) == len(offences)


@pytest.mark.parametrize("figure", ["draw_timeline(", "draw_scores(", "draw_contact_sheet("])
def test_each_figure_is_drawn(executed: Any, figure: str) -> None:
    (shown,) = outputs_of(executed, figure)
    assert len(shown.data["image/png"]) > 20_000  # base64; an empty figure has a tenth of it


def test_without_a_server_the_events_alone_are_shown(
    data: DataDir, short_site: Path, offences: list[ReportedOffence]
) -> None:
    shown = execute(data_folder=str(data.root), site_file=str(short_site), watches_again=False)
    assert len(table_rows(shown)) == len(offences)
    (sheet,) = outputs_of(shown, "draw_contact_sheet(")
    assert "image/png" in sheet.data


def test_an_empty_data_folder_says_what_to_run(tmp_path: Path) -> None:
    source = NOTEBOOK.read_text("utf-8").replace('"var/demo"', repr(str(tmp_path)))
    assert str(tmp_path) in source
    with pytest.raises(ForewarnError, match="run `make demo`"):
        exec(
            compile(source, NOTEBOOK, "exec"), {}
        )  # a kernel would take seconds to import all this
    assert list(tmp_path.iterdir()) == []  # looking makes nothing


def test_heads_of_all_people_on_the_replay_are_flat_blocks(
    data: DataDir, short_site: Path, triton_address: str, offences: list[ReportedOffence]
) -> None:
    site, offence = load_site(short_site), pick_most_telling(offences)
    assert offence is not None
    with closing(connect(triton_address)) as connection:
        frames = replay_camera(site, offence.camera_id, short_site.parent, Detector(connection))
        sheet = replay_offence(offence, frames, data, FaceDetector(connection))
    by_time = {frame.tracked.frame.captured_at: frame for frame in frames}
    heads = [
        crop_box(picture.image_rgb, tuple(head))
        for picture in sheet.pictures
        for head in head_boxes(by_time[picture.at])
    ]
    assert len(heads) >= len(sheet.pictures) == 12
    for head in heads:
        # neighbours' masks may overlap: a few blocks each, not thousands of colours
        assert len(np.unique(head.reshape(-1, 3), axis=0)) <= 16 * 6
    assert {"enters", "escalated"} <= {picture.caption for picture in sheet.pictures}


def test_opening_and_saving_the_notebook_leaves_the_stored_text_alone() -> None:
    assert jupytext.writes(jupytext.read(NOTEBOOK), fmt="py:percent") == NOTEBOOK.read_text()
