"""Sets a certificate of a competition on paper, with its receipt attached.
The same certificate gives the same bytes."""

import json
from datetime import datetime
from pathlib import Path

from marketplace.portal.competition_messages import COMPETITION_MESSAGES
from marketplace.typesetting import typeset
from marketplace.vault import Answer
from sandbox.city_time import city_date

TEMPLATE = Path(__file__).parent / "certificate.typ"
WORDS = {
    "title": "comp_participation",
    "organiser": "comp_organiser",
    "track": "comp_track",
    "place": "comp_place",
    "ranks": "comp_ranks",
    "prize": "comp_prize",
    "check": "comp_certificate_check",
    "entry": "comp_certificate_entry",
    "receipt": "comp_receipt",
}


def certificate_pdf(certificate: Answer, language: str, *, portal_address: str) -> bytes:
    """In "zh" or "en". `portal_address`: where its receipt is verified."""
    return typeset(TEMPLATE, shown(certificate, language, portal_address))


def shown(certificate: Answer, language: str, portal_address: str) -> dict[str, object]:
    """What the template reads: texts alone."""

    def word(name: str, **values: object) -> str:
        return COMPETITION_MESSAGES[name][language != "zh"].format(**values)

    receipt = certificate["receipt"]
    day = city_date(datetime.fromisoformat(certificate["issued_at"])).isoformat()
    return {
        "language": language,
        "words": {name: word(key) for name, key in WORDS.items()},
        "competition": certificate["title"][language],
        "organiser": certificate["organiser"],
        "participant": certificate["participant"] or word("comp_certificate_member"),
        "took_part": word("comp_certificate_took_part", team=certificate["team_name"]),
        "tracks": [_track(each, language) for each in certificate["tracks"]],
        "issued": word("comp_certificate_issued", day=day, revision=certificate["revision"]),
        "address": f"{portal_address}/log",
        "index": str(receipt["index"]),
        "receipt": json.dumps(receipt, ensure_ascii=False, indent=2),
    }


def _track(track: Answer, language: str) -> list[str]:
    low, high = track.get("ranks", ("–", "–"))
    return [
        track["title"][language],
        str(track.get("place", "–")),
        str(low) if low == high else f"{low} – {high}",
        track["prize"][language] if "prize" in track else "–",
    ]
