"""Finds the file of a model that is to be registered: a released file of a sealed run, or the model of an
entry. Either holds nothing that had not left: what a team holds it was given by a gate."""

from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from sandbox.competitions.context import CompetitionContext
from sandbox.competitions.entries.linear import FILE
from sandbox.competitions.entries.model_entry import KINDS, model_bytes, model_interface, model_program
from sandbox.competitions.record import document_of, held_public, newest_result
from sandbox.competitions.tables import competition_entries
from sandbox.competitions.teams import members_of, own_team
from sandbox.database import Transaction
from sandbox.disclosure.checks.membership_check import measured_advantage
from sandbox.errors import Conflict, InvalidInput, NotFound
from sandbox.identity import Principal
from sandbox.identity.tables import team_members
from sandbox.jobs.model import Input, Interface, Run
from sandbox.jobs.predictor import ENTRY
from sandbox.jobs.program import model_name
from sandbox.jobs.read import load_own_run, load_run
from sandbox.jobs.tables import runs
from sandbox.models.library import find_model
from sandbox.models.schemas import MembershipMeasured, ModelPrivacy, NewModel
from sandbox.reviews.context import ReviewContext
from sandbox.reviews.read import load_review
from sandbox.reviews.tables import released_files
from sandbox.reviews.tables import reviews as reviewed

STEP_PERCENT = 5


@dataclass(frozen=True)
class ModelSource:
    """`interface` is that of an entry; a released file has the one that is declared with it. `of_release`:
    the released file that it is, byte for byte, if there is one: its run and path. `team`: whose model it is;
    `run`: none for a linear model that was handed in by itself. `read`: what the run read, or the data of the
    entry's track."""

    team: str
    run: UUID | None
    read: Sequence[Input]
    path: str
    content: bytes
    privacy: ModelPrivacy
    interface: Interface | None = None
    of_release: tuple[UUID, str] | None = None
    lineage: tuple[str, str, int, int] | None = None
    """competition, track, entry, place"""
    dataset: str = ""
    """whose columns it is given, where the source knows it: that of the track's target"""
    fitted_on: Sequence[Input] = ()
    """of what else it was made: what the run of the released file read, where that is another run, and the
    data of the models that its run read"""

    @property
    def inputs(self) -> list[Input]:
        """Of what the model was made: all that its run, and the run of its file, read."""
        every = {(one.dataset, one.version): one for one in (*self.read, *self.fitted_on)}
        return list(every.values())


def source_of(
    tx: Transaction,
    reviews: ReviewContext,
    competitions: CompetitionContext,
    person: Principal,
    new: NewModel,
) -> ModelSource:
    """Raises `NotFound`, `Conflict`, `InvalidInput`, `Unavailable`."""
    if new.run is not None:
        return released_source(tx, reviews, load_own_run(tx, person, new.run), new.path)
    assert new.entry is not None
    return entry_source(tx, reviews, competitions, person, new)


def released_source(tx: Transaction, reviews: ReviewContext, run: Run, path: str) -> ModelSource:
    """A file that reviewers released, with what they and the checks found of it."""
    row = tx.execute(
        select(released_files).where(released_files.c.run == run.id, released_files.c.path == path)
    ).first()
    if row is None:
        raise NotFound(
            "No file of this name was released.",
            code="model_not_released",
            remedy="Ask for the model's release first: cihu release.",
            zh="没有放行此名称的文件。",
            remedy_zh="请先申请放行该模型：cihu release。",
        )
    content = reviews.released.get(row.object_name, row.object_version, row.sha256)
    privacy = privacy_of(tx, reviews, row)
    of_models = [
        Input(one["dataset"], one["version"], "", None)
        for used in run.models
        for one in find_model(tx, used.name, used.version).inputs
    ]
    return ModelSource(
        run.team,
        run.id,
        run.inputs,
        path,
        content,
        privacy,
        of_release=(run.id, path),
        fitted_on=of_models,
    )


def entry_source(
    tx: Transaction,
    reviews: ReviewContext,
    competitions: CompetitionContext,
    person: Principal,
    new: NewModel,
) -> ModelSource:
    """The model of an entry of the caller's team that stands in the published result."""
    competition, number = new.competition, new.entry
    assert number is not None
    row = held_public(tx, competitions, competition)
    team = own_team(tx, person.id, competition, whatever_state=True)
    entry = tx.execute(
        select(competition_entries).where(
            competition_entries.c.id == number, competition_entries.c.team == team.id
        )
    ).first()
    if entry is None:
        raise NotFound(
            f"Your team has no entry {number}.",
            code="entry_not_found",
            remedy="List those that it has: cihu competition entries.",
            zh=f"您的团队没有提交 {number}。",
            remedy_zh="可查看本队的提交列表。",
        )
    track, place = published_place(tx, competition, number)
    lineage = (competition, track, number, place)
    dataset, read = "", list[Input]()
    if "run" in entry.content:
        run = load_run(tx, UUID(str(entry.content["run"])))
        owner, id, read = run.team, run.id, list(run.inputs)
        path, content, interface = model_of_program(run)
    else:
        owner, id = team_of_entry(tx, person, team.id, new.team), None
        read, dataset = track_inputs(tx, competitions, row, track)
        path, content, interface = model_of_content(entry.content)
    same = tx.execute(
        select(released_files)
        .join(runs, runs.c.id == released_files.c.run)
        .where(released_files.c.sha256 == sha256(content).hexdigest(), runs.c.team == owner)
        .order_by(released_files.c.run)
        .limit(1)
    ).first()
    if same is None:
        # of a file that the team made itself nothing was measured, and nothing is said
        unseen = ModelPrivacy(
            source="released_answers", released_bits=None, weight_bits=None, membership=None
        )
        return ModelSource(
            owner, id, read, path, content, unseen, interface, lineage=lineage, dataset=dataset
        )
    fitted = load_run(tx, same.run)
    privacy = privacy_of(tx, reviews, same)
    origin = (same.run, same.path)
    return ModelSource(
        owner, id, read, path, content, privacy, interface, origin, lineage, dataset, fitted.inputs
    )


def model_of_content(content: Mapping[str, Any]) -> tuple[str, bytes, Interface]:
    """The linear model that an entry brought by itself. Raises `Conflict` for what is no model."""
    if "model" not in content:
        raise Conflict(
            "This entry is no model.",
            code="entry_is_no_model",
            remedy="Register an entry of a model. Documents and questions go their own ways.",
            zh="该提交不是模型。",
            remedy_zh="请登记模型类提交；文档和问题另有途径。",
        )
    return FILE, model_bytes(content), model_interface(content)


def team_of_entry(tx: Transaction, person: Principal, entered_by: int, wanted: str) -> str:
    """The team that the model of an entry without a run becomes: one of the caller's, with everybody who
    entered, so that nobody takes it from the others. Raises `InvalidInput`, `Conflict`."""
    own = sorted(person.teams)
    if not wanted and len(own) == 1:
        wanted = own[0]
    if wanted not in own:
        raise InvalidInput(
            f"Say whose the model becomes: you are in {', '.join(own) or 'no team'}.",
            code="model_team",
            remedy="Name one of your teams in `team`; an operator makes a team for those who have none.",
            zh=f"请说明模型归哪个团队：您所在的团队为 {'、'.join(own) or '（无）'}。",
            remedy_zh="请在 team 中写明您所在的团队；没有团队的，请联系运营人员建立。",
        )
    members = set(tx.scalars(select(team_members.c.account).where(team_members.c.team == wanted)))
    if any(member.person not in members for member in members_of(tx, entered_by)):
        raise Conflict(
            f"Not everybody who entered is in the team {wanted}.",
            code="model_team_incomplete",
            remedy="Let an operator add them, so that the model and its income are theirs, too.",
            zh=f"参赛成员并非都在团队 {wanted} 中。",
            remedy_zh="请运营人员将其加入该团队，以便共有模型及收入。",
        )
    return wanted


def track_inputs(
    tx: Transaction, context: CompetitionContext, row: Row[Any], id: str
) -> tuple[list[Input], str]:
    """The data of a track, of what its entries can have been made, and the dataset of its target."""
    track = document_of(row.text).track(id)
    datasets = track.datasets if track is not None else ()
    versions = [context.repository.version(tx, one.dataset, one.version) for one in datasets]
    target = next((one.dataset for one in datasets if one.target), "")
    return [Input(one.dataset, one.number, one.sha256, None) for one in versions], target


def published_place(tx: Transaction, competition: str, entry: int) -> tuple[str, int]:
    """The track and the place of an entry in the newest result. Raises `Conflict`."""
    found = newest_result(tx, competition)
    for track in found.result if found else ():
        for line in track["lines"]:
            if line["entry"] == entry:
                return track["track"], line["place"]
    raise Conflict(
        f"Entry {entry} is in no published result.",
        code="entry_without_result",
        remedy="Wait for the result, or register the entry that your team has in it.",
        zh=f"提交 {entry} 不在已公布的结果中。",
        remedy_zh="请等待结果公布，或登记本队列入结果的提交。",
    )


def model_of_program(run: Run) -> tuple[str, bytes, Interface]:
    """The model that a predictor brings as data and that our own program evaluates: the entry that was scored
    is that model and nothing else. Raises `Conflict` for every other program."""
    files = {path: text for path, text in run.program.files.items() if path != ENTRY}
    if run.interface is not None and len(files) == 1:
        [(path, text)] = files.items()
        name = model_name(path) or ""
        if name.endswith(KINDS):
            content = b64decode(text)
            try:
                ours = model_program(name, content, run.interface).files[ENTRY]
            except InvalidInput:
                ours = ""
            if ours and ours.split() == run.program.files.get(ENTRY, "").split():
                return name, content, run.interface
    raise Conflict(
        "This entry is a program, and what is registered is a model as data.",
        code="entry_is_program",
        remedy="Let a sealed run save the model, ask for its release, and register the released file with "
        "--run and --path.",
        zh="该提交是程序，而登记的须是模型文件。",
        remedy_zh="请在密封运行中保存模型并申请放行，再以 --run 和 --path 登记放行的文件。",
    )


def privacy_of(tx: Transaction, reviews: ReviewContext, file: Any) -> ModelPrivacy:
    """What the review of a released file measured."""
    review = load_review(tx, file.review)
    kept = next((one for one in review.files if file.path == one.declared.path), None)
    found = next(
        (told for one in (kept.findings or () if kept else ()) if (told := measured_advantage(one))), None
    )
    membership = None
    if found is not None:
        advantage, at_least, confidence = found
        membership = MembershipMeasured(
            advantage_percent=upwards(advantage),
            at_least_percent=upwards(at_least),
            confidence_percent=confidence,
        )
    grade = tx.scalar(select(reviewed.c.grade).where(reviewed.c.id == file.review))
    return ModelPrivacy(
        source="released_file",
        released_bits=None if kept is None or kept.bits is None else -int(-kept.bits // 1),
        weight_bits=None if grade is None else reviews.taxonomy.at(grade).thresholds.weight_bits,
        membership=membership,
    )


def upwards(percent: int) -> int:
    """Coarse, so that a number that a team's program wrote tells at most log2(21) bits of raw rows."""
    return max(0, -(-percent // STEP_PERCENT) * STEP_PERCENT)
