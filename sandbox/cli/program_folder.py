"""Reads a program's folder: its .py files, and a cihu.yaml that says how it is run.

name: visits by site
entry: main.py            # main.py if it does not say
inputs: [health.visits]
limit: 1m                 # 10s, 1m, 5m, 15m, 1h or 4h; 1m if it does not say
team: cihu-lake           # only if several of the author's teams could
hint: true                # its end comes with its class, where the datasets' officers allow it
kind: predictor           # then entry is predictor.py if it does not say, with columns and
                          predicts: predictor.py
"""

import re
from base64 import b64encode
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from sandbox.errors import InvalidInput
from sandbox.jobs.predictor import ENTRY
from sandbox.jobs.program import MODELS

RECIPES = "recipes.json"
DESCRIBES = re.compile(r"\bcihu\.out\.\w+\s*\(|\bfrom\s+cihu\s+import\b[^\n#]*\bout\b|\bcihu\.out\s+import\b")
LIMITS = {"10s": 10, "1m": 60, "5m": 300, "15m": 900, "1h": 3600, "4h": 4 * 3600}
KNOWN = {
    "name": str,
    "entry": str,
    "inputs": list,
    "models": list,
    "limit": str,
    "team": str,
    "hint": bool,
    "kind": str,
    "columns": list,
    "predicts": dict,
}
EXAMPLE = "Write name, inputs and, if you like, entry, limit and team; for example: inputs: [health.visits]"


def _text_of(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(
            f"{path} cannot be read.", internal=type(error).__name__, remedy="It is a list in JSON, in UTF-8."
        ) from None


def read_folder(folder: Path) -> dict[str, Any]:
    """The body of `POST /v1/runs` for the program in `folder`. Raises `InvalidInput`."""
    try:
        said = YAML(typ="safe", pure=True).load((folder / "cihu.yaml").read_text("utf-8"))
        own = [
            path
            for path in sorted(folder.rglob("*"))
            if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        ]
        files = {
            str(path.relative_to(folder)): path.read_bytes().decode() for path in own if path.suffix == ".py"
        }
        files |= {
            f"{path.relative_to(folder)}.b64": b64encode(path.read_bytes()).decode()
            for path in own
            if f"{path.suffix}.b64" in MODELS
        }
    except FileNotFoundError:
        raise InvalidInput(f"There is no cihu.yaml in {folder}.", remedy=EXAMPLE) from None
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise InvalidInput(
            f"The program in {folder} cannot be read.",
            internal=type(error).__name__,
            remedy="Its files are UTF-8 text, its cihu.yaml is YAML.",
        ) from None
    if not isinstance(said, dict) or not all(isinstance(said[name], KNOWN.get(name, ())) for name in said):
        raise InvalidInput(f"The cihu.yaml in {folder} says something else than it can.", remedy=EXAMPLE)
    if said.get("limit", "1m") not in LIMITS:
        raise InvalidInput(
            f"There is no limit {said['limit']!r}.", remedy=f"Choose one of {', '.join(LIMITS)}."
        )
    recipes = folder / RECIPES
    if recipes.is_file():
        files |= {RECIPES: _text_of(recipes)}
    elif any(DESCRIBES.search(text) for text in files.values()):
        raise InvalidInput(
            "The program describes outputs (cihu.out), and the vault would not learn of them.",
            remedy="Hand it in from the workspace (%%sealed or cihu.submit), which reads what it describes, "
            f"or put the descriptions beside it in {RECIPES}.",
            zh="程序用 cihu.out 描述了输出，但保险库无从得知。",
            remedy_zh=f"请在工作空间用 %%sealed 或 cihu.submit 提交，或把描述放在同一文件夹的 {RECIPES} 中。",
        )
    predictor = said.get("kind", "program") == "predictor"
    if said.get("kind", "program") not in ("program", "predictor") or predictor != bool(
        said.keys() & {"columns", "predicts"}
    ):
        raise InvalidInput(
            "A predictor has kind: predictor, columns and predicts; another program has none of them.",
            remedy="kind: predictor, columns: [age, female], predicts: {visits: number}",
        )
    return {
        "name": said.get("name", folder.resolve().name),
        "files": files,
        "entry": said.get("entry", ENTRY if predictor else "main.py"),
        **({"hint": True} if said.get("hint") else {}),
        **(
            {"interface": {"columns": said.get("columns"), "predicts": said.get("predicts")}}
            if predictor
            else {}
        ),
        "inputs": [str(one) for one in said.get("inputs", [])],
        **({"models": [str(one) for one in said["models"]]} if said.get("models") else {}),
        "limit_seconds": LIMITS[said.get("limit", "1m")],
        **({"team": said["team"]} if "team" in said else {}),
    }
