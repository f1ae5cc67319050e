"""The rules of voting: which votes count, who may still take part, and what follows.
Pure: values in, a decision or a refusal out.

Reviewers vote blind. A reviewer who has voted holds a seat, and there are as many seats as the review needs
reviewers. When all who hold seats have voted on every file, and no seat is empty: if they agree, the outcome
follows; if not, each sees all and votes once more, and then the strictest vote on each file counts.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sandbox.city_time import end_of_working_days
from sandbox.disclosure.check_file import MEASURED
from sandbox.errors import Conflict, Forbidden, InvalidInput
from sandbox.reviews.model import (
    CastVote,
    Choice,
    Finding,
    Outcome,
    ReviewedFile,
    ReviewState,
    Round,
    Severity,
    Vote,
)
from sandbox.reviews.review_policy import GradeRule, ReviewPolicy

STRICTER = (Choice.APPROVE, Choice.CHANGE, Choice.REFUSE)
OUTCOMES = {Choice.APPROVE: Outcome.RELEASED, Choice.CHANGE: Outcome.RETURNED, Choice.REFUSE: Outcome.REFUSED}
SHORTEST_COMMENT, LONGEST_COMMENT = 4, 2000


@dataclass(frozen=True)
class Next:
    """The state that a review is in once these votes are cast, and its outcome if that is `decided`."""

    state: ReviewState
    outcome: Outcome | None = None


def needed(rule: GradeRule, files: Sequence[ReviewedFile], low_risk: Collection[str]) -> int:
    """How many reviewers: one where the grade lets one release what is of low risk, was computed by the vault
    itself and raised no question. What a program wrote can be anything, whatever it is declared as."""
    harmless = all(
        file.declared.statbarn in low_risk
        and file.findings is not None
        and any(finding.code == MEASURED.code for finding in file.findings)
        and all(finding.severity is Severity.NOTES for finding in file.findings)
        for file in files
    )
    return 1 if rule.one_if_low_risk and files and harmless else rule.reviewers


def require_seat(
    rule: GradeRule,
    need: int,
    *,
    reviewer: str,
    organisation: str,
    cast: Sequence[CastVote],
    owners: Collection[str],
) -> None:
    """Whether this officer may (still) be one of the reviewers.
    Raises `Conflict` when all seats are taken, `Forbidden` when a reviewer of another
    department is wanted."""
    seats = {one.reviewer: one.organisation for one in cast}
    if reviewer in seats:
        return
    if len(seats) >= need:
        raise Conflict(
            "This review has its reviewers already.",
            code="review_taken",
            remedy="Take another from the queue.",
            zh="该审核已有足够的审核人。",
            remedy_zh="请从待办中选择其他审核。",
        )
    if need == 1 or not rule.other_department:
        return
    if organisation in seats.values():
        raise another_department(
            "A reviewer from your department reviews this already. This grade requires another department.",
            "本部门已有人审核；该级别要求不同部门的审核人。",
        )
    after = {*seats.values(), organisation}
    if len(seats) + 1 == need and after <= set(owners):
        raise another_department(
            "One reviewer must be of a department that owns none of the inputs.",
            "须有一名审核人来自不拥有任何输入数据的部门。",
        )


def another_department(message: str, zh: str) -> Forbidden:
    return Forbidden(
        message,
        code="other_department_needed",
        remedy="Let an officer of another department review it.",
        zh=zh,
        remedy_zh="请由其他部门的数据专员审核。",
    )


def check_votes(
    given: Sequence[Vote],
    *,
    files: Sequence[ReviewedFile],
    earlier: Collection[str],
    reasons: Collection[str],
) -> None:
    """One vote for each file that this reviewer has not voted on in this round (`earlier`:
    on which they have), and each as its file's findings allow. Raises `Conflict` for a second vote,
    `InvalidInput` for the rest."""
    paths = {file.declared.path for file in files}
    named = [vote.path for vote in given]
    if paths <= set(earlier):
        raise Conflict(
            "You have voted already.",
            code="voted_already",
            zh="您已投票。",
            remedy="Wait for the other reviewers; if they do not agree with you, you vote once more.",
            remedy_zh="请等待其他审核人；如意见不一，将再投一次。",
        )
    if again := sorted(set(named) & set(earlier)):
        raise Conflict(
            f"You have voted on {again[0]} already.",
            code="voted_already",
            remedy="Vote on the others.",
            zh=f"您已对 {again[0]} 投票。",
            remedy_zh="请对其余文件投票。",
        )
    if len(set(named)) < len(named) or set(named) != paths - set(earlier):
        raise InvalidInput(
            "Each file needs exactly one vote.",
            code="votes_incomplete",
            zh="每个文件须有且只有一票。",
            remedy=f"Vote on: {', '.join(sorted(paths - set(earlier)))[:400]}.",
            remedy_zh=f"请对以下文件投票：{'、'.join(sorted(paths - set(earlier)))[:400]}。",
        )
    known = {file.declared.path: file.findings or () for file in files}
    for vote in given:
        check_vote(vote, known[vote.path], reasons)


def check_vote(vote: Vote, findings: Iterable[Finding], reasons: Collection[str]) -> None:
    """Raises `InvalidInput` for a vote that cannot stand."""
    severities = {finding.severity for finding in findings}
    said = len(vote.comment.strip()) >= SHORTEST_COMMENT
    if len(vote.comment) > LONGEST_COMMENT:
        raise InvalidInput(
            f"{vote.path}: the comment is too long.",
            remedy=f"At most {LONGEST_COMMENT} characters.",
            zh=f"{vote.path}：意见过长。",
            remedy_zh=f"至多 {LONGEST_COMMENT} 个字符。",
        )
    if strange := sorted(set(vote.reasons) - set(reasons)):
        raise InvalidInput(
            f"{vote.path}: {strange[0][:40]!r} is not a reason.",
            remedy=f"Use some of: {', '.join(reasons)}.",
            zh=f"{vote.path}：没有此理由。",
            remedy_zh=f"可用：{'、'.join(reasons)}。",
        )
    if vote.choice is Choice.APPROVE:
        if Severity.BLOCKS in severities:
            raise InvalidInput(
                f"{vote.path}: a check blocks it, so nobody can approve it.",
                code="blocked",
                remedy="Ask for a change, or refuse.",
                zh=f"{vote.path}：检查已阻断，任何人不得批准。",
                remedy_zh="请要求修改或拒绝。",
            )
        if Severity.ASKS in severities and not said:
            raise InvalidInput(
                f"{vote.path}: a check asks something that your approval must answer.",
                code="answer_needed",
                remedy="Say in a comment why it may leave all the same.",
                zh=f"{vote.path}：检查提出了问题，批准时须说明。",
                remedy_zh="请在意见中说明为何仍可放行。",
            )
    elif not said or not vote.reasons:
        raise InvalidInput(
            f"{vote.path}: a change and a refusal need a reason and a comment.",
            code="comment_needed",
            remedy="Choose a reason, and say what to do about it: the team reads it.",
            zh=f"{vote.path}：要求修改或拒绝须有理由和意见。",
            remedy_zh="请选择理由并说明如何修改：团队会看到。",
        )


def after_votes(files: Collection[str], cast: Sequence[CastVote], *, state: ReviewState, need: int) -> Next:
    """What follows once these votes are cast."""
    blind, final = ballots(cast, Round.BLIND), ballots(cast, Round.FINAL)
    everything = set(files)
    if state is ReviewState.CONSOLIDATING:
        if all(set(final.get(reviewer, ())) == everything for reviewer in blind):
            return Next(
                ReviewState.DECIDED,
                outcome_of(choice for ballot in final.values() for choice in ballot.values()),
            )
        return Next(ReviewState.CONSOLIDATING)
    if len(blind) < need or any(set(ballot) != everything for ballot in blind.values()):
        return Next(ReviewState.OPEN)
    first, *others = blind.values()
    if all(ballot == first for ballot in others):
        return Next(ReviewState.DECIDED, outcome_of(first.values()))
    return Next(ReviewState.CONSOLIDATING)


def missing_reviewers(
    files: Collection[str], cast: Sequence[CastVote], *, state: ReviewState
) -> tuple[str, ...]:
    """Who holds a seat and has not voted on every file in the round that now counts."""
    done = ballots(cast, Round.FINAL if state is ReviewState.CONSOLIDATING else Round.BLIND)
    return tuple(sorted({one.reviewer for one in cast if set(done.get(one.reviewer, ())) != set(files)}))


def ballots(cast: Iterable[CastVote], round: Round) -> Mapping[str, Mapping[str, Choice]]:
    """reviewer -> path -> choice."""
    found: dict[str, dict[str, Choice]] = {}
    for one in cast:
        if one.round is round:
            found.setdefault(one.reviewer, {})[one.vote.path] = one.vote.choice
    return found


def outcome_of(choices: Iterable[Choice]) -> Outcome:
    """The strictest decides for all: any refusal refuses, any change returns, and only approvals release."""
    return OUTCOMES[max(choices, key=STRICTER.index)]


def shown_votes(cast: Sequence[CastVote], *, state: ReviewState, reviewer: str) -> tuple[CastVote, ...]:
    """Which votes this reviewer may see: their own, and everybody's once the blind round is over."""
    blind = state in (ReviewState.OPEN, ReviewState.WITHDRAWN)
    return tuple(one for one in cast if not blind or one.reviewer == reviewer)


def due_at(asked: datetime, days: int, closed: Collection[date]) -> datetime:
    """The end of the last of this number of working days after the day of asking, by the city's clock."""
    return end_of_working_days(asked, days, closed)


def rule_of(policy: ReviewPolicy, grade: str) -> GradeRule:
    """Raises `Forbidden` for a grade that may not be reviewed (any more)."""
    rule = policy.grades.get(grade)
    if rule is None:
        raise Forbidden(
            "The grade of the inputs does not allow reviewed outputs.",
            code="grade_forbids_way",
            remedy="Nothing of this run can leave.",
            zh="输入数据的级别不允许审核输出。",
            remedy_zh="该运行的任何结果都不能流出。",
        )
    return rule
