"""Reports how the city of a home is: from its city.json, from the lock that a running one holds, and from
each service itself."""

import fcntl
import json
import os
from pathlib import Path
from typing import Any

import httpx

SECONDS = 5.0
READINESS = {"vault": "/health/ready", "portal": "/health/ready", "hub": "/hub/health/ready"}


def city_status(home: Path) -> dict[str, Any]:
    """`running`, `ready`, and for each part its state, process, restarts, last end, log,
    and what it says of its needs."""
    card = read_card(home)
    running = is_held(home / "lock")
    parts: dict[str, dict[str, Any]] = {}
    for name, known in card.get("parts", {}).items():
        address = card.get("addresses", {}).get(name, "")
        parts[name] = dict(known)
        if running and name in READINESS:
            parts[name] |= asked(f"{address}{READINESS[name]}")
        if not running:
            parts[name] |= {"state": "ended", "pid": None}
    ready = bool(
        running and card.get("ready") and parts and all(part.get("ready", True) for part in parts.values())
    )
    return {
        "home": str(home),
        "running": running,
        "ready": ready,
        "supervisor": card.get("supervisor") if running else None,
        "started_at": card.get("started_at") if running else None,
        "log": str(home / "logs" / "city.log"),
        "parts": parts,
    }


def read_card(home: Path) -> dict[str, Any]:
    try:
        card = json.loads((home / "city.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return card if isinstance(card, dict) else {}


def is_held(lock: Path) -> bool:
    """Whether a city holds its home. A card alone tells nothing: one that was killed leaves it."""
    try:
        handle = os.open(lock, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(handle)


def asked(url: str) -> dict[str, Any]:
    try:
        answer = httpx.get(url, timeout=SECONDS, trust_env=False)
        said = answer.json()
        return {"ready": bool(said["ready"]), "checks": dict(said["checks"])}
    except httpx.HTTPError as error:
        return {"ready": False, "checks": {"answers": f"no: {type(error).__name__}"}}
    except (ValueError, KeyError, TypeError):
        return {"ready": False, "checks": {"answers": "not as a service of ours does"}}
