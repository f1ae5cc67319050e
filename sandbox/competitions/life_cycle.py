"""The life cycle of a competition, of a team, an entry, an appeal and a post, as tables."""

from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.errors import Conflict


@dataclass(frozen=True)
class State:
    """`by`: who moves it on from here. `event`: the log's kind that is written on entering. `next`: what may
    follow."""

    zh: str
    by: str
    event: str
    next: tuple[str, ...] = ()


States = Mapping[str, State]

COMPETITION: States = {
    "draft": State("草稿", "officers of the organiser", "competition.created", ("announced", "cancelled")),
    "announced": State(
        "已公布", "the moment at which the first phase opens", "competition.announced", ("open", "cancelled")
    ),
    "open": State(
        "进行中", "the moment at which the last phase closes", "competition.opened", ("judging", "cancelled")
    ),
    "judging": State("评定中", "officers of the organiser", "competition.judging", ("notice", "cancelled")),
    "notice": State(
        "公示中", "the end of the public notice", "competition.result_published", ("closed", "cancelled")
    ),
    "closed": State("已结束", "nobody", "competition.closed"),
    "cancelled": State("已取消", "nobody", "competition.cancelled"),
}

POST: States = {
    "shown": State("已发布", "its author, or officers", "", ("hidden", "withdrawn")),
    "hidden": State(
        "已隐藏",
        "its author, or officers of the organiser",
        "competition.post_hidden",
        ("shown", "withdrawn"),
    ),
    "withdrawn": State("已撤回", "nobody", "competition.post_withdrawn"),
}

TEAM: States = {
    "active": State(
        "参赛",
        "its captain, or officers of the organiser",
        "competition.team_formed",
        ("merged", "dissolved", "withdrawn", "disqualified"),
    ),
    "merged": State("已合并", "nobody", "competition.teams_merged"),
    "dissolved": State("已解散", "nobody", "competition.team_dissolved"),
    "withdrawn": State(
        "已退赛", "officers of the organiser", "competition.team_withdrawn", ("disqualified",)
    ),
    "disqualified": State(
        "已取消资格", "officers of the organiser", "competition.team_disqualified", ("active",)
    ),
}

ENTRY: States = {
    "queued": State(
        "排队中",
        "the queue, or its team",
        "competition.entered",
        ("running", "cancelled", "failed", "not_run"),
    ),
    "running": State(
        "评分中",
        "the scorer, at the end of its limit at the latest",
        "competition.entry_started",
        ("queued", "scored", "failed", "not_run"),
    ),
    "scored": State("已评分", "nobody", "competition.entry_scored"),
    "failed": State("运行失败", "nobody", "competition.entry_failed"),
    "not_run": State("未运行", "nobody", "competition.entry_not_run"),
    "cancelled": State("已撤回", "nobody", "competition.entry_cancelled"),
    "received": State("已接收", "the jury", "competition.entered"),
}
"""An entry that is a document is received, and is judged by the jury."""

APPEAL: States = {
    "filed": State(
        "已提出", "two reviewers, blind to each other", "competition.appealed", ("upheld", "dismissed")
    ),
    "upheld": State("成立", "nobody", "competition.appeal_decided"),
    "dismissed": State("驳回", "nobody", "competition.appeal_decided"),
}


def check_step(states: States, now: str, then: str, *, thing: str, thing_zh: str) -> State:
    """The state to enter. Raises `Conflict` if it may not follow the present one."""
    if then in states[now].next:
        return states[then]
    following = states[now].next
    raise Conflict(
        f"The {thing} is {now}, and cannot become {then}.",
        code="wrong_competition_state",
        remedy=f"From here it can become {' or '.join(following)}."
        if following
        else "Nothing follows this state.",
        zh=f"{thing_zh}当前状态为“{states[now].zh}”，不能变为“{states[then].zh}”。",
        remedy_zh=f"可变为：{'、'.join(states[one].zh for one in following)}。"
        if following
        else "该状态为最终状态。",
    )
