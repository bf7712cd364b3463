"""ONNX sessions as the speech models need them: few threads, none of which spins while idle."""

from collections.abc import Set
from pathlib import Path

import onnxruntime as ort

__all__ = ["ModelError", "open_session"]


class ModelError(Exception):
    """A model file is missing, damaged, or another model than was asked for."""


def open_session(model: Path | bytes, *, threads: int, inputs: Set[str]) -> ort.InferenceSession:
    """Opens a model on the CPU.

    Args:
        model: the `.onnx` file, or what would be in it.
        threads: threads of one run; they sleep, not spin, between runs, for other models share the cores.
        inputs: names of the inputs that the model must have.

    Raises:
        ModelError: when it cannot be loaded, or its inputs are others.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    name = model.name if isinstance(model, Path) else "part of a model"
    if isinstance(model, Path) and not model.is_file():
        raise ModelError(f"no such model: {model}")
    try:
        session = ort.InferenceSession(
            str(model) if isinstance(model, Path) else model, options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime's own exceptions share no base class but Exception
        raise ModelError(f"{name} cannot be loaded: {error}") from error
    found = {entry.name for entry in session.get_inputs()}
    if not inputs <= found:
        raise ModelError(f"{name} takes {sorted(found)}, not {sorted(inputs)}")
    return session
