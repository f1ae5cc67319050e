"""A model as data, as the program by which it is evaluated: ours (kernels/client/cihu/model_entry.py)."""

import json
from base64 import b64decode, b64encode
from binascii import Error as NoBase64
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from sandbox.errors import InvalidInput
from sandbox.jobs.model import Interface, Program
from sandbox.jobs.predictor import ENTRY, as_document
from sandbox.jobs.program import program_sha256

KINDS = (".skops", ".safetensors")
LINEAR = ("boolean", "probability", "number")
MOST_COLUMNS = 200
PREDICTED = "predicted"
MOST_BYTES = 16 * 1024 * 1024


def model_program(name: str, content: bytes, interface: Interface) -> Program:
    """The program of a model file. It is called on each person's rows alone, as every entry is.
    Raises `InvalidInput` for another kind of file, a larger one, or more than one predicted name."""
    kind = PurePosixPath(name).suffix
    if kind not in KINDS or len(content) > MOST_BYTES:
        raise InvalidInput(
            f"A model of an entry is a file {' or '.join(KINDS)} of at most {MOST_BYTES // 2**20} MiB.",
            code="bad_model_entry",
            remedy="Save the model in one of these formats; or hand in a predictor.",
            zh=f"提交的模型须为 {' 或 '.join(KINDS)} 文件，不超过 {MOST_BYTES // 2**20} MiB。",
            remedy_zh="请以上述格式保存模型，或提交预测程序。",
        )
    if len(interface.predicts) != 1:
        raise InvalidInput(
            "A model predicts one name.",
            code="bad_model_entry",
            remedy="Declare one predicted name.",
            zh="模型只能有一个预测名。",
            remedy_zh="请只声明一个预测名。",
        )
    (predicted,) = as_document(interface)["predicts"].values()
    text = (
        "from cihu.model_entry import predict_with\n\n"
        f"predict = predict_with({json.dumps(f'model{kind}')}, {predicted!r}, __file__)\n"
    )
    files = {ENTRY: text, f"model{kind}.b64": b64encode(content).decode()}
    return Program(ENTRY, files, program_sha256(ENTRY, files))


def model_interface(content: Mapping[str, Any]) -> Interface:
    """What an entry declares that holds a model itself: its columns, and the kind that it predicts."""
    columns, kind = content.get("columns"), content.get("predicts")
    if (
        not isinstance(columns, list)
        or not 1 <= len(columns) <= MOST_COLUMNS
        or not all(isinstance(each, str) for each in columns)
        or len(set(columns)) < len(columns)
        or not isinstance(kind, str)
        or kind not in LINEAR
    ):
        raise InvalidInput(
            f"A model declares 1 to {MOST_COLUMNS} columns, each once, and predicts {', '.join(LINEAR)}.",
            code="bad_model_entry",
            remedy='Send for example {"columns": ["age"], "predicts": "boolean"} beside the model.',
            zh=f"模型须声明 1 至 {MOST_COLUMNS} 个不重复的栏目，预测类型为 {'、'.join(LINEAR)} 之一。",
            remedy_zh='请与模型一并填写，例如 {"columns": ["age"], "predicts": "boolean"}。',
        )
    return Interface(tuple(columns), {PREDICTED: kind})


def model_bytes(content: Mapping[str, Any]) -> bytes:
    """Raises `InvalidInput`."""
    try:
        return b64decode(str(content["model"]), validate=True)
    except (NoBase64, ValueError):
        raise InvalidInput(
            "The model is no base64.",
            code="bad_model_entry",
            remedy="Send the bytes of a .safetensors file as base64.",
            zh="模型不是 base64 文本。",
            remedy_zh="请以 base64 发送 .safetensors 文件。",
        ) from None
