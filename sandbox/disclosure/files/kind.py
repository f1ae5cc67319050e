"""The kinds of file that may be released."""

from enum import StrEnum


class Kind(StrEnum):
    CSV = "csv"
    PARQUET = "parquet"
    PNG = "png"
    SVG = "svg"
    TEXT = "text"
    JSON = "json"
    NOTEBOOK = "notebook"
    SAFETENSORS = "safetensors"
    ONNX = "onnx"
    SKOPS = "skops"


SUFFIXES = {
    ".csv": Kind.CSV,
    ".tsv": Kind.CSV,
    ".parquet": Kind.PARQUET,
    ".png": Kind.PNG,
    ".svg": Kind.SVG,
    ".txt": Kind.TEXT,
    ".md": Kind.TEXT,
    ".log": Kind.TEXT,
    # the source of an analysis is read as text, and nothing runs it
    ".py": Kind.TEXT,
    ".r": Kind.TEXT,
    ".sql": Kind.TEXT,
    ".do": Kind.TEXT,
    ".json": Kind.JSON,
    ".ipynb": Kind.NOTEBOOK,
    ".safetensors": Kind.SAFETENSORS,
    ".onnx": Kind.ONNX,
    ".skops": Kind.SKOPS,
}
CODE = (".py", ".r", ".sql", ".do")
MODELS = frozenset({Kind.SAFETENSORS, Kind.ONNX, Kind.SKOPS})
PICTURES = frozenset({Kind.PNG, Kind.SVG})
