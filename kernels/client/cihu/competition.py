"""Shows competitions (大赛) and their boards, and lets one form or join a team."""

from collections.abc import Mapping
from html import escape
from typing import Any
from urllib.parse import quote

import pandas as pd

from cihu.messages import current, known, say
from cihu.problem import CihuError
from cihu.show import foot, page, strip, table, text_table
from cihu.vault import the_vault

AT = "/v1/competitions"


def at(name: str, rest: str = "") -> str:
    return f"{AT}/{quote(name, safe='')}{rest}"


class Competition:
    """A competition: its phases, tracks and terms, and your team in it."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document

    @property
    def name(self) -> str:
        return str(self.document["name"])

    @property
    def tracks(self) -> list[str]:
        """Those that have a board."""
        return [track["id"] for track in self.document["board_tracks"]]

    def track(self, id: str | None = None) -> dict[str, Any]:
        """What an entrant needs of a track; without `id`, of the only one. Raises `CihuError`."""
        return self._only("board_tracks", id)

    def _only(self, kind: str, id: str | None) -> dict[str, Any]:
        tracks = self.document[kind]
        found = [one for one in tracks if id in (None, one["id"])]
        if len(found) != 1:
            names = ", ".join(one["id"] for one in tracks)
            raise CihuError(
                say("no_track", given=id or "", tracks=names or say("none")),
                code="track_not_found",
                remedy=say("no_track_remedy"),
            )
        return dict(found[0])

    def jury_track(self, id: str | None = None) -> dict[str, Any]:
        """What an entrant needs of a track that a jury judges; without `id`, of the only one. Raises
        `CihuError`."""
        return self._only("jury_tracks", id)

    @property
    def team(self) -> dict[str, Any] | None:
        """Your team and what it has used of its limits; None while you are in none."""
        try:
            return dict(the_vault().get(at(self.name, "/my-team")))
        except CihuError as error:
            if error.code == "no_competition_team":
                return None
            raise

    def form(self, team: str, *, accept_terms: bool = False, hidden: bool = False) -> dict[str, Any]:
        """Form a team of this name: it, the invitation for others, and the receipt of the terms."""
        return self._joined("/teams", {"name": team, "hidden": hidden}, accept_terms)

    def join(self, invitation: str, *, accept_terms: bool = False) -> dict[str, Any]:
        """Join the team that gave you this invitation."""
        return self._joined("/members", {"invitation": invitation}, accept_terms)

    def _joined(self, rest: str, body: dict[str, Any], accept_terms: bool) -> dict[str, Any]:
        if not accept_terms:
            raise CihuError(
                say("terms_first", name=self.name),
                code="terms_not_accepted",
                remedy=say("terms_first_remedy"),
            )
        terms = {"terms_sha256": self.document["terms_sha256"]}
        return dict(the_vault().post(at(self.name, rest), body | terms))

    @property
    def terms(self) -> str:
        """The competition's document (YAML), with rules, terms and who owns what."""
        return str(self.document["text"])

    def board(self, track: str | None = None, phase: str | None = None) -> "Board":
        return read_board(self.name, self.track(track)["id"], phase)

    def _lines(self) -> list[str]:
        said = self.document
        lines = [
            f"{said['title'][current()]} ({self.name}): "
            + known(f"competition.{said['state']}", said["state"]),
            *(
                say(
                    "phase_line",
                    title=phase["title"][current()],
                    opens=phase["opens_at"][:16].replace("T", " "),
                    closes=phase["closes_at"][:16].replace("T", " "),
                    zone=said["time_zone"],
                )
                for phase in said["phases"]
            ),
        ]
        for track in said["board_tracks"]:
            lines.append(
                say(
                    "track_line",
                    id=track["id"],
                    title=track["title"][current()],
                    metric=track["metric"],
                    dataset=track["dataset"],
                    target=track["target"],
                    features=", ".join(track["features"]),
                )
            )
            lines.append(say("track_limits", **{key: track[key] for key in ("per_day", "in_total")}))
        for track in said["jury_tracks"]:
            lines.append(
                say(
                    "jury_track_line",
                    id=track["id"],
                    title=track["title"][current()],
                    kinds=", ".join(known(f"kind.{kind}", kind) for kind in track["kinds"]),
                )
            )
            lines += [
                say("jury_track_asks", dataset=one["dataset"], columns=", ".join(one["columns"]))
                for one in track["datasets"]
                if "questions" in track["kinds"]
            ]
            lines.append(say("track_limits", **{key: track[key] for key in ("per_day", "in_total")}))
        return lines

    def _repr_html_(self) -> str:
        lines = self._lines()
        return page(f"<strong>{escape(lines[0])}</strong>", *[foot(line) for line in lines[1:]])

    def __repr__(self) -> str:
        return "\n".join(self._lines())


class Competitions:
    """The competitions that were announced."""

    def __init__(self, documents: list[dict[str, Any]]) -> None:
        self.all = documents

    @property
    def names(self) -> list[str]:
        return [one["name"] for one in self.all]

    def _rows(self) -> list[list[str]]:
        return [
            [
                one["name"],
                one["title"][current()],
                known("competition." + one["state"], one["state"]),
                one["closes_at"][:10],
            ]
            for one in self.all
        ]

    def _heads(self) -> list[str]:
        return [say("name"), say("title"), say("state"), say("until")]

    def _repr_html_(self) -> str:
        return page(table(self._heads(), [[escape(cell) for cell in row] for row in self._rows()]))

    def __repr__(self) -> str:
        return text_table(self._heads(), self._rows())


class Board:
    """A board: a line a team with its interval, the organiser's baseline, and how precise and dear it is."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document

    @property
    def df(self) -> pd.DataFrame:
        """place, best_rank, worst_rank, team, score, low, high, entries; the baseline has no place."""
        rows = [
            {
                "place": line["place"],
                "best_rank": line["ranks"][0],
                "worst_rank": line["ranks"][1],
                "team": line.get("name", f"#{line['team']}"),
                **{key: float(line[key]) for key in ("score", "low", "high")},
                "entries": line["entries"],
            }
            for line in self.document["lines"]
        ]
        if baseline := self.document.get("baseline"):
            numbers = {key: float(baseline[key]) for key in ("score", "low", "high")}
            rows.append({"team": say("baseline", value=baseline["value"]), **numbers, "entries": 1})
        columns = ["place", "best_rank", "worst_rank", "team", "score", "low", "high", "entries"]
        return pd.DataFrame(rows, columns=columns).astype(
            dict.fromkeys(("place", "best_rank", "worst_rank", "entries"), "Int64")
        )

    def _heads(self) -> list[str]:
        return [say("place"), say("ranks"), say("team"), say("score"), say("board_interval"), say("entries")]

    def _cells(self) -> list[tuple[list[str], Mapping[str, Any]]]:
        """Of each line: its cells as text, and its numbers."""
        made = []
        for line in self.document["lines"]:
            best, worst = line["ranks"]
            ranks = str(best) if best == worst else f"{best}-{worst}"
            name = line.get("name", f"#{line['team']}")
            made.append(([str(line["place"]), ranks, name, *interval(line), str(line["entries"])], line))
        if baseline := self.document.get("baseline"):
            name = say("baseline", value=baseline["value"])
            made.append((["–", "–", name, *interval(baseline), "1"], baseline))
        return made

    def _foot(self) -> list[str]:
        said = self.document
        lines = [say("board_precision", people=said["people"], step=said["step"], visible=said["visible"])]
        lines.append(
            say(
                "board_price",
                rho=said["rho"],
                entries=said["entries_in_all"],
                epsilon=said["epsilon"],
                of=said["dataset_epsilon"],
                sd=said["sd"],
            )
        )
        if said["waiting"]:
            lines.append(say("board_waiting", waiting=said["waiting"]))
        return lines

    def _repr_html_(self) -> str:
        cells = self._cells()
        ends = [float(line[key]) for _, line in cells for key in ("low", "high")] or [0.0, 1.0]
        rows = []
        for texts, line in cells:
            numbers = (float(line["score"]), float(line["low"]), float(line["high"]))
            row = [escape(text) for text in texts]
            row[4] += strip(*numbers, (min(ends), max(ends)))
            rows.append(row)
        right = [True, True, False, True, False, True]
        return page(table(self._heads(), rows, right), *[foot(line) for line in self._foot()])

    def __repr__(self) -> str:
        shown = text_table(self._heads(), [texts for texts, _ in self._cells()])
        return "\n".join([shown, *self._foot()])


def interval(line: Mapping[str, Any]) -> list[str]:
    score, low, high = (f"{float(line[key]):.3f}" for key in ("score", "low", "high"))
    return [score, say("from_to", low=low, high=high)]


def read_competition(name: str) -> Competition:
    return Competition(the_vault().get(at(name)))


def read_board(name: str, track: str, phase: str | None = None) -> Board:
    asked = f"/board?track={quote(track, safe='')}"
    return Board(the_vault().get(at(name, asked + (f"&phase={quote(phase, safe='')}" if phase else ""))))
