"""Ask questions about data that you cannot see.

    import cihu
    cihu.datasets()                                   # what is there
    cihu.dataset("health.visits")                     # its columns, bounds, keys
    cihu.explain("SELECT year, AVG(mdvis) ...")       # the price and the error; free, touches no data
    answer = cihu.sql("SELECT year, AVG(mdvis) ...")  # a private answer with its error bars
    answer.df                                         # an ordinary pandas DataFrame
    cihu.budget()                                     # what is left

You never get a row of the data. You get sums, counts and averages with noise, each with its standard error and 95 %
interval, and a receipt that proves what was asked and answered.
"""

from cihu.answer import Answer
from cihu.budget import Budget
from cihu.catalogue import Dataset, Datasets
from cihu.explanation import Explanation
from cihu.problem import CihuError
from cihu.vault import Vault, the_vault

__all__ = ["Answer", "Budget", "CihuError", "Dataset", "Datasets", "Explanation", "Vault", "budget", "dataset", "datasets",
           "explain", "sql", "whoami"]


def datasets() -> Datasets:
    """The catalogue: every dataset that you may know of."""
    return Datasets(the_vault().get("/v1/datasets"))


def dataset(name: str) -> Dataset:
    """One dataset: what its columns mean, which values and bounds they have, whom it protects, what it may cost."""
    return Dataset(the_vault().get(f"/v1/datasets/{name}"))


def explain(query: str, epsilon: float | None = None, grant: int | None = None) -> Explanation:
    """What the question would cost and how far off its answer would be. Spends nothing and touches no data."""
    return Explanation(query, the_vault().post("/v1/explain", question(query, epsilon, grant)))


def sql(query: str, epsilon: float | None = None, grant: int | None = None) -> Answer:
    """Ask. `epsilon` is the price that you offer (default: the dataset's); more buys a smaller error.

    `grant` says under which grant, when your team has several. The same question again is free.
    """
    return Answer(query, the_vault().post("/v1/ask", question(query, epsilon, grant)))


def budget(grant: int | None = None) -> Budget:
    """What has been spent and what is left, of your team's grants."""
    return Budget(the_vault().get("/v1/budgets" + (f"?grant={int(grant)}" if grant is not None else "")))


def whoami() -> dict[str, object]:
    """Who you are for the vault."""
    return dict(the_vault().get("/v1/me"))


def question(query: str, epsilon: float | None, grant: int | None) -> dict[str, object]:
    body: dict[str, object] = {"sql": query}
    if epsilon is not None:
        body["epsilon"] = str(epsilon)  # as written: 0.1 must stay one tenth
    if grant is not None:
        body["grant"] = grant
    return body
