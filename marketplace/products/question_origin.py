"""Checks that a query on offer is the question of a ranked entry, and whose the share of its income is: that
of a team which holds everybody who entered it."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from marketplace.offers.price import Frozen
from marketplace.products.model import Parameter, QuestionOrigin
from marketplace.products.parameters import declared
from marketplace.vault import Answer, Vault
from sandbox.errors import Conflict, InvalidInput, NotFound
from sandbox.identity import Principal
from sandbox.plain_text import PlainText


class OfferedOrigin(Frozen):
    """The entry of a competition's result that the query is. `team`: who has `team_percent` of each invoice's
    sum for the product; by default the only team that holds everybody who entered. Neither changes later."""

    competition: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,62}$")]
    entry: Annotated[int, Field(strict=True, ge=1, le=2**31 - 1)]
    team: PlainText | None = None
    team_percent: Annotated[int, Field(strict=True, ge=0, le=90)]


def origin_of(
    vault: Vault,
    principal: Principal,
    wanted: OfferedOrigin,
    *,
    dataset: str,
    sql: str,
    parameters: Sequence[Parameter],
) -> QuestionOrigin:
    """Raises `NotFound` for what is no question of the result, `Conflict` before the result is final and
    where no such team is, `InvalidInput` for another question; and what the vault refuses an officer."""
    entry = ranked_question(vault, principal, wanted.competition, wanted.entry)
    question = entry["question"]
    own = [declared(Parameter.model_validate(each)) for each in question["parameters"]]
    if (dataset, sql) != (question["dataset"], question["sql"]) or own != list(map(declared, parameters)):
        raise InvalidInput(
            f"This is not the question of entry {wanted.entry}.",
            code="question_not_of_entry",
            remedy="Offer its dataset, SQL and parameters as they were entered; epsilon and price are yours.",
            zh=f"该查询与提交 {wanted.entry} 的问题不一致。",
            remedy_zh="请按提交原样填写数据集、SQL 和参数；epsilon 和价格由贵部门决定。",
        )
    team = team_among(entry["teams"], wanted.team)
    return QuestionOrigin(
        competition=wanted.competition, entry=wanted.entry, team=team, team_percent=wanted.team_percent
    )


def ranked_question(vault: Vault, principal: Principal, competition: str, number: int) -> Answer:
    """The ranked entry of a question, with its `teams`. Raises `NotFound`, `Conflict`."""
    ranked = vault.ranked_entries(principal.id, competition)
    entry = next((each for each in ranked if each["entry"] == number and "question" in each), None)
    if entry is None:
        raise NotFound(
            f"The result of {competition} has no question with the number {number}.",
            code="question_not_ranked",
            remedy="List what stands in it: cihu competition ranked.",
            zh=f"“{competition}”的结果中没有编号为 {number} 的问题。",
            remedy_zh="可查看结果中的提交：cihu competition ranked。",
        )
    if "teams" not in entry:
        raise Conflict(
            f"The public notice of {competition} has not ended: an appeal can still change its result.",
            code="result_not_final",
            remedy="Offer the question once the competition is closed.",
            zh=f"“{competition}”的公示期尚未结束，申诉仍可改变结果。",
            remedy_zh="请在大赛结束后再上架该问题。",
        )
    return entry


def team_among(teams: Sequence[str], wanted: str | None) -> str:
    """Raises `Conflict` where no team is, `InvalidInput` for another or for none among several."""
    if not teams:
        raise Conflict(
            "No team holds everybody who entered this question, so nobody can be paid the share.",
            code="no_team_behind",
            remedy="Let an operator put them into one team, so that the income is everybody's.",
            zh="没有包含全部参赛成员的团队，分成无处可付。",
            remedy_zh="请运营人员将参赛成员加入同一团队，以便共有收入。",
        )
    if wanted is None and len(teams) == 1:
        return teams[0]
    if wanted is None or wanted not in teams:
        raise InvalidInput(
            f"The share can be that of {', '.join(teams)}.",
            code="question_team",
            remedy="Name one of them in `team`.",
            zh=f"分成可归团队 {'、'.join(teams)}。",
            remedy_zh="请在 team 中写明其一。",
        )
    return wanted
