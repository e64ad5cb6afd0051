"""A pair of models small enough to be made in a test, which really knows colours by their names.

The picture tower gives the mean red, green and blue of a picture (and a constant); the text tower the
sum of its words' vectors: "red" is red, "绿" is green. So a text about a colour is nearest to pictures
of that colour, in English and in Chinese, and the test knows what should come out.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIDE_PX, TOKENS, SIZE = 16, 8, 4
WORDS = {
    "[PAD]": (0.0, 0.0, 0.0, 3.0),  # would drown all words if it counted
    "[UNK]": (0.0, 0.0, 0.0, 0.05),
    "red": (1.0, -0.5, -0.5, 0.0),
    "green": (-0.5, 1.0, -0.5, 0.0),
    "blue": (-0.5, -0.5, 1.0, 0.0),
    "红": (1.0, -0.5, -0.5, 0.0),
    "绿": (-0.5, 1.0, -0.5, 0.0),
    "蓝": (-0.5, -0.5, 1.0, 0.0),
}


def make_pair(
    folder: Path,
    *,
    name: str = "tiny",
    gain: float = 1.0,
    mask: bool = True,
    end_is_pad: bool = False,
) -> Path:
    """Write the towers, the tokenizer and pair.toml; return the latter.

    Args:
        folder: that they are put into.
        name: of the pair.
        gain: another number makes other weights, so another pair.
        mask: the text tower wants to be told which tokens count.
        end_is_pad: the first token that fills up counts, too.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pictures.onnx").write_bytes(_picture_tower(gain))
    (folder / "texts.onnx").write_bytes(_text_tower(mask))
    _write_tokenizer(folder / "tokenizer.json")
    spec = folder / "pair.toml"
    spec.write_text(_spec(folder, name, mask, end_is_pad), encoding="utf-8")
    return spec


def _picture_tower(gain: float) -> bytes:
    """(n, 3, side, side), RGB about 0 -> (n, 4)."""
    nodes = [
        helper.make_node("GlobalAveragePool", ["pixels"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("Gemm", ["flat", "weights", "bias"], ["embeds"]),
    ]
    weights = gain * np.eye(3, SIZE, dtype=np.float32)
    bias = np.array([0, 0, 0, 0.01], np.float32)
    return _model(
        nodes,
        [("pixels", TensorProto.FLOAT, ["n", 3, SIDE_PX, SIDE_PX])],
        {"weights": weights, "bias": bias},
    )


def _text_tower(mask: bool) -> bytes:
    """(n, tokens) ids and, maybe, which of them count -> (n, 4)."""
    table = np.array(list(WORDS.values()), np.float32)
    nodes = [helper.make_node("Gather", ["table", "ids"], ["each"])]
    inputs = [("ids", TensorProto.INT64, ["n", TOKENS])]
    summed = "each"
    if mask:
        inputs.append(("counts", TensorProto.INT64, ["n", TOKENS]))
        nodes += [
            helper.make_node("Cast", ["counts"], ["as_float"], to=TensorProto.FLOAT),
            helper.make_node("Unsqueeze", ["as_float", "last"], ["column"]),
            helper.make_node("Mul", ["each", "column"], ["counted"]),
        ]
        summed = "counted"
    nodes.append(helper.make_node("ReduceSum", [summed, "middle"], ["embeds"], keepdims=0))
    axes = {"last": np.array([2], np.int64), "middle": np.array([1], np.int64)}
    return _model(nodes, inputs, {"table": table, **axes})


def _model(
    nodes: list[onnx.NodeProto],
    inputs: list[tuple[str, int, list[object]]],
    weights: dict[str, np.ndarray],
) -> bytes:
    graph = helper.make_graph(
        nodes,
        "tower",
        [helper.make_tensor_value_info(*each) for each in inputs],
        [helper.make_tensor_value_info("embeds", TensorProto.FLOAT, ["n", SIZE])],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _write_tokenizer(path: Path) -> None:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    words = {word: number for number, word in enumerate(WORDS)}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True, handle_chinese_chars=True)
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(path))


def _spec(folder: Path, name: str, mask: bool, end_is_pad: bool) -> str:
    def file(part: str) -> str:
        path = folder / part
        content = path.read_bytes()
        return (
            f'source = {{ kind = "file", path = "{path}" }}\n'
            f'sha256 = "{hashlib.sha256(content).hexdigest()}"\nsize_bytes = {len(content)}\n'
        )

    return f"""\
name = "{name}"
licence = "Apache-2.0"
trained_on = "the names of three colours"
languages = ["zh", "en"]
size = {SIZE}

[pictures]
{file("pictures.onnx")}input = "pixels"
output = "embeds"
side_px = {SIDE_PX}
mean = [0.5, 0.5, 0.5]
std = [0.5, 0.5, 0.5]
fit = "crop"

[texts]
{file("texts.onnx")}input = "ids"
{'mask = "counts"' if mask else ""}
output = "embeds"
tokens = {TOKENS}
end_is_pad = {str(end_is_pad).lower()}

[tokenizer]
{file("tokenizer.json")}"""
