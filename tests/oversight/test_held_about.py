"""What is held about somebody is given to them: no table with an account is forgotten."""

import json
from datetime import UTC, datetime

from marketplace.migrate import import_tables as import_market
from marketplace.portal import my_security
from sandbox.database import metadata
from sandbox.database.account_columns import account_columns
from sandbox.oversight import held_about as of_vault
from sandbox.oversight.held_about import held_about
from sandbox.training import attempts
from sandbox.vault.migrate import import_tables as import_vault
from story import Story
from training_story import training_of


def test_every_column_that_names_an_account_is_given_or_has_a_reason() -> None:
    import_vault()
    import_market()
    parts = (
        of_vault.SHOWN,
        of_vault.COUNTED,
        of_vault.NOT_HELD,
        my_security.SHOWN,
        my_security.DEEDS,
        my_security.IN_PARTS_OF_THEIR_OWN,
        my_security.NOT_HELD,
    )
    known = [place for part in parts for place in part]
    assert len(known) == len(set(known))
    assert set(known) == account_columns(metadata)
    names = {*my_security.HeldAboutMe.__annotations__, "roles", "teams", "password", "one_time_codes"}
    names |= {"recovery_codes", "passkeys", "known_devices", "invitations", "logins_ended"}
    assert set(my_security.IN_PARTS_OF_THEIR_OWN.values()) <= names


def test_attempts_and_posts_are_given_to_their_person_alone_without_what_is_right(
    story: Story, tmp_path: object
) -> None:
    story.publish()
    story.grant()
    wang, now = story.principal("wang"), datetime.now(UTC)
    attempts.begin(training_of(story, lambda: now), wang)
    held = held_about(story.database, wang)
    rows = held["written_and_asked"]
    assert rows["vault.requests.asked_by"][0]["dataset"] == "clinic.visits"
    assert rows["vault.course_attempts.person"][0].keys() == {"begun_at", "course"}
    assert "drawn" not in json.dumps(held)
    assert held_about(story.database, story.principal("lin"))["deeds"] == {
        "vault.dataset_versions.published_by": 1,
        "vault.grants.approved_by": 1,
        "vault.requests.decided_by": 1,
    }
    assert not any(held_about(story.database, story.principal("li"))["written_and_asked"].values())
