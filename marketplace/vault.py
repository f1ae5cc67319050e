"""The portal's client of the vault:
HTTP, each request with a token of sixty seconds for the person behind it.

The portal has no rights of its own there: the vault decides by the person (or by the service account
"marketplace", for products), as if they had come themselves.
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

import httpx

from sandbox.errors import CihuError, InvalidInput, NotFound, Unavailable
from sandbox.http.request_id import outgoing
from sandbox.http.status import STATUS
from sandbox.identity import VAULT, TokenIssuer, login_claims

TOKEN_SECONDS = 60
PREDICTING_SECONDS = 120.0  # longer than the vault ever takes for a prediction
BUYING_SECONDS = 1800.0
ASKING_SECONDS = 1200.0  # longer than the vault ever takes for an answer
ALIVE_SECONDS = 2.0
OF_A_CLOCK = frozenset({"token_expired", "clocks_apart"})
MOST_ON_PAGE = 1000  # that the vault lists at once
SERVICE = "marketplace"
PURPOSE = "to answer the callers of the product "
"""What the marketplace asks for a grant for, before the product's name."""
Answer = dict[str, Any]


@dataclass(frozen=True)
class ReviewFile:
    """What a reviewer sees. `original`: as the run left it. `table`: the content is the CSV that the vault
    made of it; `size`: bytes of the file itself."""

    content: bytes
    original: bool
    table: bool
    size: int


class Vault:
    """The vault's API. Every method takes first who asks.
    Raises what the vault refused with, or `Unavailable`."""

    def __init__(self, url: str, issuer: TokenIssuer, *, timeout_seconds: float = 60.0) -> None:
        self.url = url.rstrip("/")
        self.issuer = issuer
        # trust_env off: a proxy of the machine must never see these tokens
        self.client = httpx.Client(base_url=self.url, timeout=timeout_seconds, trust_env=False)
        self.language = "en"

    def reading(self, language: str) -> Self:
        """The same vault, asked to refuse in this language ("zh" or "en"): that of whoever reads the page."""
        same = copy(self)
        same.language = language
        return same

    def require_alive(self) -> None:
        """Raise `Unavailable` unless the vault answers."""
        try:
            self.client.get("/health/live", timeout=ALIVE_SECONDS).raise_for_status()
        except httpx.HTTPError as error:
            raise Unavailable(
                "The vault cannot be reached.", remedy="See the vault's log.", internal=type(error).__name__
            ) from None

    def search_datasets(self, who: str, **wanted: str) -> Answer:
        """A page of the datasets that somebody may see. `wanted`: q, department, page, size."""
        return self.get(who, "/v1/datasets/search", **{name: text for name, text in wanted.items() if text})

    def datasets(self, who: str, *, department: str = "") -> list[Answer]:
        """All that somebody may see, in short, by name."""
        found = list[Answer]()
        while True:
            page = str(1 + len(found) // MOST_ON_PAGE)
            told = self.search_datasets(who, department=department, page=page, size=str(MOST_ON_PAGE))
            found += told["datasets"]
            if len(told["datasets"]) < MOST_ON_PAGE:
                return found

    def described(self, who: str, names: Sequence[str]) -> list[Answer]:
        """All that is said of each of these datasets that somebody may see, at most 500."""
        if not names:
            return []
        return listed(document(self.send(who, "GET", "/v1/datasets", params={"name": list(names)})))

    def set_aside(self, who: str) -> list[Answer]:
        """Datasets of the officer's that are not offered, because their newest version is broken."""
        return listed(self.get(who, "/v1/datasets/set-aside"))

    def dataset(self, who: str, name: str) -> Answer:
        return self.get(who, f"/v1/datasets/{segment(name)}")

    def stand_in(self, who: str, name: str) -> bytes:
        """Invented rows of the dataset's shape, as Parquet."""
        return self.send(who, "GET", f"/v1/datasets/{segment(name)}/stand-in").content

    def schema_stand_in(self, who: str, name: str) -> bytes:
        """Rows that are invented from the dataset's public policy alone, as Parquet."""
        path = f"/v1/datasets/{segment(name)}/stand-in"
        return self.send(who, "GET", path, params={"kind": "schema"}).content

    def stand_in_about(self, who: str, name: str) -> Answer:
        """Of which kind the best stand-in rows are, what was paid for them,
        and how near they are to what was bought."""
        return self.get(who, f"/v1/datasets/{segment(name)}/stand-in/about")

    def buy_stand_in(self, who: str, name: str, epsilon: str, *, trained: bool = False) -> Answer:
        """Waits until the rows are made, which can take minutes: every pair of columns is counted."""
        return document(
            self.send(
                who,
                "POST",
                f"/v1/datasets/{segment(name)}/stand-in",
                json={"epsilon": epsilon, "trained": trained},
                timeout=BUYING_SECONDS,
            )
        )

    def requests(self, who: str, **wanted: str | int) -> list[Answer]:
        """The newest first. `wanted`: status, offset, limit."""
        return listed(self.get(who, "/v1/requests", **wanted))

    def request_facts(self, who: str, request_id: str) -> Answer:
        """All that a decision on a request needs."""
        return self.get(who, f"/v1/requests/{segment(request_id)}/facts")

    def make_request(self, who: str, **wish: Any) -> Answer:
        """`wish`: dataset, team, purpose, epsilon, until."""
        return self.post(who, "/v1/requests", wish)

    def approve(self, who: str, request_id: str, **changes: Any) -> Answer:
        """`changes`: epsilon, until, note; only those that differ."""
        return self.post(who, f"/v1/requests/{segment(request_id)}/approve", changes)

    def refuse(self, who: str, request_id: str, reason: str) -> Answer:
        return self.post(who, f"/v1/requests/{segment(request_id)}/refuse", {"reason": reason})

    def grants(self, who: str, **wanted: str | int) -> list[Answer]:
        """The newest first. `wanted`: offset, limit."""
        return listed(self.get(who, "/v1/grants", **wanted))

    def revoke_grant(self, who: str, grant_id: str, reason: str) -> Answer:
        return self.post(who, f"/v1/grants/{segment(grant_id)}/revoke", {"reason": reason})

    def open_copy(self, who: str, name: str, columns: tuple[str, ...] | None) -> Answer:
        """Let the vault write the open copy of a dataset: object, version_id, columns, rows, grade,
        column_grades."""
        return self.post(
            who, f"/v1/datasets/{segment(name)}/open-copy", {"columns": list(columns)} if columns else {}
        )

    def explain(self, who: str, *, sql: str, epsilon: str, grant: str) -> Answer:
        return self.post(who, "/v1/explain", {"sql": sql, "epsilon": epsilon, "grant": number_or_text(grant)})

    def ask(self, who: str, *, sql: str, epsilon: str, grant: str) -> Answer:
        return document(
            self.send(
                who,
                "POST",
                "/v1/ask",
                timeout=ASKING_SECONDS,
                json={"sql": sql, "epsilon": epsilon, "grant": number_or_text(grant)},
            )
        )

    def answer(self, who: str, answer_id: str) -> Answer:
        return self.get(who, f"/v1/answers/{segment(answer_id)}")

    def model(self, who: str, name: str, version: int) -> Answer:
        """A version of a model of the library."""
        return self.get(who, f"/v1/models/{segment(name)}/{version}")

    def ranked_entries(self, who: str, competition: str) -> list[Answer]:
        """The entries of a competition's result, as an officer of its organiser sees them."""
        return listed(self.get(who, f"/v1/competitions/{segment(competition)}/ranked-entries"))

    def predict(self, who: str, name: str, version: int, rows: list[Answer]) -> list[Answer]:
        """A prediction for each row, made in a seal."""
        path = f"/v1/models/{segment(name)}/{version}/predict"
        answer = self.send(who, "POST", path, json={"rows": rows}, timeout=PREDICTING_SECONDS)
        return [dict(each) for each in document(answer)["predictions"]]

    def checkpoint(self, who: str) -> str:
        """The log's newest signed note."""
        return self.send(who, "GET", "/v1/log/checkpoint").text

    def log_key(self, who: str) -> Answer:
        return self.get(who, "/v1/log/key")

    def budgets(self, who: str, **wanted: str | int) -> list[Answer]:
        """What is left of grants, the newest first. `wanted`: grant, dataset, offset, limit."""
        return listed(self.get(who, "/v1/budgets", **wanted))

    def reviews(self, who: str, *, state: str = "waiting", offset: int = 0, limit: int = 200) -> list[Answer]:
        return listed(self.get(who, "/v1/reviews", state=state, offset=offset, limit=limit))

    def review(self, who: str, number: str) -> Answer:
        return self.get(who, f"/v1/reviews/{segment(number)}")

    def review_statistics(self, who: str) -> Answer:
        return self.get(who, "/v1/reviews/statistics")

    def review_file(
        self, who: str, number: str, path: str, *, original: bool = False, as_table: bool = False
    ) -> ReviewFile:
        """A file in quarantine, as it would leave or as the run left it; the vault logs the view. `as_table`:
        a Parquet file as the CSV that the vault makes of it."""
        address = f"/v1/reviews/{segment(number)}/files/{'/'.join(map(segment, path.split('/')))}"
        asked = [name for name, wanted in (("original", original), ("as_table", as_table)) if wanted]
        answer = self.send(who, "GET", address + "?" + "&".join(f"{name}=true" for name in asked))
        return ReviewFile(
            answer.content,
            original=answer.headers.get("Cihu-Shown") == "original",
            table=answer.headers.get("Cihu-Table") == "csv",
            size=int(answer.headers.get("Cihu-File-Bytes", len(answer.content))),
        )

    def review_ending(self, who: str, number: str) -> Answer:
        """How the run ended, and its log; the vault logs the view."""
        return self.get(who, f"/v1/reviews/{segment(number)}/ending")

    def review_package(self, who: str, number: str) -> bytes:
        """The run of a decided review as a signed package."""
        return self.send(who, "GET", f"/v1/reviews/{segment(number)}/package").content

    def give_seats_on(self, who: str, number: str) -> Answer:
        """Let others take the seats of reviewers who do not go on."""
        return self.post(who, f"/v1/reviews/{segment(number)}/seats/give-on", {})

    def vote(self, who: str, number: str, *, revision: int, votes: list[Answer]) -> Answer:
        """Each vote: path, vote, comment, reasons."""
        return self.post(who, f"/v1/reviews/{segment(number)}/votes", {"revision": revision, "votes": votes})

    def runs(self, who: str) -> list[Answer]:
        return listed(self.get(who, "/v1/runs"))

    def run(self, who: str, number: str) -> Answer:
        return self.get(who, f"/v1/runs/{segment(number)}")

    def cancel_run(self, who: str, number: str) -> Answer:
        return self.post(who, f"/v1/runs/{segment(number)}/cancel", {})

    def run_release(self, who: str, number: str) -> Answer | None:
        """What was asked for last of a run's files, and how it was decided; None if nothing was."""
        try:
            return self.get(who, f"/v1/runs/{segment(number)}/release")
        except NotFound:
            return None

    def ask_for_files(self, who: str, number: str, files: list[Answer], *, change: bool = False) -> Answer:
        """Each file: path, statbarn, context, controls, counts.
        With `change`, of what waits for reviewers already."""
        return self.post(
            who, f"/v1/runs/{segment(number)}/release{'/change' if change else ''}", {"files": files}
        )

    def withdraw_release(self, who: str, number: str) -> Answer:
        return self.post(who, f"/v1/runs/{segment(number)}/release/withdraw", {})

    def run_files(self, who: str, number: str) -> Answer:
        """The released files of a run, and the receipt."""
        return self.get(who, f"/v1/runs/{segment(number)}/files")

    def run_file(self, who: str, number: str, path: str) -> bytes:
        return self.send(
            who, "GET", f"/v1/runs/{segment(number)}/files/{'/'.join(map(segment, path.split('/')))}"
        ).content

    def run_package(self, who: str, number: str) -> bytes:
        """A decided run as a signed package."""
        return self.send(who, "GET", f"/v1/runs/{segment(number)}/package").content

    def disclosure(self, who: str) -> Answer:
        """What a file can be declared as, the thresholds by grade, and the reasons that reviewers give."""
        return self.get(who, "/v1/disclosure")

    def receipt(self, who: str, index: int) -> Answer:
        return self.get(who, f"/v1/log/receipts/{index}")

    def receipts(self, who: str, indexes: Sequence[int]) -> list[Answer]:
        """Of at most 100 entries, in the order asked."""
        answer = self.send(who, "GET", "/v1/log/receipts", params={"index": list(indexes)})
        return [dict(each) for each in document(answer)["receipts"]]

    def get(self, who: str, path: str, **query: str | int) -> Answer:
        return document(self.send(who, "GET", path, params=query))

    def post(self, who: str, path: str, body: Answer) -> Answer:
        return document(self.send(who, "POST", path, json=body))

    def send(self, who: str, method: str, path: str, **more: Any) -> httpx.Response:
        try:
            answer = self.client.request(method, path, headers=self.headers(who), **more)
        except httpx.HTTPError as error:
            raise self.unreachable(error) from None
        if answer.is_success:
            return answer
        raise refusal_of(answer)

    def streamed(self, who: str, method: str, path: str, **query: Any) -> httpx.Response:
        """An answer that is read in pieces; whoever asks closes it."""
        request = self.client.build_request(method, path, params=query, headers=self.headers(who))
        try:
            answer = self.client.send(request, stream=True)
            if not answer.is_success:
                answer.read()
                answer.close()
        except httpx.HTTPError as error:
            raise self.unreachable(error) from None
        if answer.is_success:
            return answer
        raise refusal_of(answer)

    def public(self, path: str, **query: Any) -> httpx.Response:
        """What the vault tells anybody: without a token, so that it cannot take a stranger for somebody."""
        wanted = {name: value for name, value in query.items() if value not in ("", None, [], ())}
        try:
            answer = self.client.get(
                path if path.startswith("/v1/") else f"/v1/public{path}",
                params=wanted,
                headers={"Accept-Language": self.language, **outgoing()},
            )
        except httpx.HTTPError as error:
            raise self.unreachable(error) from None
        if answer.is_success:
            return answer
        raise refusal_of(answer)

    def headers(self, who: str) -> dict[str, str]:
        """What a request for this person carries."""
        # to the microsecond: whoever logs in anew in the second of their log-out is let in
        token = self.issuer.issue(
            who,
            audience=VAULT,
            lifetime_seconds=TOKEN_SECONDS,
            **login_claims(session="", logged_in_at=datetime.now(UTC)),
        )
        return {"Authorization": f"Bearer {token}", "Accept-Language": self.language, **outgoing()}

    def unreachable(self, error: httpx.HTTPError) -> Unavailable:
        return Unavailable(
            "The vault cannot be reached.",
            remedy="Try again; if it lasts, tell the operator.",
            internal=f"{type(error).__name__} at {self.url}",
        )

    def close(self) -> None:
        self.client.close()


def refusal_of(answer: httpx.Response) -> CihuError:
    """The vault's refusal as the same error here: its words were written to be shown."""
    kind = next((kind for kind, status in STATUS if status == answer.status_code), Unavailable)
    try:
        body = answer.json()
    except ValueError:
        body = {}
    if not isinstance(body, dict) or kind is Unavailable:
        body = {}
    if body.get("code") in OF_A_CLOCK:  # of a token that was made for this request: nobody can log in better
        return Unavailable(
            "The clocks of the portal and of the vault are apart.",
            code="clocks_apart",
            remedy="For the operator: set both by NTP (timedatectl set-ntp true).",
            zh="门户与保险库的时钟相差过大。",
            remedy_zh="请运营人员用 NTP 校准两边的时钟（timedatectl set-ntp true）。",
        )
    message = str(body.get("detail") or "The vault could not do this.")
    remedy = str(body.get("remedy") or "")
    chinese = bool(body) and answer.headers.get("content-language") == "zh"
    return kind(
        message,
        code=str(body.get("code") or kind.code),
        remedy=remedy,
        internal=f"the vault said {answer.status_code}",
        zh=message if chinese else "",
        remedy_zh=remedy if chinese else "",
    )


def document(answer: httpx.Response) -> Answer:
    """The JSON of an answer; a list comes as the member "items"."""
    try:
        body = answer.json()
    except ValueError as error:
        raise Unavailable("The vault's answer cannot be read.", internal=type(error).__name__) from None
    return body if isinstance(body, dict) else {"items": body}


def listed(body: Answer) -> list[Answer]:
    """The members of a list (see `document`)."""
    return [member for member in body.get("items", []) if isinstance(member, dict)]


def segment(text: str) -> str:
    """A part of a path that stays one part. Raises `InvalidInput`."""
    if (
        not text
        or not all(letter.isascii() and (letter.isalnum() or letter in "._-") for letter in text)
        or ".." in text
    ):
        raise InvalidInput("This is not the name of anything here.", zh="这里没有这个名称。")
    return text


def number_or_text(text: str) -> int | str:
    """The number of something, as a form has it; what is none is left for the vault to refuse."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else text
