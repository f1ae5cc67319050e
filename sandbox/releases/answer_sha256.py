"""Computes the hash of an answer, to which the log commits."""

import hashlib
import json
from typing import Any


def answer_sha256(answer: dict[str, Any]) -> str:
    """SHA-256 of the answer's JSON with sorted names and no spaces."""
    said = {name: value for name, value in answer.items() if name not in ("log_index", "receipt")}
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
