"""A city whose people can be split."""

import pytest

from sandbox.database import Database
from split_people import SplitStory, open_split_story
from stories_s3 import StoriesS3


@pytest.fixture
def city(database: Database, s3: StoriesS3) -> SplitStory:
    return open_split_story(database, s3)
