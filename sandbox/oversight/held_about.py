"""What the vault holds about somebody, for that person: what they wrote and did as rows, what they decided
for others as numbers.

States and scores are left out where their moment is told later; the pages and lists of each have them. Which
options of a test are right is never given.
"""

from collections.abc import Mapping

from sandbox.database import Database, metadata
from sandbox.database.account_columns import held_counts, held_rows
from sandbox.identity import Principal
from sandbox.oversight.schemas import HeldByVault

SHOWN: Mapping[str, tuple[str, ...]] = {
    "vault.competition_appeal_looks.reviewer": ("looked_at", "appeal", "upheld", "reason"),
    "vault.competition_appeals.person": ("filed_at", "competition", "track", "text"),
    "vault.competition_assignments.juror": ("assigned_at", "competition", "track", "marks", "comment"),
    "vault.competition_certificates.person": (
        "issued_at",
        "competition",
        "shown_as",
        "content",
        "replaced_at",
    ),
    "vault.competition_entries.person": (
        "submitted_at",
        "competition",
        "track",
        "kind",
        "note",
        "outside_data",
    ),
    "vault.competition_jurors.juror": ("appointed_at", "competition", "track", "organisation"),
    "vault.competition_members.person": ("joined_at", "competition", "team", "organisation", "left_at"),
    "vault.competition_posts.author": ("posted_at", "competition", "kind", "words", "state", "reason"),
    "vault.course_attempts.person": ("begun_at", "course", "ended_at", "chosen", "passed"),
    "vault.demands.asked_by": ("asked_at", "department", "title", "purpose", "state", "answer"),
    "vault.handovers.account": ("handed_at", "department", "successor", "reason"),
    "vault.problem_reports.reported_by": ("reported_at", "dataset", "column", "words", "outcome", "answer"),
    "vault.questions.asked_by": ("asked_at", "version", "sql", "epsilon"),
    "vault.requests.asked_by": (
        "asked_at",
        "dataset",
        "team",
        "purpose",
        "epsilon",
        "until",
        "status",
        "note",
    ),
    "vault.review_votes.reviewer": ("voted_at", "path", "round", "vote", "comment"),
    "vault.runs.submitted_by": ("submitted_at", "name", "team", "entry", "program_sha256"),
    "vault.taken_on.account": ("taken_at", "kind", "id", "note"),
    "vault.training_certificates.person": ("issued_at", "course", "issued_by", "expires_at"),
}
"""By the column that names the person: what is given of each of their rows, ordered by the first."""

COUNTED = (
    "vault.announced_versions.announced_by",
    "vault.answer_page_states.saved_by",
    "vault.answer_pages.made_by",
    "vault.answer_pages.removed_by",
    "vault.competition_agreements.officer",
    "vault.competition_choices.chosen_by",
    "vault.competition_finals.opened_by",
    "vault.competition_forms.changed_by",
    "vault.competition_jurors.appointed_by",
    "vault.competition_mergers.proposed_by",
    "vault.competition_opportunities.published_by",
    "vault.competition_posts.changed_by",
    "vault.competition_results.published_by",
    "vault.competition_splits.made_by",
    "vault.competition_teams.captain",
    "vault.competitions.changed_by",
    "vault.dataset_versions.published_by",
    "vault.demands.answered_by",
    "vault.derivation_agreements.officer",
    "vault.derivations.makers",
    "vault.derivations.set_by",
    "vault.draft_files.uploaded_by",
    "vault.draft_revisions.saved_by",
    "vault.drafts.second_person",
    "vault.grants.approved_by",
    "vault.grants.ended_by",
    "vault.handovers.handed_by",
    "vault.handovers.successor",
    "vault.lifecycle_steps.proposed_by",
    "vault.lifecycle_steps.second_person",
    "vault.models.maintainer",
    "vault.models.registered_by",
    "vault.models.retired_by",
    "vault.opening_reviews.asked_by",
    "vault.opening_reviews.decided_by",
    "vault.opening_reviews.makers",
    "vault.opening_reviews.second_person",
    "vault.problem_reports.answered_by",
    "vault.pull_attempts.set_by",
    "vault.pulls.makers",
    "vault.pulls.second_person",
    "vault.pulls.set_by",
    "vault.push_credentials.issued_by",
    "vault.push_credentials.makers",
    "vault.push_credentials.second_person",
    "vault.push_credentials.secret_shown_to",
    "vault.pushes.officer",
    "vault.pushes.second_person",
    "vault.quality_classes.bought_by",
    "vault.requests.decided_by",
    "vault.reviews.requested_by",
    "vault.splits.committed_by",
    "vault.splits.opened_by",
    "vault.stand_ins.bought_by",
    "vault.taken_on.handed_by",
    "vault.training_certificates.issued_by",
)
"""Deeds of an office or for a team: their objects, and the log, tell the rest."""

NOT_HELD: Mapping[str, str] = {
    "vault.competition_steps_to_tell.actor": "for minutes: until the notices of the step are written",
    "vault.competition_steps_to_tell.whom": "for minutes: until the notices of the step are written",
    "vault.pushes.pusher": "the label of a credential, which is a system's",
}


def held_about(database: Database, person: Principal) -> HeldByVault:
    """Raises nothing: everybody may know what is held about them."""
    with database.transaction() as tx:
        return HeldByVault(
            written_and_asked=held_rows(tx, metadata, SHOWN, person.id),
            deeds=held_counts(tx, metadata, COUNTED, person.id),
        )
