"""Who holds a competition does not stop the queue: a step is logged, and refers to the competition, while
another holds it. Else each could wait for the other, one for the row and one for the log."""

from concurrent.futures import ThreadPoolExecutor

from competition_story import DOCUMENT, NAME, Contest, local
from sandbox.competitions import queue
from sandbox.competitions import team_entries as entries
from sandbox.competitions.record import held
from story import Story


def test_an_entry_gets_its_place_while_the_competition_is_held(story: Story) -> None:
    story.publish()
    contest = Contest(story)
    contest.people("ann")
    contest.announced(DOCUMENT.replace("account_days: 30", "account_days: 0"))
    contest.now = local("03-05")
    contest.form("ann", "lake")
    entries.enter(
        contest.context,
        contest.person("ann"),
        NAME,
        track="smoking",
        kind="program",
        content={"run": "a"},
        note="",
        outside_data="",
    )
    with ThreadPoolExecutor(1) as other, story.database.transaction() as tx:
        held(tx, contest.context, NAME)
        assert other.submit(queue.claim, contest.context).result(timeout=120) is not None
