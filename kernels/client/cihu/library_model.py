"""Fetches a model of the library with its card, once, for a trial."""

import json
import shutil
from pathlib import Path
from urllib.parse import quote

from cihu.messages import say
from cihu.problem import CihuError
from cihu.program import CARD
from cihu.vault import the_vault


def fetch_model(name: str, folder: Path) -> Path:
    """A folder with its file and its card. Raises `CihuError`, also for a name without a version."""
    model, _, version = name.partition("@")
    if not version.isdecimal():
        raise CihuError(
            say("no_model_version", name=name), code="invalid_input", remedy=say("not_a_model_remedy")
        )
    target = folder / name
    if not (target / CARD).is_file():
        at = f"/v1/models/{quote(model, safe='')}/{version}"
        document, content = the_vault().get(at), the_vault().fetch(f"{at}/file")
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        (target / Path(document["lineage"]["path"]).name).write_bytes(content)
        (target / CARD).write_text(json.dumps(document, ensure_ascii=False), "utf-8")
    return target
