"""A form sent twice, as by a double click without JavaScript, does its deed once,
and every answer leads to the same page."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
from sqlalchemy import text
from starlette.datastructures import FormData

from ended_run import ended_run
from marketplace.portal.sent_once import number_and_words
from sandbox.database import Database
from sandbox.standalone.s3 import S3Server

WISH = {"team": "cihu-lake", "purpose": "研究各区就诊次数的差别", "epsilon": "1", "until": "2027-06-30"}
ASKED = {
    "path_0": "table.csv",
    "statbarn_0": "frequencies",
    "context_0": "各区就诊次数,全部人口",
    "controls_0": "已删去小于十的单元格,并取整",
    "counts_0": "",
}


def test_a_form_is_known_by_all_values_of_each_field() -> None:
    both = FormData([("once", "7"), ("csrf", "x"), ("accepted", "a"), ("accepted", "b"), ("reason", "r")])
    one = FormData([("once", "7"), ("csrf", "y"), ("accepted", "b"), ("reason", "r")])
    assert number_and_words(both) == ("7", "accepted=a", "accepted=b", "reason=r")
    assert number_and_words(one) == ("7", "accepted=b", "reason=r")


def person(city, who: str):
    browser = city.portal.browser()
    assert browser.log_in(who).status_code == 303
    return browser


def hidden(page: str, address: str) -> dict[str, str]:
    """The hidden fields of the form to `address`: its token and its number."""
    [form] = re.findall(rf'<form method="post" action="{re.escape(address)}">.*?</form>', page, re.DOTALL)
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))
    assert fields["csrf"]
    return fields


def clicked(browser, page: str, address: str, **fields: str) -> list[httpx.Response]:
    """The form on a page (its text), sent four times at once: none knows of another's answer."""
    data = {**hidden(page, address), **fields}

    def send(_: int) -> httpx.Response:
        return httpx.post(
            browser.portal.url + address,
            data=data,
            cookies=dict(browser.client.cookies),
            trust_env=False,
            timeout=60,
        )

    with ThreadPoolExecutor(4) as clicks:
        return list(clicks.map(send, range(4)))


def only_page(answers: list[httpx.Response]) -> str:
    assert {answer.status_code for answer in answers} == {303}, [answer.text[-600:] for answer in answers]
    [page] = {answer.headers["location"] for answer in answers}
    return page


def test_a_request_is_made_once_and_with_other_words_or_from_a_page_loaded_anew_again(city) -> None:
    wang, address = person(city, "wang"), "/datasets/clinic.visits/request"
    check = wang.send(address, address, **WISH, step="check").text
    assert only_page(clicked(wang, check, address, **WISH, step="send")) == "/requests#request-1"
    assert (
        only_page(clicked(wang, check, address, **WISH | {"epsilon": "2"}, step="send"))
        == "/requests#request-2"
    )
    again = wang.send(address, address, **WISH, step="check").text
    assert only_page(clicked(wang, again, address, **WISH, step="send")) == "/requests#request-3"
    # the number is worth nothing in another's session
    li = person(city, "li")
    stolen = hidden(check, address) | {"csrf": hidden(li.get(address).text, address)["csrf"]}
    assert (
        li.client.post(address, data={**stolen, **WISH, "step": "send"}).headers["location"]
        == "/requests#request-4"
    )


def test_an_order_is_placed_once_and_a_refused_form_can_be_mended(city, database: Database) -> None:
    city.list_rows()
    chen, address = person(city, "chen"), "/products/inspections-by-business/order"
    page = chen.get("/products/inspections-by-business").text
    refused = clicked(chen, page, address, ends_on="2020-01-01")
    assert {answer.status_code for answer in refused} == {422}
    opened = only_page(clicked(chen, page, address))
    with database.transaction() as tx:
        assert opened == f"/licences/{tx.scalar(text('SELECT id FROM market.licences'))}"
        assert tx.scalar(text("SELECT count(*) FROM market.orders")) == 1
        assert tx.scalar(text("SELECT count(*) FROM market.sent_forms")) == 1
        tx.execute(text("UPDATE market.sent_forms SET sent_at = sent_at - interval '25 hours'"))
    wang, wish = person(city, "wang"), "/datasets/clinic.visits/request"
    clicked(wang, wang.send(wish, wish, **WISH, step="check").text, wish, **WISH, step="send")
    with database.transaction() as tx:
        assert tx.scalar(text("SELECT count(*) FROM market.sent_forms")) == 1, (
            "what is a day old is forgotten"
        )


def test_files_are_asked_for_once_and_a_vote_is_cast_once(
    city, database: Database, s3: S3Server, tmp_path: Path
) -> None:
    run = ended_run(
        city, database, s3, tmp_path, program="pass\n", files={"table.csv": b"district,n\nnorth,120\n"}
    )
    wang, lin, page = person(city, "wang"), person(city, "lin"), f"/runs/{run}"
    assert only_page(clicked(wang, wang.get(page).text, f"{page}/release", **ASKED)) == page
    with city.vault("lin") as officer:
        [waiting] = officer.get("/reviews").json()
    review = f"/reviews/{waiting['id']}"
    shown = lin.get(review).text
    assert (
        only_page(
            clicked(lin, shown, f"{review}/votes", vote_0="approve", comment_0="看过了,可以", reason_0="")
        )
        == review
    )
    with database.transaction() as tx:
        kinds = tx.scalars(text("SELECT entry::jsonb->>'kind' FROM log.entries")).all()
    assert (kinds.count("release.requested"), kinds.count("review.voted")) == (1, 1)
    other = clicked(lin, shown, f"{review}/votes", vote_0="refuse", comment_0="不行,请重做", reason_0="other")
    assert {answer.status_code for answer in other} == {409}, "another vote is another deed"
