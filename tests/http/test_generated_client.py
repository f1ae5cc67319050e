"""A client that a stranger's generator makes of docs/openapi gives typed results of the real vault."""

import subprocess
from importlib import import_module
from pathlib import Path

import pytest

from asked_vault import AskedVault
from sandbox.identity.audiences import VAULT

CHECKOUT = Path(__file__).parents[2]
GENERATOR = CHECKOUT / ".venv-generator" / "bin" / "openapi-python-client"
# a Parquet table, a PDF and a zip are bytes: the generator knows only a few kinds of those
CONFIG = """
content_type_overrides:
  application/vnd.apache.parquet: application/octet-stream
  application/pdf: application/octet-stream
  application/zip: application/octet-stream
post_hooks: []
"""


@pytest.mark.parametrize("service", ["vault", "kernel", "portal"])
def test_the_description_of_a_service_is_understood_without_a_warning(service: str, tmp_path: Path) -> None:
    generate(service, tmp_path)


def generate(service: str, folder: Path) -> Path:
    (folder / "config.yaml").write_text(CONFIG)
    made = folder / f"{service}_client"
    done = subprocess.run(
        [
            GENERATOR, "generate", "--fail-on-warning", "--meta", "none", "--config", folder / "config.yaml",
            "--path", CHECKOUT / "docs" / "openapi" / f"{service}.json", "--output-path", made,
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return made


def test_its_results_are_typed(asked: AskedVault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = generate("vault", tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))

    def of(name: str) -> object:
        return import_module(f"{made.name}.{name}")

    dataset, _ = asked.dataset()
    token = asked.token("wang", VAULT)
    client = of("client").AuthenticatedClient(base_url=asked.url, token=token)  # type: ignore[attr-defined]
    me = of("api.me.get_me").sync(client=client)  # type: ignore[attr-defined]
    assert me.id == "wang" and me.teams == ["lake"]
    question = of("models.question").Question(sql=f"SELECT COUNT(*) AS n FROM {dataset}", epsilon="0.05")  # type: ignore[attr-defined]
    answer = of("api.questions.ask_question").sync(client=client, body=question)  # type: ignore[attr-defined]
    assert (
        type(answer).__name__ == "AnswerDocument"
        and answer.columns[0].name == "n"
        and answer.price.epsilon == 0.05
    )
    refused = of("api.questions.ask_question").sync(  # type: ignore[attr-defined]
        client=client,
        body=of("models.question").Question(sql="SELECT * FROM nothing"),  # type: ignore[attr-defined]
    )
    assert type(refused).__name__ == "Problem" and refused.code == "query_refused" and refused.remedy
