"""The notebook runs top to bottom on what a real run left, and shows what the log says."""

from __future__ import annotations

import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import jupytext
import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from ruamel.yaml import YAML

from domain.data_dir import DataDir
from domain.site_file import load_site
from evidence_store.keys import KeyFolder
from evidence_store.stills import crop_box
from flows.story.contact_sheet import head_boxes, replay
from flows.story.offences import OffenceStory, pick_most_telling, read_offences
from flows.story.watch_again import watch_again
from models.serving.client import Detector, FaceDetector, connect

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "notebooks" / "what_happened.py"
STRETCHES = ([0, 15], [60, 74])  # somebody is escalated in the first, others leave in both

pytestmark = pytest.mark.triton


@pytest.fixture(scope="module")
def short_site(sample_site_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demonstration's site on two short stretches of its clip."""
    yaml = YAML()
    site = yaml.load(sample_site_file.read_text())
    for camera, stretch_s in zip(site["cameras"], STRETCHES, strict=True):
        camera["url"] = str(sample_site_file.parent / camera["url"])
        camera["stretch_s"] = stretch_s
    path = tmp_path_factory.mktemp("site") / "site.yaml"
    with path.open("w") as file:
        yaml.dump(site, file)
    return path


@pytest.fixture(scope="module")
def data(
    short_site: Path, triton_address: str, tmp_path_factory: pytest.TempPathFactory
) -> DataDir:
    """What a run over it left."""
    folder = tmp_path_factory.mktemp("data")
    KeyFolder(DataDir(folder).keys).create()
    command = ["run", str(short_site), "--until-end", "--triton", triton_address]
    subprocess.run(
        [sys.executable, "-m", "forewarn", *command, "--data", str(folder)],
        cwd=ROOT,
        check=True,
        timeout=600,
    )
    return DataDir(folder)


@pytest.fixture(scope="module")
def offences(data: DataDir) -> list[OffenceStory]:
    """What its log says."""
    return read_offences(data)


def execute(**parameters: object) -> Any:
    """The notebook with these parameters, run in a kernel of its own."""
    notebook = jupytext.read(NOTEBOOK)
    at = next(i for i, c in enumerate(notebook.cells) if "parameters" in c.metadata.get("tags", ()))
    lines = [f"{name} = {value!r}" for name, value in parameters.items()]
    notebook.cells.insert(at + 1, nbformat.v4.new_code_cell("\n".join(lines)))
    NotebookClient(notebook, timeout=200, kernel_name="python3").execute(cwd=str(NOTEBOOK.parent))
    return notebook


@pytest.fixture(scope="module")
def executed(data: DataDir, short_site: Path, triton_address: str, offences: object) -> Any:
    """The notebook on that data."""
    return execute(data_folder=str(data.root), site_file=str(short_site), triton=triton_address)


def outputs_of(notebook: Any, source: str) -> list[Any]:
    """Outputs of the one cell that holds that code."""
    (cell,) = (c for c in notebook.cells if c.cell_type == "code" and source in c.source)
    return list(cell.outputs)


def table_rows(notebook: Any) -> list[str]:
    (shown,) = outputs_of(notebook, "offence_table(")
    return re.findall(r"<tr>\s*<th>\d+</th>(.*?)</tr>", shown.data["text/html"], re.S)


def test_the_table_shows_every_offence_of_the_log(
    executed: Any, offences: list[OffenceStory]
) -> None:
    rows = table_rows(executed)
    assert len(rows) == len(offences) >= 4
    for row, offence in zip(rows, offences, strict=True):
        assert f"<td>{offence.state}</td>" in row
        assert f"<td>{offence.evidence_id}</td>" in row
    assert {"escalated", "complied"} <= {offence.state for offence in offences}


def test_the_footage_watched_again_shows_every_offence_on_its_frame(
    executed: Any, offences: list[OffenceStory]
) -> None:
    said = "".join(each.text for each in outputs_of(executed, "watch_site_again("))
    again = [(int(a), int(b)) for a, b in re.findall(r"(\d+) of (\d+) offences found again", said)]
    assert len(again) == len(STRETCHES)
    assert all(found == told for found, told in again)
    assert sum(told for _, told in again) == len(offences)


@pytest.mark.parametrize("figure", ["draw_timeline(", "draw_scores(", "draw_contact_sheet("])
def test_each_figure_is_drawn(executed: Any, figure: str) -> None:
    (shown,) = outputs_of(executed, figure)
    assert len(shown.data["image/png"]) > 20_000  # base64; an empty figure has a tenth of it


def test_without_a_server_the_events_alone_are_shown(
    data: DataDir, short_site: Path, offences: list[OffenceStory]
) -> None:
    shown = execute(data_folder=str(data.root), site_file=str(short_site), watches_again=False)
    assert len(table_rows(shown)) == len(offences)
    (sheet,) = outputs_of(shown, "draw_contact_sheet(")
    assert "image/png" in sheet.data


def test_an_empty_data_folder_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(CellExecutionError, match="run `make demo`"):
        execute(data_folder=str(tmp_path))
    assert list(tmp_path.iterdir()) == []  # looking makes nothing


def test_heads_of_all_people_on_the_replay_are_flat_blocks(
    data: DataDir, short_site: Path, triton_address: str, offences: list[OffenceStory]
) -> None:
    site, told = load_site(short_site), pick_most_telling(offences)
    assert told is not None
    with closing(connect(triton_address)) as connection:
        frames = watch_again(site, told.camera_id, short_site.parent, Detector(connection))
        sheet = replay(told, frames, data, FaceDetector(connection))
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
