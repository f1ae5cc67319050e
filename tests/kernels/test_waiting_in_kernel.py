"""A long question shows that it goes on, and can be interrupted;
it is charged all the same, and its answer is kept."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import text

from workspace import Kernel, VaultProcess

QUESTION = "SELECT district, COUNT(*) AS n FROM clinic.visits WHERE cost > 20 GROUP BY district"
ASK = f"cihu.sql({QUESTION!r}, epsilon=0.123)"


def test_an_interrupted_question_says_so_is_charged_and_free_afterwards(
    kernel: Kernel, vault: VaultProcess
) -> None:
    """What holds the vault up is a lock on its ledger, against which nothing can be charged."""
    kernel.run("import cihu")
    progress, said = threading.Event(), []

    def hear(message: dict[str, Any]) -> None:
        content = message["content"]
        said.append(content.get("data", {}).get("text/plain", "") or "\n".join(content.get("traceback", [])))
        if "asking … " in said[-1]:
            progress.set()

    def ask() -> None:
        kernel.client._manager.client.execute_interactive(
            ASK, output_hook=hear, timeout=60, allow_stdin=False
        )

    with ThreadPoolExecutor(1) as pool, vault.story.database.transaction() as tx:
        tx.execute(text("LOCK TABLE vault.budget_accounts IN SHARE MODE"))
        asked = pool.submit(ask)
        assert progress.wait(120), said
        kernel.client.interrupt()
        asked.result(60)
    [error] = [one for one in said if one.startswith("CihuError")]
    assert (
        error.startswith("CihuError [interrupted]")
        and "the question is charged and its answer is kept" in error
    )
    again = kernel.text(
        f"again = {ASK}\nprint(again.stored, again.price['picorho'])\n"
        f"print((cihu.budget().questions.sql == {QUESTION!r}).sum())"
    )
    assert again.split() == ["True", "0", "1"]  # printed at two moments, so perhaps in two messages
