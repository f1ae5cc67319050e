"""The portal's way to the vault: refusals keep their kind and words, failures tell nothing,
names stay one segment."""

import httpx
import pytest

from marketplace.vault import Vault, refusal_of, segment
from sandbox import errors
from sandbox.identity import TokenIssuer


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (422, errors.InvalidInput),
        (401, errors.NotAuthenticated),
        (403, errors.Forbidden),
        (404, errors.NotFound),
        (409, errors.Conflict),
        (402, errors.BudgetExhausted),
        (429, errors.TooMany),
    ],
)
def test_a_refusal_keeps_its_kind_code_and_words(status: int, kind: type[errors.CihuError]) -> None:
    refusal = refusal_of(
        httpx.Response(status, json={"detail": "No.", "code": "own_code", "remedy": "Do this."})
    )
    assert type(refusal) is kind
    assert (refusal.message, refusal.code, refusal.remedy) == ("No.", "own_code", "Do this.")


def test_a_refusal_made_in_chinese_is_chinese_here_and_an_english_one_is_not_taken_for_it() -> None:
    body = {"detail": "不可。", "code": "own_code", "remedy": "请这样做。"}
    chinese = refusal_of(httpx.Response(403, json=body, headers={"Content-Language": "zh"}))
    assert chinese.words("zh") == ("不可。", "请这样做。") and (chinese.zh, chinese.remedy_zh) == (
        "不可。",
        "请这样做。",
    )
    english = refusal_of(httpx.Response(403, json={"detail": "No."}, headers={"Content-Language": "en"}))
    assert (english.zh, english.remedy_zh) == ("", "")


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500, text="Traceback: secret"),
        httpx.Response(503, json={"detail": "x"}),
        httpx.Response(418, text="?"),
        httpx.Response(302),
    ],
)
def test_any_other_failure_is_unavailable_and_tells_nothing_of_it(answer: httpx.Response) -> None:
    refusal = refusal_of(answer)
    assert type(refusal) is errors.Unavailable and refusal.message == "The vault could not do this."


@pytest.mark.parametrize("code", ["token_expired", "clocks_apart"])
def test_a_token_made_for_this_request_can_only_be_late_by_a_clock(code: str) -> None:
    refusal = refusal_of(
        httpx.Response(
            401, json={"detail": "The token has run out.", "code": code, "remedy": "Log in again."}
        )
    )
    assert type(refusal) is errors.Unavailable and refusal.code == "clocks_apart" and "NTP" in refusal.remedy


@pytest.mark.parametrize("name", ["", "..", "a/b", "a?b", "a#b", "a%2f", "../x", "健康", "a b", "a\n"])
def test_a_name_cannot_leave_its_place_in_the_address(name: str) -> None:
    with pytest.raises(errors.InvalidInput):
        segment(name)
    assert segment("clinic.visits") == "clinic.visits"


def test_a_vault_that_is_away_is_unavailable(database, tmp_path) -> None:
    vault = Vault("http://127.0.0.1:9", TokenIssuer("portal", tmp_path, database), timeout_seconds=2)
    with pytest.raises(errors.Unavailable):
        vault.datasets("wang")


def test_the_vault_decides_by_the_person_behind_the_page(city) -> None:
    """The portal has no rights of its own: what a buyer may not, the portal cannot for them."""
    browser = city.portal.browser()
    browser.log_in("chen")
    token = browser.get("/me").text.split('name="csrf" value="')[1].split('"')[0]
    answer = browser.client.post(
        "/datasets/clinic.visits/request",
        data={
            "csrf": token,
            "step": "send",
            "team": "cihu-lake",
            "purpose": "for another's team",
            "epsilon": "1",
            "until": "2027-06-30",
        },
    )
    assert answer.status_code == 403
