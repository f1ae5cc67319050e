"""`cihu.stand_in`: an ordinary DataFrame that says that it is not real wherever it shows,
with the raw rows' dtypes."""

import copy
import json
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import cihu
import httpx
import pandas as pd
import pytest
from cihu.rows import read_rows
from cihu.stand_in_frame import StandIn, StandInColumn, unreal

from sandbox.catalog.read_table import read_table
from sandbox.catalog.stand_in import mark, marked_parquet, said_of, stand_in
from sandbox.identity import VAULT, TokenIssuer
from story import DATASET, POLICY, VERSION, rows_csv
from workspace import Kernel, VaultProcess

NAMED = "Stand-in data (clinic.visits@1): invented at random from its policy alone."


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    cihu.language("en")
    yield
    cihu.language("en")


@pytest.fixture
def rows() -> StandIn:
    return unreal(marked_parquet(stand_in(VERSION), mark(VERSION)))


MADE: dict[str, Callable[[Any], Any]] = {
    "head": lambda df: df.head(),
    "a column": lambda df: df["cost"],
    "some columns": lambda df: df[["cost", "visits"]],
    "a filter": lambda df: df[df["cost"] > 50],
    "a row": lambda df: df.iloc[0],
    "a copy": copy.deepcopy,
    "a pickle": lambda df: pickle.loads(pickle.dumps(df)),
    "arithmetic": lambda df: df["cost"] * 2,
    "a new column": lambda df: df.assign(dear=df["cost"] > 50),
    "sorted": lambda df: df.sort_values("cost"),
    "group means": lambda df: df.groupby("year")["cost"].mean(),
    "aggregates": lambda df: df.groupby(["year", "district"]).agg(
        n=("visits", "size"), mean=("visits", "mean")
    ),
    "a join": lambda df: df.merge(df.groupby("person").size().rename("n").reset_index(), on="person"),
    "two together": lambda df: pd.concat([df, df]),
    "a pivot": lambda df: df.pivot_table(index="year", columns="district", values="cost"),
    "a description": lambda df: df.describe(),
    "a column's description": lambda df: df["cost"].describe(),
    "counts of values": lambda df: df["district"].value_counts(),
    "filled": lambda df: df.fillna({"cost": 0}),
    "correlations": lambda df: df[["cost", "visits"]].corr(),
    "by year": lambda df: df.set_index("day")["visits"].resample("YE").mean(),
    "texts": lambda df: df["note"].str.upper(),
    "classes": lambda df: pd.cut(df["cost"], [0, 50, 100]),
}


@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
def test_what_pandas_makes_of_it_still_says_what_it_is(rows: StandIn, make: Callable[[Any], Any]) -> None:
    made = make(rows)
    assert isinstance(made, StandIn | StandInColumn)
    assert repr(made).startswith("Stand-in data") and "o row is real" in repr(made).splitlines()[0]
    if isinstance(made, StandIn):
        shown = made._repr_html_()
        assert (
            shown is not None
            and '<div class="unreal">' in shown
            and "o row is real" in shown
            and "<table" in shown
        )
    cihu.language("zh")
    assert repr(made).startswith("替代数据") and "没有一行是真的" in repr(made).splitlines()[0]


def test_it_names_the_dataset_and_is_a_dataframe_in_all_else(rows: StandIn) -> None:
    assert isinstance(rows, pd.DataFrame) and repr(rows).startswith(NAMED)
    assert rows.attrs["cihu"] == {"stand_in": "schema", "dataset": "clinic.visits", "version": 1}
    plain = pd.DataFrame(rows)
    assert (
        type(plain["cost"]) is pd.Series
        and plain.equals(rows)
        and plain["cost"].mean() == rows["cost"].mean()
    )
    assert "Stand-in" not in repr(rows.dtypes), "its types are not invented"


@pytest.mark.parametrize("gaps", [True, False], ids=["with empty cells", "without one"])
def test_raw_rows_have_the_same_dtypes_whatever_is_in_them(rows: StandIn, gaps: bool) -> None:
    """A column that may be empty and is not must not become another type than the one the
    program was written on."""
    text = (
        rows_csv()
        if gaps
        else (
            b"person,district,year,cost,visits,note,day,smoker,secret\n"
            b"p1,north,1,3.5,2,n1,2026-01-01,true,s1\n"
        )
    )
    raw = read_table(text, DATASET).drop_columns(["secret"])
    read = read_rows(
        marked_parquet(raw, {"dataset": "clinic.visits", "version": 1, "columns": said_of(DATASET)})
    )
    assert type(read) is pd.DataFrame, "only stand-in rows are marked"
    assert dict(read.dtypes) == dict(rows.dtypes)


def test_a_sealed_kernel_gets_it_and_shows_it_marked(one_kernel: Kernel) -> None:
    done = one_kernel.run("import cihu\nrows = cihu.stand_in('clinic.visits')\nrows")
    shown = done["outputs"][-1]["data"]
    assert shown["text/plain"].startswith(NAMED)
    assert '<div class="unreal">' in shown["text/html"] and "1000 rows" in shown["text/html"]
    said = one_kernel.text(
        "print(rows.groupby('district').cost.mean())\nprint(len(rows), rows.person.is_monotonic_increasing)"
    )
    assert said.startswith(NAMED) and said.rstrip().endswith("1000 True")


def test_it_is_the_same_in_every_kernel_and_costs_nothing(one_kernel: Kernel, kernel: Kernel) -> None:
    code = (
        "import cihu, hashlib\nbefore = repr(cihu.budget())\nrows = cihu.stand_in('health.visits')\n"
        "print(hashlib.sha256(rows.to_csv().encode()).hexdigest(), before == repr(cihu.budget()))"
    )
    first, second = one_kernel.text(code), kernel.text(code)
    assert first == second and first.rstrip().endswith("True")


def test_a_dataset_that_is_not_there_is_named_without_a_traceback(one_kernel: Kernel) -> None:
    said = one_kernel.text("import cihu\ncihu.stand_in('clinic.nothing')")
    assert (
        said.startswith("CihuError [dataset_not_found]")
        and "clinic.visits" in said
        and "Traceback" not in said
    )
    assert one_kernel.text("cihu.stand_in('no/such?dataset')").startswith("CihuError [http_404]")


def test_ordinary_tools_take_it(one_kernel: Kernel) -> None:
    """What a team does first: fit a line, draw a chart, save a file."""
    said = one_kernel.text(
        "import cihu, numpy as np, pandas as pd\n"
        "rows = cihu.stand_in('clinic.visits').dropna(subset=['cost'])\n"
        "print(np.polyfit(rows['visits'], rows['cost'], 1).shape)\n"
        "import matplotlib; matplotlib.use('agg')\n"
        "print(type(rows.plot(x='visits', y='cost', kind='scatter')).__name__)\n"
        "rows.to_parquet('/tmp/r.parquet')\nrows.to_csv('/tmp/r.csv')\n"
        "print(len(pd.read_parquet('/tmp/r.parquet')) == len(rows))"
    )
    assert said.split() == ["(2,)", "Axes", "True"]


def test_the_mark_is_json_that_the_catalogue_agrees_with() -> None:
    said = json.loads(json.dumps(mark(VERSION)))
    assert said["columns"]["visits"] == {"type": "integer", "required": True}
    assert said["columns"]["year"] == {"type": "integer", "required": False}
    assert "secret" not in said["columns"]


def test_rows_that_were_bought_say_so_and_with_which_privacy(one_kernel: Kernel, vault: VaultProcess) -> None:
    vault.story.publish(policy=POLICY.replace("clinic.visits", "clinic.bought"))
    token = TokenIssuer("portal", vault.home / "keys" / "portal", vault.story.database).issue(
        "lin", audience=VAULT, lifetime_seconds=60
    )
    done = httpx.post(
        f"{vault.url}/v1/datasets/clinic.bought/stand-in",
        json={"epsilon": "2"},
        timeout=120,
        trust_env=False,
        headers={"Authorization": f"Bearer {token}"},
    )
    assert done.status_code == 201, done.text
    said = one_kernel.text(
        "import cihu\nrows = cihu.stand_in('clinic.bought')\nprint(rows.head())\nprint(rows.dtypes.equals("
        "cihu.stand_in('clinic.bought', kind='schema').dtypes))"
    )
    assert said.startswith(
        "Stand-in data (clinic.bought@1): synthesised from noisy counts (epsilon 2). No row is real, and"
    )
    assert said.rstrip().endswith("True")
    assert one_kernel.text("cihu.stand_in('clinic.visits', kind='dp')").startswith("CihuError [no_stand_in]")
