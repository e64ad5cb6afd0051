"""Build both towers for Triton: pictures as uint8 RGB, texts as one row of token ids."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np

from domain.errors import Stop
from models.building import GRAPH, WEIGHTS
from models.text_search.pair import Pair

PICTURE_MODEL, TEXT_MODEL = "text_search_pictures", "text_search_texts"
BATCH = 8

_CONFIG = """\
# Written by `forewarn models pair install`; {given} of {pair.name}.
name: "{model}"
backend: "openvino"
max_batch_size: {batch}
input [ {{ name: "{given}" data_type: {kind} dims: [ {dims} ] }} ]
output [ {{ name: "vector" data_type: TYPE_FP32 dims: [ {pair.size} ] }} ]
instance_group [ {{ count: 1 kind: KIND_CPU }} ]
dynamic_batching {{ priority_levels: 2 default_priority_level: 1 }}
version_policy {{ latest {{ num_versions: 1 }} }}
parameters {{ key: "PERFORMANCE_HINT" value {{ string_value: "THROUGHPUT" }} }}
parameters {{ key: "ENABLE_BATCH_PADDING" value {{ string_value: "YES" }} }}
"""


def build_pair(pair: Pair, pictures: Path, texts: Path, repo: Path) -> None:
    """Write both models into an empty Triton repository, from the towers' fetched and checked ONNX files.

    Raises:
        Stop: a file is no such model, or not what the pair's file says.
    """
    side, tokens = pair.pictures.side_px, pair.texts.tokens
    try:
        _save(_picture_tower(pair, pictures), repo / PICTURE_MODEL)
        _save(_text_tower(pair, texts), repo / TEXT_MODEL)
    except RuntimeError as error:  # what OpenVINO raises for everything
        reason = str(error).strip().splitlines()[-1]
        raise Stop(f"{pair.name}: OpenVINO cannot build it: {reason}") from error
    _configure(repo / PICTURE_MODEL, pair, "pictures", "TYPE_UINT8", f"{side}, {side}, 3")
    _configure(repo / TEXT_MODEL, pair, "tokens", "TYPE_INT32", str(tokens))


def _picture_tower(pair: Pair, source: Path) -> Any:
    import openvino as ov
    from openvino.preprocess import PrePostProcessor

    tower, side = pair.pictures, pair.pictures.side_px
    model = ov.Core().read_model(source)
    _need(model.inputs, [tower.input], source, "input")
    sides = (3, side, side) if tower.layout == "NCHW" else (side, side, 3)
    model.reshape({tower.input: [-1, *sides]})
    cut = _only_output(model, tower.output, pair.size, source)
    cut.inputs[0].get_tensor().set_names({"pictures"})
    pre = PrePostProcessor(cut)
    given = pre.input()
    given.tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
    given.model().set_layout(ov.Layout(tower.layout))
    steps = given.preprocess().convert_element_type(ov.Type.f32)
    steps.mean([255 * share for share in tower.mean]).scale([255 * share for share in tower.std])
    return pre.build()


def _text_tower(pair: Pair, source: Path) -> Any:
    """Read the text tower with one input, token ids; a mask is made of them where it wants one."""
    import openvino as ov
    from openvino import opset13 as op

    tower = pair.texts
    model = ov.Core().read_model(source)
    names = [tower.input, *([tower.mask] if tower.mask else [])]
    _need(model.inputs, names, source, "input")
    model.reshape({name: [-1, tower.tokens] for name in names})
    tokens = op.parameter([-1, tower.tokens], ov.Type.i32, name="tokens")
    tokens.output(0).get_tensor().set_names({"tokens"})
    fills = op.convert(op.equal(tokens, op.constant(np.int32(tower.pad_id))), "i32")
    so_far = op.cum_sum(fills, op.constant(np.int64(1)))
    counts = op.less_equal(so_far, op.constant(np.int32(tower.end_is_pad)))
    for name in names:
        parameter = model.input(name).get_node()
        feed = op.convert(tokens if name == tower.input else counts, parameter.get_element_type())
        for target in parameter.output(0).get_target_inputs():
            target.replace_source_output(feed.output(0))
    result = _output_of(model, tower.output, source)
    _check_size(result, pair.size, source)
    result.get_tensor().set_names({"vector"})
    return ov.Model([op.result(_as_f32(result))], [tokens], "text_search_texts")


def _only_output(model: Any, name: str, size: int, source: Path) -> Any:
    import openvino as ov
    from openvino import opset13 as op

    output = _output_of(model, name, source)
    _check_size(output, size, source)
    return ov.Model([op.result(_as_f32(output))], model.get_parameters(), "text_search_pictures")


def _as_f32(output: Any) -> Any:
    from openvino import opset13 as op

    # a node of its own, so that its name is no other tensor's
    vector = op.convert(output, "f32").output(0)
    vector.get_tensor().set_names({"vector"})
    return vector


def _output_of(model: Any, name: str, source: Path) -> Any:
    _need(model.outputs, [name], source, "output")
    return model.output(name).get_node().input_value(0)


def _check_size(output: Any, size: int, source: Path) -> None:
    shape = output.get_partial_shape()
    if shape.rank.is_static and len(shape) == 2:
        last = shape[1]
        if last.is_dynamic or last.get_length() == size:
            return
    raise Stop(f"{source.name}: gives {shape}, the pair's file says vectors of {size} numbers")


def _need(there: Any, names: list[str], source: Path, what: str) -> None:
    known = {name for tensor in there for name in tensor.get_names()}
    if missing := [name for name in names if name not in known]:
        raise Stop(
            f"{source.name}: has no {what} {', '.join(missing)}; it has {', '.join(sorted(known))}"
        )


def _save(model: Any, folder: Path) -> None:
    import openvino as ov

    shutil.rmtree(folder, ignore_errors=True)
    (folder / "1").mkdir(parents=True)
    ov.save_model(model, folder / "1" / GRAPH, compress_to_fp16=True)
    assert (folder / "1" / WEIGHTS).exists()


def _configure(folder: Path, pair: Pair, given: str, kind: str, dims: str) -> None:
    text = _CONFIG.format(
        pair=pair, model=folder.name, batch=BATCH, given=given, kind=kind, dims=dims
    )
    (folder / "config.pbtxt").write_text(text, encoding="utf-8")
