"""Tables of the saved pages of answers, and of every state that each has had. A state never changes."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Integer,
    Numeric,
    Table,
    Text,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from sandbox.database import metadata

answer_pages = Table(
    "answer_pages",
    metadata,
    Column("id", UUID(as_uuid=True), primary_key=True),
    Column("team", Text, nullable=False, index=True),  # whose it is: it stays there when its maker leaves
    Column("made_by", Text, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("removed_by", Text),
    Column("removed_at", DateTime(timezone=True)),
    CheckConstraint("(removed_by IS NULL) = (removed_at IS NULL)", name="removed"),
    schema="vault",
)

answer_page_states = Table(
    "answer_page_states",
    metadata,
    Column("page", UUID(as_uuid=True), ForeignKey("vault.answer_pages.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("questions", JSONB, nullable=False),  # in the page's order, as `pages.PageQuestion` has them
    Column("change", Text, nullable=False),
    Column("picorho", Numeric(40, 0), nullable=False),  # what was paid for this state
    Column("saved_by", Text, nullable=False),
    Column("saved_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("change IN ('saved', 'refreshed')", name="change"),
    schema="vault",
)
