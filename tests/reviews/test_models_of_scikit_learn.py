"""Which models of the kernels' scikit-learn, saved with skops, pass the checks,
and does the remedy of one that does not help?"""

import re
import subprocess
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from good_outputs import CONTEXT, CONTROLS
from sandbox.disclosure.check_file import check_file
from sandbox.disclosure.checks.registry import CHECKS
from sandbox.disclosure.declaration import Declaration
from sandbox.disclosure.files.skops_tree import own_numbers
from sandbox.disclosure.finding import Finding, Severity
from sandbox.disclosure.taxonomy import load_disclosure
from workspace import CHECKOUT, KERNEL_PYTHON

ROWS = 3000
MADE = """
import sys, warnings
import numpy, pandas, skops.io
from sklearn.compose import *; from sklearn.decomposition import *; from sklearn.ensemble import *
from sklearn.impute import *; from sklearn.linear_model import *; from sklearn.naive_bayes import *
from sklearn.pipeline import *; from sklearn.preprocessing import *
from sklearn.tree import *
warnings.filterwarnings("ignore")
draw = numpy.random.default_rng(7)
X = pandas.DataFrame({"age": draw.integers(18, 90, ROWS) * 1.0, "weight": draw.normal(70, 12, ROWS),
                      "visits": draw.poisson(2, ROWS) * 1.0})
mixed = X.assign(district=draw.choice(["east", "west", "north"], ROWS))
number = X.age * 0.03 + X.weight * 0.01 + draw.normal(0, 1, ROWS)
count, yes = draw.poisson(2, ROWS) + 1, number > number.median()
for place, line in enumerate(sys.stdin.read().splitlines()):
    skops.io.dump(eval(line), f"{sys.argv[1]}/{place}.skops")
""".replace("ROWS", str(ROWS))
SOUND = "max_depth=3, min_samples_leaf=50, random_state=0"
PASS = [
    *(
        f"{name}().fit(X, number)"
        for name in (
            "LinearRegression",
            "Ridge",
            "Lasso",
            "ElasticNet",
            "QuantileRegressor",
            "BayesianRidge",
            "SGDRegressor",
        )
    ),
    *(f"{name}().fit(X, count)" for name in ("PoissonRegressor", "GammaRegressor", "TweedieRegressor")),
    *(
        f"{name}().fit(X, yes)"
        for name in ("LogisticRegression", "RidgeClassifier", "SGDClassifier", "GaussianNB")
    ),
    f"DecisionTreeClassifier({SOUND}).fit(X, yes)",
    f"DecisionTreeClassifier({SOUND}, criterion='entropy').fit(X, yes)",
    f"DecisionTreeRegressor({SOUND}).fit(X, number)",
    f"RandomForestClassifier(5, {SOUND}).fit(X, yes)",
    f"RandomForestRegressor(5, {SOUND}).fit(X, number)",
    f"ExtraTreesClassifier(5, {SOUND}).fit(X, yes)",
    "make_pipeline(SimpleImputer(), RobustScaler(), PCA(2), LogisticRegression()).fit(X, yes)",
    "make_pipeline(PolynomialFeatures(2), StandardScaler(), LinearRegression()).fit(X, number)",
    (
        "make_pipeline(make_column_transformer((OneHotEncoder(), ['district']), (StandardScaler(), "
        "['age'])), PoissonRegressor()).fit(mixed, count)"
    ),
]
BLOCKED = {
    "LassoCV().fit(X, number)": ("model_too_large", "Lasso"),
    "HuberRegressor().fit(X, number)": ("model_too_large", "outliers_ 3,000"),
    "RandomForestClassifier(5, min_samples_leaf=50, max_depth=3, oob_score=True).fit(X, yes)": (
        "model_too_large",
        "oob_decision_function_ 6,000",
    ),
    "DecisionTreeClassifier().fit(X, yes)": ("model_small_leaf", "min_samples_leaf=10"),
    "CategoricalNB().fit(X.round(), yes)": ("model_small_count", "Merge categories"),
    "make_pipeline(MinMaxScaler(), LogisticRegression()).fit(X, yes)": ("extreme_value", "StandardScaler"),
    "make_pipeline(KBinsDiscretizer(4), LinearRegression()).fit(X, number)": (
        "extreme_value",
        "StandardScaler",
    ),
    "make_pipeline(QuantileTransformer(n_quantiles=10), LinearRegression()).fit(X, number)": (
        "extreme_value",
        "StandardScaler",
    ),
    "make_pipeline(TargetEncoder(), LinearRegression()).fit(mixed[['district']], number)": (
        "model_type",
        "a tree or a forest",
    ),
    "GradientBoostingClassifier(n_estimators=3).fit(X, yes)": ("model_type", "a tree or a forest"),
    "IsolationForest(n_estimators=3).fit(X)": ("model_type", "a tree or a forest"),
}
BIG = "RandomForestClassifier(n_estimators=20, min_samples_leaf=10, random_state=0).fit(X, yes)"


def fitted(folder: Path, lines: list[str]) -> dict[str, bytes]:
    subprocess.run([KERNEL_PYTHON, "-c", MADE, folder], input="\n".join(lines), text=True, check=True)
    return {line: (folder / f"{place}.skops").read_bytes() for place, line in enumerate(lines)}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return fitted(tmp_path_factory.mktemp("models"), [*PASS, *BLOCKED, BIG])


def blocked(content: bytes) -> list[Finding]:
    taxonomy = load_disclosure(CHECKOUT / "policies" / "disclosure.yaml", checks=CHECKS)
    declared = Declaration("models", CONTEXT, CONTROLS, f"n\n{ROWS}\n".encode())
    found = check_file("model.skops", content, declared, taxonomy.at("3"), None)
    return [one for one in found if one.severity is Severity.BLOCKS]


@pytest.mark.parametrize("line", PASS)
def test_a_sound_model_is_not_blocked(models: dict[str, bytes], line: str) -> None:
    assert not blocked(models[line])


@pytest.mark.parametrize("line", BLOCKED)
def test_a_model_that_holds_units_is_blocked_with_a_mend_that_says_what_to_set(
    models: dict[str, bytes], line: str
) -> None:
    code, remedy = BLOCKED[line]
    assert any(one.code == code and remedy in one.remedy for one in blocked(models[line])), blocked(
        models[line]
    )


def test_a_forest_trained_as_its_finding_says_passes(models: dict[str, bytes], tmp_path: Path) -> None:
    [found] = blocked(models[BIG])
    said = re.search(r"`(max_leaf_nodes=\d+), (n_estimators=\d+)`", found.remedy)
    assert said and found.code == "model_too_large"
    again = BIG.replace("n_estimators=20", f"{said[1]}, {said[2]}")
    assert not blocked(fitted(tmp_path, [again])[again])


def test_a_number_hidden_in_a_tree_where_it_would_follow_from_others_counts_in_full(
    models: dict[str, bytes],
) -> None:
    with zipfile.ZipFile(BytesIO(models[f"DecisionTreeRegressor({SOUND}).fit(X, number)"])) as archive:
        arrays = [
            np.load(BytesIO(archive.read(name))) for name in archive.namelist() if name.endswith(".npy")
        ]
    nodes = next(one for one in arrays if one.dtype.names)
    values = next(one for one in arrays if one.ndim == 3)
    whole = values.size + nodes.size * len(nodes.dtype.names)
    honest, leaves = own_numbers(nodes, values)
    assert leaves == 8 and honest == 3 * 7 + 3 * 8 < whole
    for field, more in (("impurity", 7), ("n_node_samples", 7 + 8), ("weighted_n_node_samples", 15)):
        changed = nodes.copy()
        changed[field][0] += 1
        assert own_numbers(changed, values)[0] >= honest + more, field
    hidden = values.copy()
    hidden[0] += 0.001
    assert own_numbers(nodes, hidden)[0] >= honest + 7
    for field in ("left_child", "feature", "threshold", "missing_go_to_left"):
        changed = nodes.copy()
        changed[field][nodes["left_child"] == -1] = 2
        assert own_numbers(changed, values)[0] == whole, field
