"""A study's outputs in a few lines of notebook: described, seen on stand-in rows, computed by the vault,
released without a question."""

from notebook_reviewers import findings_of, vote
from workspace import Kernel, VaultProcess

STUDY = """%%sealed name="visits" inputs=[health.visits] limit=1m
import cihu
cihu.out.means("health.visits", ["doctor_visits"], by="site")
cihu.out.regression("health.visits", "doctor_visits ~ age + C(coinsurance)", name="what-it-depends-on")
cihu.out.survival("health.visits", time="year", event="doctor_visits > 4", by="female")
cihu.out.chart("means", x="site", y="mean", title="就诊次数")
cihu.out.model("health.visits", "doctor_visits", ["age", "coinsurance"], name="scorer")
"""
PATHS = [
    "measured/means.csv",
    "measured/what-it-depends-on.csv",
    "measured/survival.csv",
    "measured/chart.png",
    "measured/scorer.skops",
]


def test_an_output_is_seen_on_stand_in_rows_as_soon_as_it_is_described(one_kernel: Kernel) -> None:
    shown = one_kernel.text(
        "import cihu\nseen = cihu.out.crosstab('health.visits', ['site', 'female'])\nseen"
    )
    assert "on stand-in rows" in shown and "site" in shown, shown
    told = one_kernel.text(
        "try:\n    cihu.out.means('health.visits', ['person'])\n"
        "except cihu.CihuError as refused:\n    print(refused.code, refused, refused.remedy)"
    )
    assert told.startswith("invalid_input") and "person" in told, told


def test_a_whole_study_is_described_checked_computed_and_released_without_a_question(
    one_kernel: Kernel, vault: VaultProcess
) -> None:
    said = one_kernel.text(
        f"import cihu\nget_ipython().run_cell({STUDY!r})\nprint(cihu.check().ok)\ncihu.check()", 300
    )
    assert "True" in said and "measured/means.csv" in said, said
    told = one_kernel.text(
        "run = cihu.runs()[0].wait()\nprint([one['path'] for one in run.outputs])\nrun.request_release()", 300
    )
    assert str(PATHS) in told and "in review" in told, told
    found = findings_of(vault)
    assert set(found) == set(PATHS)
    for path, findings in found.items():
        assert {one["severity"] for one in findings} == {"notes"}, (path, findings)
        assert "measured" in {one["code"] for one in findings}
    for who in ("lin", "zhou"):
        vote(vault, who, "approve")
    told = one_kernel.text(
        "files = run.files()\nprint(sorted(files))\nprint(files.df('measured/means.csv').columns.tolist())"
    )
    assert "['site', 'variable', 'n', 'mean', 'sd']" in told and "measured/scorer.skops" in told, told
