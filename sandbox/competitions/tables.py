"""Tables of competitions: documents, teams, entries, juries, results and appeals."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from sandbox.competitions.life_cycle import APPEAL, COMPETITION, ENTRY, POST, TEAM, States
from sandbox.database import metadata

SCHEMA = "vault"


def _moment(name: str, *, nullable: bool = False) -> Column[datetime]:
    """Never the database's clock: competitions go by the clock of their context."""
    return Column(name, DateTime(timezone=True), nullable=nullable)


def _state(states: States) -> CheckConstraint:
    return CheckConstraint("state IN ({})".format(", ".join(f"'{state}'" for state in states)), name="state")


def _competition(*, primary_key: bool = False) -> Column[str]:
    return Column(
        "competition", Text, ForeignKey("vault.competitions.name"), nullable=False, primary_key=primary_key
    )


competitions = Table(
    "competitions",
    metadata,
    Column("name", Text, primary_key=True),
    Column("department", Text, nullable=False),  # of the organiser
    Column("departments", JSONB, nullable=False),  # that must agree: the organiser's first
    Column("text", Text, nullable=False),  # the YAML text
    Column("sha256", Text, nullable=False),  # of the text
    Column("state", Text, nullable=False),
    Column("changed_by", Text, nullable=False),
    _moment("changed_at"),
    _moment("announced_at", nullable=True),
    _moment("notice_began_at", nullable=True),
    _moment("notice_ends_at", nullable=True),
    _moment("ended_at", nullable=True),
    Column("reason", Text, nullable=False, server_default=""),
    _state(COMPETITION),
    schema=SCHEMA,
)

# that are being written: with faults, and seen by their department alone
competition_forms = Table(
    "competition_forms",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("department", Text, nullable=False, index=True),
    Column("text", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("changed_by", Text, nullable=False),
    _moment("changed_at"),
    schema=SCHEMA,
)

competition_agreements = Table(
    "competition_agreements",
    metadata,
    _competition(primary_key=True),
    Column("sha256", Text, primary_key=True),  # of the text that was agreed to
    Column("department", Text, primary_key=True),  # that answers for a dataset of it
    Column("officer", Text, nullable=False),
    _moment("agreed_at"),
    schema=SCHEMA,
)

competition_splits = Table(
    "competition_splits",
    metadata,
    _competition(primary_key=True),
    Column("track", Text, primary_key=True),
    Column("split", UUID(as_uuid=True), nullable=False),
    Column("made_by", Text, nullable=False),
    _moment("made_at"),
    schema=SCHEMA,
)

# every step of a competition, with its place in the log; rows are only added
competition_history = Table(
    "competition_history",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("competition", Text, ForeignKey("vault.competitions.name"), nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("public", Boolean, nullable=False),  # anybody may open its log entry
    Column("team", Integer),
    Column("payload", JSONB, nullable=False),
    _moment("at"),
    Column("log_index", BigInteger, nullable=False),
    schema=SCHEMA,
)

# steps that somebody is told of and was not yet; a row goes when its notices are written (notify)
competition_steps_to_tell = Table(
    "competition_steps_to_tell",
    metadata,
    Column("log_index", BigInteger, primary_key=True, autoincrement=False),
    _competition(),
    Column("kind", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("whom", Text, nullable=False),  # all, organiser, team:NUMBER or person:ACCOUNT
    _moment("at"),
    schema=SCHEMA,
)

competition_teams = Table(
    "competition_teams",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    _competition(),
    Column("name", Text, nullable=False),
    Column("hidden", Boolean, nullable=False, server_default=false()),  # its name, until the notice
    Column("captain", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("invitation_sha256", Text, nullable=False),
    Column("merged_into", Integer, ForeignKey("vault.competition_teams.id")),
    Column("reason", Text, nullable=False, server_default=""),
    _moment("formed_at"),
    UniqueConstraint("competition", "name"),
    _state(TEAM),
    schema=SCHEMA,
)

competition_members = Table(
    "competition_members",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    _competition(),
    Column("team", Integer, ForeignKey("vault.competition_teams.id"), nullable=False, index=True),
    Column("person", Text, nullable=False),
    Column("organisation", Text, nullable=False),  # when they joined
    Column("terms_sha256", Text, nullable=False),  # of the terms that they accepted
    _moment("joined_at"),
    _moment("left_at", nullable=True),
    # the team had entered when they left: they join no other
    Column("bound", Boolean, nullable=False, server_default=false()),
    Column("log_index", BigInteger, nullable=False),
    Index(
        "uq_competition_members_one_team",
        "competition",
        "person",
        unique=True,
        postgresql_where=text("left_at IS NULL"),
    ),
    schema=SCHEMA,
)

competition_mergers = Table(
    "competition_mergers",
    metadata,
    Column("team", Integer, ForeignKey("vault.competition_teams.id"), primary_key=True),  # that would end
    Column("into_team", Integer, ForeignKey("vault.competition_teams.id"), primary_key=True),
    Column("proposed_by", Text, nullable=False),
    _moment("proposed_at"),
    schema=SCHEMA,
)

competition_entries = Table(
    "competition_entries",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    _competition(),
    Column("track", Text, nullable=False),
    Column("phase", Text, nullable=False),
    Column("team", Integer, ForeignKey("vault.competition_teams.id"), nullable=False),
    Column("entered_as", Integer, nullable=False),  # the team then: a merger changes `team`
    Column("person", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("content", JSONB, nullable=False),
    Column("sha256", Text, nullable=False),  # of the content
    Column("outside_data", Text, nullable=False),
    Column("seconds", Integer, nullable=False),  # its limit: what it costs of the compute quota
    Column("final_of", Integer, ForeignKey("vault.competition_entries.id")),  # scored once more, on the final
    Column("state", Text, nullable=False),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("failure", Text),
    Column("score", JSONB(none_as_null=True)),
    _moment("submitted_at"),
    _moment("started_at", nullable=True),
    _moment("due_at", nullable=True),  # when its scorer has ended at the latest
    _moment("ended_at", nullable=True),
    Column("log_index", BigInteger, nullable=False),
    _state(ENTRY),
    Index("ix_competition_entries_queue", "state", "competition", "team"),
    Index("uq_competition_entries_final_of", "final_of", unique=True),
    schema=SCHEMA,
)

competition_baselines = Table(
    "competition_baselines",
    metadata,
    _competition(primary_key=True),
    Column("track", Text, primary_key=True),
    # waiting -> scored (its score is there) | failed
    Column("state", Text, nullable=False),
    Column("score", JSONB(none_as_null=True)),
    _moment("queued_at"),
    _moment("ended_at", nullable=True),
    CheckConstraint("state IN ('waiting', 'scored', 'failed')", name="state"),
    schema=SCHEMA,
)

competition_choices = Table(
    "competition_choices",
    metadata,
    Column("team", Integer, ForeignKey("vault.competition_teams.id"), primary_key=True),
    Column("track", Text, primary_key=True),
    Column("entry", Integer, ForeignKey("vault.competition_entries.id"), nullable=False),
    Column("chosen_by", Text, nullable=False),
    _moment("chosen_at"),
    schema=SCHEMA,
)

competition_finals = Table(
    "competition_finals",
    metadata,
    _competition(primary_key=True),
    Column("opened_by", Text, nullable=False),
    _moment("opened_at"),
    schema=SCHEMA,
)

competition_jurors = Table(
    "competition_jurors",
    metadata,
    _competition(primary_key=True),
    Column("track", Text, primary_key=True),
    Column("juror", Text, primary_key=True),
    Column("organisation", Text, nullable=False),
    Column("appointed_by", Text, nullable=False),
    _moment("appointed_at"),
    schema=SCHEMA,
)

competition_assignments = Table(
    "competition_assignments",
    metadata,
    _competition(),
    Column("track", Text, nullable=False),
    Column("round", Text, primary_key=True),
    Column("entry", Integer, ForeignKey("vault.competition_entries.id"), primary_key=True),
    Column("juror", Text, primary_key=True),
    Column("marks", JSONB(none_as_null=True)),  # criterion -> points
    Column("comment", Text, nullable=False, server_default=""),
    _moment("assigned_at"),
    _moment("scored_at", nullable=True),
    schema=SCHEMA,
)

competition_results = Table(
    "competition_results",
    metadata,
    _competition(primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("result", JSONB, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("published_by", Text, nullable=False),
    _moment("published_at"),
    Column("log_index", BigInteger, nullable=False),
    schema=SCHEMA,
)

competition_appeals = Table(
    "competition_appeals",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    _competition(),
    Column("team", Integer, ForeignKey("vault.competition_teams.id"), nullable=False),
    Column("person", Text, nullable=False),
    Column("track", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("revision", Integer, nullable=False),  # of the result that it is about
    Column("state", Text, nullable=False),
    Column("outcome", Text, nullable=False, server_default=""),
    _moment("filed_at"),
    _moment("decided_at", nullable=True),
    Column("log_index", BigInteger, nullable=False),
    _state(APPEAL),
    schema=SCHEMA,
)

competition_appeal_looks = Table(
    "competition_appeal_looks",
    metadata,
    Column("appeal", Integer, ForeignKey("vault.competition_appeals.id"), primary_key=True),
    Column("reviewer", Text, primary_key=True),
    Column("upheld", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    _moment("looked_at"),
    schema=SCHEMA,
)

# each certificate of a person; one that a change of name replaced is kept
competition_certificates = Table(
    "competition_certificates",
    metadata,
    _competition(primary_key=True),
    Column("person", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),  # from 1; the largest counts
    Column("shown_as", Text, nullable=False),
    Column("content", JSONB, nullable=False),  # what its entry of the log says
    _moment("issued_at"),
    Column("log_index", BigInteger, nullable=False),
    _moment("replaced_at", nullable=True),
    Column("replaced_index", BigInteger),  # of the public entry of the log that says so
    schema=SCHEMA,
)

# ideas of ranked documents and questions that a department looks for somebody to realise
competition_opportunities = Table(
    "competition_opportunities",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    _competition(),
    Column("entry", Integer, ForeignKey("vault.competition_entries.id"), nullable=False, unique=True),
    Column("department", Text, nullable=False),  # of the organiser
    Column("team_name", Text, nullable=False),
    Column("title", JSONB, nullable=False),
    Column("summary", JSONB, nullable=False),
    Column("published_by", Text, nullable=False),
    _moment("published_at"),
    Column("log_index", BigInteger, nullable=False),
    schema=SCHEMA,
)

# announcements of the organiser, questions, and answers to them; what was hidden or withdrawn stays
competition_posts = Table(
    "competition_posts",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    _competition(),
    Column("kind", Text, nullable=False),
    Column("answers", Integer, ForeignKey("vault.competition_posts.id")),
    Column("author", Text, nullable=False),
    Column("team", Integer, ForeignKey("vault.competition_teams.id")),  # none: for the organiser
    Column("words", JSONB, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    _moment("posted_at"),
    Column("changed_by", Text, nullable=False),
    _moment("changed_at"),
    CheckConstraint("kind IN ('announcement', 'question', 'answer')", name="kind"),
    _state(POST),
    Index("ix_competition_posts_competition_author", "competition", "author"),
    schema=SCHEMA,
)
