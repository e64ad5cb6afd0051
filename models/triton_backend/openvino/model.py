"""A Triton backend named "openvino", written in Python: OpenVINO models on the CPU.

It reads the same config.pbtxt as Triton's native OpenVINO backend, so that triton_repo/ serves
from either. It runs inside the Triton server's own environment (NumPy below 2, OpenVINO), one
process for each model instance, and imports nothing of forewarn.

How a batch is run: the model is compiled for exactly one picture (and once more for CHUNK of
them, where that is set), and a request becomes that many asynchronous inferences; the streams (one
a core) work through them side by side. So no batch is padded, and all cores are busy even though
Triton hands over one request at a time. Inputs are read where Triton put them, without a copy.

Keys of `parameters` in config.pbtxt that are honoured, as in the native backend: PERFORMANCE_HINT,
NUM_STREAMS, INFERENCE_NUM_THREADS, HINT_BF16, TARGET_DEVICE, RESHAPE_IO_LAYERS, CACHE_DIR. One of
its own: CHUNK, pictures in one inference (default 1). ENABLE_BATCH_PADDING is not needed here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import triton_python_backend_utils as pb_utils

if int(np.__version__.split(".")[0]) >= 2:
    # The stub was built against an old pybind11: under NumPy 2 inputs arrive as zeros and outputs
    # leave with no bytes, without any error. Better no server than one that sees nothing.
    raise RuntimeError(
        f"the Triton server's environment needs NumPy below 2, found {np.__version__}; "
        "install it from requirements/server.lock"
    )

MODEL_FILES = ("model.xml", "model.onnx", "model.pb", "model.tflite")


@dataclass(frozen=True)
class Settings:
    """Settings of a model, from its config.pbtxt."""

    name: str
    file: Path
    input_shapes: dict[str, list[int]]  # without the batch
    output_names: list[str]
    max_batch_size: int  # 0: requests carry no batch axis
    parameters: dict[str, str]

    @classmethod
    def read(cls, args: dict[str, str]) -> Settings:
        """Parse what Triton hands to initialize()."""
        config = json.loads(args["model_config"])
        folder = Path(args["model_repository"]) / args["model_version"]
        return cls(
            name=args["model_name"],
            file=_model_file(folder, config.get("default_model_filename") or ""),
            input_shapes={i["name"]: [int(d) for d in i["dims"]] for i in config["input"]},
            output_names=[o["name"] for o in config["output"]],
            max_batch_size=int(config.get("max_batch_size", 0)),
            parameters={k: v["string_value"] for k, v in config.get("parameters", {}).items()},
        )

    def says(self, key: str) -> bool:
        """Tell whether a YES/NO parameter is YES."""
        return self.parameters.get(key, "").upper() == "YES"

    @property
    def chunk(self) -> int:
        """Pictures in one inference."""
        return max(1, int(self.parameters.get("CHUNK", "1"))) if self.max_batch_size else 1

    @property
    def device(self) -> str:
        """OpenVINO's name of the device."""
        return self.parameters.get("TARGET_DEVICE", "CPU")

    @property
    def compile_properties(self) -> dict[str, str]:
        """Properties for compile_model."""
        properties = {"PERFORMANCE_HINT": self.parameters.get("PERFORMANCE_HINT", "THROUGHPUT")}
        for key in ("NUM_STREAMS", "INFERENCE_NUM_THREADS"):
            if key in self.parameters:
                properties[key] = self.parameters[key]
        if "HINT_BF16" in self.parameters:
            precision = "bf16" if self.says("HINT_BF16") else "f32"
            properties["INFERENCE_PRECISION_HINT"] = precision
        return properties


def _model_file(folder: Path, wanted: str) -> Path:
    names = (wanted,) if wanted else MODEL_FILES
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(
        f"{folder} should hold {' or '.join(names)}; build the models: forewarn models build"
    )


class Runner:
    """One compiled model of a fixed shape, and its queue of inference requests."""

    def __init__(self, core: ov.Core, settings: Settings, chunk: int) -> None:
        self.chunk = chunk
        self._output_names = settings.output_names
        self._has_batch_axis = settings.max_batch_size > 0
        model = core.read_model(settings.file)
        if self._has_batch_axis:
            model.reshape({n: [chunk, *dims] for n, dims in settings.input_shapes.items()})
        elif settings.says("RESHAPE_IO_LAYERS"):
            model.reshape(settings.input_shapes)
        self.compiled = core.compile_model(model, settings.device, settings.compile_properties)
        self._output_shapes = self._read_output_shapes() if self._has_batch_axis else {}
        self.renew()

    def _read_output_shapes(self) -> dict[str, tuple[tuple[int, ...], Any]]:
        shapes = {}
        for name in self._output_names:
            output = self.compiled.output(name)
            if output.get_partial_shape().is_dynamic:
                raise ValueError(f"output {name} has no fixed shape; batches need max_batch_size 0")
            shapes[name] = (tuple(output.shape)[1:], output.get_element_type().to_dtype())
        return shapes

    def renew(self) -> None:
        """Make a new queue: after a failed start its handle is lost, and one more could wait for ever."""
        self._queue = ov.AsyncInferQueue(self.compiled, 0)
        self._queue.set_callback(self._keep_outputs)

    def empty_outputs(self, batch: int) -> dict[str, np.ndarray]:
        """Make arrays for the answers of a whole request, of fractions filled with NaN.

        What is still NaN in the end was written by no inference.
        """
        return {
            name: np.full((batch, *shape), _unwritten(dtype), dtype)
            for name, (shape, dtype) in self._output_shapes.items()
        }

    def start(self, inputs: dict[str, np.ndarray], outputs: dict[str, np.ndarray], at: int) -> None:
        """Start one inference; its answers go into `outputs` from row `at` on."""
        # the caller keeps the arrays until wait(): OpenVINO reads them where they are
        self._queue.start_async(inputs, (outputs, at), share_inputs=True)

    def wait(self) -> None:
        """Wait for everything that was started."""
        self._queue.wait_all()

    def _keep_outputs(self, request: Any, where: tuple[dict[str, np.ndarray], int]) -> None:
        outputs, at = where
        for name in self._output_names:
            data = request.get_tensor(name).data
            if self._has_batch_axis:
                outputs[name][at : at + self.chunk] = data
            else:
                outputs[name] = np.array(data)


@dataclass
class Job:
    """One request under way."""

    inputs: dict[str, np.ndarray]
    outputs: dict[str, np.ndarray]
    error: Exception | None = None


class TritonPythonModel:
    """Model as Triton's Python backend calls it."""

    @staticmethod
    def auto_complete_config(config: Any) -> Any:
        """Return the configuration as it is: config.pbtxt is complete."""
        return config

    def initialize(self, args: dict[str, str]) -> None:
        """Read the model, compile it, say how."""
        self._settings = settings = Settings.read(args)
        core = ov.Core()
        if cache := settings.parameters.get("CACHE_DIR"):
            core.set_property({"CACHE_DIR": cache})
        self._single = Runner(core, settings, 1)
        self._runners = [self._single]  # largest chunk first
        if settings.chunk > 1:
            self._runners.insert(0, Runner(core, settings, settings.chunk))
        compiled = self._single.compiled
        facts = {
            key: str(compiled.get_property(key))
            for key in ("INFERENCE_PRECISION_HINT", "NUM_STREAMS", "INFERENCE_NUM_THREADS")
        }
        pb_utils.Logger.log_info(
            f"openvino {ov.__version__}: {settings.name} from {settings.file} {facts}"
        )

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer all requests; a bad one gets an error of its own."""
        jobs: list[Job] = []
        for request in requests:
            job = self._start(request)
            jobs.append(job)
            if job.error is not None:
                # its own inferences still read its arrays
                self._wait(jobs, renews_all=True)
        self._wait(jobs, renews_all=False)
        return [_respond(job) for job in jobs]

    def _wait(self, jobs: list[Job], *, renews_all: bool) -> None:
        """Wait for all inferences; a failed queue does not say whose it was: all requests are in doubt."""
        for runner in self._runners:
            try:
                runner.wait()
            except Exception as error:
                pb_utils.Logger.log_warn(f"{self._settings.name}: {error}")
                for job in jobs:
                    job.error = job.error or error
                runner.renew()
            else:
                if renews_all:
                    runner.renew()

    def _start(self, request: Any) -> Job:
        job = Job({}, {})
        try:
            for name in self._settings.input_shapes:
                job.inputs[name] = pb_utils.get_input_tensor_by_name(request, name).as_numpy()
            if self._settings.max_batch_size:
                self._start_batch(job)
            else:
                self._single.start(job.inputs, job.outputs, 0)
        except Exception as error:
            job.error = error
        return job

    def _start_batch(self, job: Job) -> None:
        batch = len(next(iter(job.inputs.values())))
        job.outputs = self._single.empty_outputs(batch)
        at = 0
        for runner in self._runners:
            while batch - at >= runner.chunk:
                rows = {name: value[at : at + runner.chunk] for name, value in job.inputs.items()}
                runner.start(rows, job.outputs, at)
                at += runner.chunk

    def finalize(self) -> None:
        """Let go of the model."""
        self._runners = []
        del self._single


def _unwritten(dtype: Any) -> Any:
    return np.nan if np.issubdtype(dtype, np.floating) else 0


def _respond(job: Job) -> Any:
    if job.error is not None:
        return pb_utils.InferenceResponse(error=pb_utils.TritonError(str(job.error)[:500]))
    for name, value in job.outputs.items():
        if np.issubdtype(value.dtype, np.floating) and np.isnan(value).any():
            said = f"output {name} has NaN: no inference wrote it, or the model answers nonsense"
            return pb_utils.InferenceResponse(error=pb_utils.TritonError(said))
    return pb_utils.InferenceResponse(
        [pb_utils.Tensor(name, value) for name, value in job.outputs.items()]
    )
