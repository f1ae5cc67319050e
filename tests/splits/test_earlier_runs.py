"""What a run left that read everybody is not released while people are split."""

from datetime import UTC, datetime, timedelta

import pytest

from sandbox.errors import Conflict
from sandbox.splits.earlier_runs import require_read_as_now
from split_people import SplitStory


def test_a_run_from_before_the_split_waits_until_it_is_opened(city: SplitStory) -> None:
    city.publish()
    before = datetime.now(UTC)
    city.split()
    with city.story.database.transaction() as tx:
        with pytest.raises(Conflict) as refused:
            require_read_as_now(tx, [city.current()], before)
        require_read_as_now(tx, [city.current()], datetime.now(UTC) + timedelta(seconds=1))
        require_read_as_now(tx, [], before)
    assert refused.value.code == "split_since" and refused.value.zh
