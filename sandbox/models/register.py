"""Registers a model: its file, card, interface, lineage and measured privacy, once it has been evaluated.

    source (released file or entry) -> interface -> evaluated on stand-in rows -> kept, counted, logged

The file is copied, so that a version is the same as long as it is registered. The membership numbers that a
card shows come from a file that the team's own program wrote about raw rows: they are coarse, and count
against what reviews may tell the team.
"""

from datetime import UTC, datetime
from hashlib import sha256
from math import ceil, log2
from pathlib import PurePosixPath
from uuid import UUID, uuid5

from sqlalchemy import func, insert, select

from sandbox.audit import Event, append
from sandbox.catalog.grade import grade_of
from sandbox.catalog.model import Version
from sandbox.catalog.stand_in import said_of, stand_in
from sandbox.competitions.context import CompetitionContext
from sandbox.competitions.entries.model_entry import model_program
from sandbox.database import Transaction, lock_name
from sandbox.errors import Conflict, InvalidInput, NotFound
from sandbox.identity import Principal
from sandbox.identity.tables import team_members
from sandbox.jobs.model import Interface
from sandbox.jobs.predictor import as_document, checked_interface
from sandbox.models.context import ModelContext
from sandbox.models.evaluate import evaluate
from sandbox.models.library import find_model, model_document
from sandbox.models.schemas import ModelDocument, NewModel
from sandbox.models.sources import STEP_PERCENT, ModelSource, source_of
from sandbox.models.tables import models
from sandbox.policy import Resource
from sandbox.reviews.capacity_ledger import count_places
from sandbox.reviews.tables import told_places

TRIED_ROWS = 20
LEVELS = 100 // STEP_PERCENT + 1
MEMBERSHIP_BITS = ceil(2 * log2(LEVELS))
NAMESPACE = UUID("6b1c7a0e-5b0a-4c7e-9d53-0f5d3f0a0059")


def register_model(
    context: ModelContext, competitions: CompetitionContext, person: Principal, new: NewModel
) -> ModelDocument:
    """The new version. Raises `Forbidden`, `NotFound`, `Conflict`, `InvalidInput`, `BudgetExhausted`,
    `Unavailable`; then nothing is kept."""
    with context.database.transaction() as tx:
        source = source_of(tx, context.reviews, competitions, person, new)
        version = _version(tx, context, source, new)
        grade = grade_of(
            context.gate,
            [context.runs.repository.version(tx, one.dataset, one.version) for one in source.inputs],
        )
        _require_one_department(tx, context, source)
        _require_maintainer(tx, source.team, new.maintainer or person.id)
    department = version.policy.department
    about = {"team": source.team, "department": department, "grade": grade}
    context.gate.require(person, "register_model", Resource("Model", new.name, about))
    interface = source.interface or checked_interface(
        {"columns": list(new.columns), "predicts": dict(new.predicts)}, [version]
    )
    model_program(source.path, source.content, interface)  # refuses what nothing evaluates
    shapes = said_of(version.policy)
    columns = [{"name": name, **shapes[name]} for name in interface.columns]
    _try_out(context, source, version, interface, columns)
    digest = sha256(source.content).hexdigest()
    suffix = PurePosixPath(source.path).suffix
    stored = context.reviews.released.put(f"models/{new.name}/{digest}{suffix}", source.content)
    with context.database.transaction() as tx:
        lock_name(tx, f"cihu model {new.name}")
        number = _next_version(tx, new.name, source.team, digest)
        _count(tx, context, source, source.team, grade)
        index = append(
            tx,
            Event(
                "model.registered",
                person.id,
                f"model:{new.name}/{number}",
                {
                    "team": source.team,
                    "dataset": version.dataset,
                    **({"run": str(source.run)} if source.run is not None else {}),
                    "sha256": digest,
                    "card": new.card.model_dump(),
                    "privacy": dict(source.privacy),
                    "lineage": list(source.lineage or ()),
                },
            ),
        )
        competition, track, entry, place = source.lineage or (None, None, None, None)
        tx.execute(
            insert(models).values(
                name=new.name,
                version=number,
                team=source.team,
                maintainer=new.maintainer or person.id,
                registered_by=person.id,
                registered_at=datetime.now(UTC),
                department=department,
                dataset=version.dataset,
                dataset_version=version.number,
                grade=grade,
                run=source.run,
                inputs=[{"dataset": one.dataset, "version": one.version} for one in source.inputs],
                path=source.path,
                competition=competition,
                track=track,
                entry=entry,
                place=place,
                object_name=stored.name,
                object_version=stored.version_id,
                sha256=digest,
                size=len(source.content),
                columns=columns,
                predicts=as_document(interface)["predicts"],
                card=new.card.model_dump(),
                privacy=dict(source.privacy),
                log_index=index,
            )
        )
        return model_document(find_model(tx, new.name, number))


def _version(tx: Transaction, context: ModelContext, source: ModelSource, new: NewModel) -> Version:
    """Of the dataset whose columns the model is given."""
    wanted = new.dataset or source.dataset
    chosen = [one for one in source.read if wanted in ("", one.dataset)]
    if len(chosen) != 1:
        raise InvalidInput(
            f"It was made of {', '.join(one.dataset for one in source.read)}.",
            code="model_dataset",
            remedy="Name in `dataset` the one whose columns the model is given.",
            zh=f"该模型使用了 {'、'.join(one.dataset for one in source.read)}。",
            remedy_zh="请在 dataset 中写明模型输入栏目所属的数据集。",
        )
    return context.runs.repository.version(tx, chosen[0].dataset, chosen[0].version)


def _require_one_department(tx: Transaction, context: ModelContext, source: ModelSource) -> None:
    """Who sells a model must answer for all the data that it was made of. Raises `Conflict`."""
    departments = {
        context.runs.repository.version(tx, one.dataset, one.version).policy.department
        for one in source.inputs
    }
    if len(departments) > 1:
        raise Conflict(
            f"The model was made of data of {', '.join(sorted(departments))}.",
            code="model_of_departments",
            remedy="Register models that were made of the data of one department.",
            zh=f"该模型使用了 {'、'.join(sorted(departments))} 的数据。",
            remedy_zh="请登记只使用一个部门数据的模型。",
        )


def _require_maintainer(tx: Transaction, team: str, account: str) -> None:
    there = select(team_members.c.account).where(
        team_members.c.team == team, team_members.c.account == account
    )
    if tx.execute(there).first() is None:
        raise NotFound(
            f"{account} is not in the team {team}.",
            code="maintainer_not_in_team",
            remedy="Name a member of the team: they answer for the model.",
            zh=f"{account} 不是团队 {team} 的成员。",
            remedy_zh="请指定团队成员作为维护人。",
        )


def _try_out(
    context: ModelContext,
    source: ModelSource,
    version: Version,
    interface: Interface,
    columns: list[dict[str, object]],
) -> None:
    """What does not predict on rows that are invented from the public policy is not registered."""
    invented = stand_in(version).select(list(interface.columns))
    # many models take no empty cells: a call with one is then refused, at no cost
    filled = invented.drop_null()
    table = (filled if filled.num_rows else invented).slice(0, TRIED_ROWS)
    try:
        evaluate(
            context,
            path=source.path,
            content=source.content,
            columns=columns,
            interface=interface,
            table=table,
        )
    except Conflict:
        raise InvalidInput(
            "The model gives no predictions on stand-in rows of these columns.",
            code="model_does_not_fit",
            remedy="Declare the columns in the order in which it was fitted, and what it predicts; a linear "
            "model needs `coefficients`, one for each column, and `intercept`.",
            zh="模型在这些栏目的替代数据上无法给出预测。",
            remedy_zh="请按训练时的次序声明栏目及预测类型；线性模型须有 coefficients 和 intercept。",
        ) from None


def _next_version(tx: Transaction, name: str, team: str, digest: str) -> int:
    """Raises `Conflict` for another team's name, or a file that is registered already."""
    of_name = select(models.c.team, models.c.version, models.c.sha256).where(models.c.name == name)
    earlier = tx.execute(of_name).all()
    if any(row.team != team for row in earlier):
        raise Conflict(
            f"Another team has a model {name!r}.",
            code="model_name_taken",
            remedy="Choose another name.",
            zh=f"名称“{name}”已被其他团队使用。",
            remedy_zh="请另选名称。",
        )
    if same := [row.version for row in earlier if row.sha256 == digest]:
        raise Conflict(
            f"This file is version {same[0]} of {name} already.",
            code="model_registered",
            remedy="Register a file that differs.",
            zh=f"该文件已登记为 {name} 的第 {same[0]} 版。",
            remedy_zh="请登记不同的文件。",
        )
    return (
        int(tx.scalar(select(func.coalesce(func.max(models.c.version), 0)).where(models.c.name == name)) or 0)
        + 1
    )


def _count(tx: Transaction, context: ModelContext, source: ModelSource, team: str, grade: str) -> None:
    """Count what the card's membership numbers tell, once for each released file. That there are none tells
    something, too: whether they could be computed followed from what the program wrote."""
    if source.of_release is None:
        return
    run, path = source.of_release
    once = uuid5(NAMESPACE, f"{run} {path}")
    if tx.execute(select(told_places.c.entry).where(told_places.c.entry == once)).first() is None:
        count_places(tx, context.reviews.taxonomy, once, team, grade, MEMBERSHIP_BITS)
