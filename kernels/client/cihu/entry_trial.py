"""Tries an entry on invented people: the predictor is called for each of them, as on the board.

    python -m cihu.entry_trial predictor.py

With CIHU_INTERFACE (JSON: columns, predicts, unit, target). Everything it prints is seen. On the board each
person has a fresh process; here one process calls all, and some a second time in another order, so that a
prediction that depends on who was there before is found.
"""

import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

import pandas as pd

from cihu.messages import say
from cihu.predicting import load, predictions
from cihu.problem import CihuError
from cihu.program import ANSWERS, INTERFACE, Inputs, outbox

MOST_PEOPLE = 300
CALLED_TWICE = 20


def main(entry: str) -> None:
    interface = json.loads(os.environ[INTERFACE])
    inputs = Inputs()
    rows = pd.DataFrame(inputs[next(iter(inputs))])
    people = [own for _, own in rows.groupby(interface["unit"], sort=True)][:MOST_PEOPLE]
    predict = load(Path(entry)).predict
    answers = [answer(predict, own, interface) for own in people]
    failed = sum(one is None for one in answers)
    if failed:
        sys.exit(say("entry_failed_people", failed=failed, people=len(people)))
    for at in reversed(range(min(CALLED_TWICE, len(people)))):
        if answer(predict, people[at], interface) != answers[at]:
            sys.exit(say("entry_remembers"))
    truth = [[plain(value) for value in own[interface["target"]]] for own in people]
    (outbox() / ANSWERS).write_text(json.dumps({"truth": truth, "predicted": answers}), "utf-8")


def answer(predict: Any, own: pd.DataFrame, interface: dict[str, Any]) -> list[Any] | None:
    """The predictions for one person's rows; None where the predictor failed, which is shown once."""
    rows = own[interface["columns"]].reset_index(drop=True)
    rows.attrs = {}
    try:
        made = predictions(predict(rows), interface["predicts"], len(rows))
    except CihuError as fault:
        once(str(fault))
    except Exception:  # noqa: BLE001  # of whatever kind: it is the team's own, on invented rows
        once(traceback.format_exc())
    else:
        return [plain(value) for value in made.iloc[:, 0]]
    return None


def once(text: str, shown: list[str] = []) -> None:  # noqa: B006  # it remembers on purpose
    if not shown:
        print(text, file=sys.stderr, flush=True)
        shown.append(text)


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    if value is None or value is pd.NA or value != value:  # noqa: PLR0124  # NaN
        return None
    return value.item() if hasattr(value, "item") else str(value) if hasattr(value, "isoformat") else value


if __name__ == "__main__":
    main(*sys.argv[1:])
