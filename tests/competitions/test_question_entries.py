"""Named private questions as entries: checked, priced and tried without a row, judged, and offered from the
result; documents go on to the list of opportunities."""

from typing import Any

import pytest

from competition_story import NAME, Contest
from judged_questions import CLOSED, QUESTION, entered, judged, with_questions
from sandbox.competitions import incubation
from sandbox.competitions import team_entries as entries
from sandbox.competitions.document import Track
from sandbox.competitions.questions import checked_question
from sandbox.competitions.record import advance_all, document_of
from sandbox.errors import CihuError
from story import Story


def design() -> Track:
    track = document_of(with_questions()).track("design")
    assert track is not None
    return track


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"sql": "SELECT district FROM clinic.visits", "parameters": []}, "query_refused"),
    ({"sql": "DROP TABLE clinic.visits"}, "invalid_input"),
    ({"parameters": []}, "invalid_input"),
    ({"parameters": [{"name": "district", "type": "text", "range": ["a", "b"]}]}, "entry_content"),
    ({"parameters": [{"name": "district", "type": "integer", "values": ["north"]}]}, "entry_content"),
    ({"parameters": [{"name": "district", "type": "date", "values": ["2026-02-30"]}]}, "entry_content"),
    ({"epsilon": "0"}, "entry_content"),
    ({"epsilon": "a lot"}, "entry_content"),
    ({"title": ""}, "entry_content"),
    ({"answer": "42"}, "entry_content"),
    (
        {"sql": "SELECT COUNT(*) AS n FROM clinic.visits WHERE smoker", "parameters": []},
        "question_outside_track",
    ),
    ({"sql": "SELECT COUNT(*) AS n FROM other.data", "parameters": []}, "question_outside_track"),
]


def test_what_no_product_could_answer_is_refused(story: Story) -> None:
    story.publish()
    for changes, code in REFUSED:
        with pytest.raises(CihuError) as told:
            checked_question(story.repository, design(), QUESTION | changes)
        assert told.value.code == code, (changes, str(told.value))
        assert told.value.zh and told.value.remedy_zh, changes


def test_a_question_is_judged_and_offered_from_the_result(story: Story) -> None:
    story.publish()
    contest = Contest(story)
    contest.people("ann", "ben")
    numbers = entered(contest, {"ann": ("questions", QUESTION), "ben": ("document", {"text": "A design"})})
    context, lin = contest.context, contest.person("lin")
    [shown] = entries.list_entries(context, contest.person("ann"), NAME)
    assert shown["state"] == "received" and shown["price"]["picorho"] > 0
    assert shown["price"]["outputs"] == ["year", "cost"]
    for text in judged(contest):
        assert ("SELECT year" in text or text == "A design") and "ann" not in text
    ranked = {one["entry"]: one for one in incubation.list_ranked(context, lin, NAME)}
    assert ranked[numbers["ann"]]["question"]["sql"] == QUESTION["sql"]
    assert ranked[numbers["ann"]]["question"]["dataset"] == "clinic.visits"
    assert ranked[numbers["ben"]]["text"] == "A design"
    idea = {
        "title": {"en": "A design", "zh": "设计"},
        "summary": {"en": "Looked for", "zh": "寻找实施方"},
    }

    def refused(entry: int, who: str = "lin") -> str:
        with pytest.raises(CihuError) as told:
            incubation.publish_opportunity(context, contest.person(who), NAME, entry, **idea)
        return told.value.code

    assert refused(numbers["ben"]) == "wrong_competition_state"
    assert "teams" not in ranked[numbers["ann"]], "an appeal can still change the result"
    contest.now = CLOSED
    advance_all(context)
    assert refused(numbers["ben"], "ann") == "no_permit" and refused(9999) == "idea_not_ranked"
    made = incubation.publish_opportunity(context, lin, NAME, numbers["ben"], **idea)
    assert incubation.list_opportunities(context) == [made] and made["team_name"] == "ben"
    assert refused(numbers["ben"]) == "opportunity_published"
