"""What is told of a data element, and which datasets refer to it."""

from sandbox.catalog.dataset_index import users_of
from sandbox.catalog.dataset_repository import DatasetRepository
from sandbox.catalog.elements import Element, agrees_with
from sandbox.catalog.resource import dataset_resource
from sandbox.catalog.schemas import ElementDocument, ElementUseDocument, ElementWithUsesDocument
from sandbox.errors import NotFound
from sandbox.identity import Principal
from sandbox.policy import Gate


def element_document(element: Element) -> ElementDocument:
    document = ElementDocument(
        id=element.id,
        title={"en": element.title.en, "zh": element.title.zh},
        type=element.type.value,  # type: ignore[typeddict-item]  # one of the names
        standard=element.standard,
        grade=element.grade,
    )
    if element.code_list is not None:
        document |= {"codes": element.code_list.id, "values": list(element.values)}
    if element.bounds is not None:
        document |= {"bounds": list(element.bounds), "step": element.step}
    if element.measured_in:
        document["measured_in"] = element.measured_in
    return document


def element_with_uses(
    repository: DatasetRepository, gate: Gate, asker: Principal, id: str
) -> ElementWithUsesDocument:
    """Raises `NotFound`. Only datasets that the asker may see are named."""
    element = repository.elements.get(id)
    if element is None:
        shown = id if id.isprintable() else ascii(id)
        raise NotFound(
            f"There is no data element {shown}.",
            code="element_not_found",
            remedy="See which there are: cihu elements.",
            zh=f"没有数据元 {shown}。",
            remedy_zh="可查看：cihu elements。",
        )
    uses = []
    for version in users_of(repository, id):
        named = [column for column in version.policy.columns if column.element == id]
        if named and gate.decide(asker, "see", dataset_resource(version)).allowed:
            uses.append(
                ElementUseDocument(
                    dataset=version.dataset,
                    version=version.number,
                    columns=[column.name for column in named],
                    agrees=all(agrees_with(element, column) for column in named),
                )
            )
    return ElementWithUsesDocument(**element_document(element), used_by=uses)
