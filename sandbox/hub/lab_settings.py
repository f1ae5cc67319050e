"""Writes what JupyterLab reads of a person's workspace when it starts: its language, the city's name, the
portal's address; from the files in `lab/`, which are the same for everybody."""

import json
from pathlib import Path
from typing import Any

from sandbox.hub.language import OTHERWISE

LAB = Path(__file__).parent / "lab"
EXTENSIONS = LAB / "labextensions"
"""The only folder from which the page loads extensions: what else is installed stays out."""

LOCALES = {"zh": "zh_CN", "en": "default"}
NAMES = {"zh": "磁湖", "en": "Cihu"}


def write_lab_settings(folder: Path, *, language: str, portal_url: str) -> Path:
    """`folder`, with `overrides.json` and `page_config.json` in it. A person who chose a language in
    JupyterLab's own menu keeps it: this is the default."""
    spoken = language if language in LOCALES else OTHERWISE
    overrides = _read("overrides.json")
    overrides["@jupyterlab/translation-extension:plugin"] = {"locale": LOCALES[spoken]}
    page = _read("page_config.json")
    page |= {"appName": NAMES[spoken], "cihuLanguage": spoken, "cihuPortal": portal_url}
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, document in (("overrides.json", overrides), ("page_config.json", page)):
        (folder / name).write_text(json.dumps(document, ensure_ascii=False, indent=1))
    return folder


def _read(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((LAB / name).read_text())
    return document
