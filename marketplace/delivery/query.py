"""Answers a call from the product's private query with the caller's choices, which the marketplace itself
asks."""

from collections.abc import Mapping
from typing import Any

from marketplace.products.model import QueryDefinition
from marketplace.products.parameters import choose
from marketplace.products.template import bind
from marketplace.vault import SERVICE, Vault

SHOWN = ("dataset", "version", "columns", "rows", "errors")


def ask_query(
    vault: Vault, definition: QueryDefinition, given: Mapping[str, str], reference: Mapping[str, Any] | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The answer, and the reference by which the same one is found again.
    Raises what the vault refuses with."""
    if reference is not None and (stored := reference.get("answer")) is not None:
        answer = vault.answer(SERVICE, str(stored))
    else:
        sql = bind(definition.sql, choose(definition.parameters, given))
        answer = vault.ask(SERVICE, sql=sql, epsilon=definition.epsilon, grant=definition.grant)
    return {name: answer[name] for name in SHOWN if name in answer}, {"answer": answer.get("answer_id")}
