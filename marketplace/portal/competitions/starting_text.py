"""The text with which an organiser begins: usual phases, limits and words, all of which can be changed."""

from datetime import datetime, timedelta
from typing import Any

from marketplace.portal.competitions.form_tree import Tree
from sandbox.city_time import CITY_TIME
from sandbox.competitions.document import LOCAL

SIGN_UP_AFTER, SIGN_UP, ENTER, FINAL = (timedelta(days=days) for days in (14, 14, 28, 7))


def starting_tree(department: str, now: datetime) -> Tree:
    """`now` gives the proposed dates: registration begins two weeks later, at nine."""
    opens = now.astimezone(CITY_TIME).replace(hour=9, minute=0) + SIGN_UP_AFTER
    signed_up, closes = opens + SIGN_UP, opens + SIGN_UP + ENTER
    return {
        "title": {},
        "summary": {},
        "organiser": {"department": department},
        "time_zone": "Asia/Shanghai",
        "phases": [
            _phase("registration", "报名", "Registration", opens, signed_up),
            _phase("board", "A 榜", "Board A", opens, closes, grace=60),
            _phase("final", "决赛", "Final", closes, closes + FINAL),
        ],
        "tracks": [starting_track()],
        "teams": {"smallest": 1, "largest": 5, "fixed_from": closes.strftime(LOCAL)},
        "outside_data": {"rule": "declared"},
        "ownership": {
            "entries": {
                "zh": "提交归参赛团队所有。",
                "en": "Entries belong to their teams.",
            },
            "models": {"zh": "模型归参赛团队所有。", "en": "Models belong to their teams."},
        },
        "rules": {
            "zh": "每人只能参加一个团队。不得试图识别任何个人，不得借助评分推断个人数据。",
            "en": "One person is in one team. Nobody tries to identify a person, or to learn a person's data "
            "from scores.",
        },
        "terms": {
            "zh": "本人已阅读大赛规则、权利归属和外部数据的规定，并同意遵守。",
            "en": "I have read the rules, who owns what, and what holds for outside data, and I agree.",
        },
        "ties": "earlier",
        "notice": {"days": 7, "appeal_days": 5},
    }


def starting_track() -> Tree:
    return {
        "id": "track_1",
        "title": {},
        "task": "classification",
        "description": {},
        "entries": {
            "kinds": ["program"],
            "per_day": 3,
            "in_total": 30,
            "seconds": 600,
            "compute_seconds": 18000,
        },
        "board": {
            "metric": "accuracy",
            "rho": "0.1",
            "final_rho": "0.1",
            "smallest_difference": "0.05",
            "expected_teams": 10,
        },
    }


def _phase(
    kind: str, zh: str, en: str, opens: datetime, closes: datetime, *, grace: int = 0
) -> dict[str, Any]:
    phase: dict[str, Any] = {
        "id": f"{kind}_1",
        "kind": kind,
        "title": {"zh": zh, "en": en},
        "opens": opens.strftime(LOCAL),
        "closes": closes.strftime(LOCAL),
    }
    return phase | ({"grace_minutes": grace} if grace else {})
