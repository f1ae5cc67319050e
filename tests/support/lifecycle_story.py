"""A small city whose datasets come to an end: two officers of a department, with the context of the steps."""

from sandbox.catalog.notice import NoticeRule, PublishersWord
from sandbox.catalog.publish import Published, publish
from sandbox.identity import create_account
from sandbox.lifecycle.context import LifecycleContext, has_live_grants
from story import POLICY, Story, rows_csv

NOTICE_DAYS = 14


def lifecycle_of(story: Story) -> LifecycleContext:
    return LifecycleContext(
        story.database,
        story.repository,
        story.gate,
        story.store,
        NoticeRule(NOTICE_DAYS, has_live_grants),
        forget=(story.context.engine.forget,),  # type: ignore[attr-defined]
    )


def with_second_officer(story: Story) -> None:
    """sun is an officer of lin's department."""
    with story.database.transaction() as tx:
        create_account(
            tx, account_id="sun", display_name="孙", organisation="health", roles=["officer"], by="system"
        )


def publish_with(story: Story, *, policy: str = POLICY, notes: str = "", urgent: str = "") -> Published:
    """As lin, under the rule of notice."""
    return publish(
        story.database,
        repository=story.repository,
        store=story.store,
        gate=story.gate,
        populations=story.populations,
        officer=story.principal("lin"),
        policy_text=policy,
        body=rows_csv(60),
        word=PublishersWord(notes, urgent),
        notice=NoticeRule(NOTICE_DAYS, has_live_grants),
        opening=None,
    )
