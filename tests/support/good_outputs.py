"""Good outputs: what teams release every day, made safe as the rules ask. None may be blocked."""

import io
import json
from dataclasses import dataclass

import numpy as np
import onnx
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
from onnx import TensorProto  # noqa: F401 (onnx loads its protobufs lazily)

from made_files import notebook, onnx_linear, png_chart, safetensors_file, skops_file, tree_nodes
from sandbox.disclosure.declaration import Declaration

CONTEXT = (
    "How often residents of the four districts see a doctor, by age band, for the study of access to care."
)
CONTROLS = "Bands merged until each cell has 10 or more people, counts rounded to 5, no minimum or maximum."


@dataclass(frozen=True)
class Good:
    name: str
    file: str
    content: bytes
    declared: Declaration


def good(name: str, file: str, content: bytes | str, statbarn: str, counts: str | None = None) -> Good:
    declared = Declaration(statbarn, CONTEXT, CONTROLS, counts.encode() if counts else None)
    return Good(name, file, content.encode() if isinstance(content, str) else content, declared)


def parquet(frame: pd.DataFrame) -> bytes:
    sink = io.BytesIO()
    pyarrow.parquet.write_table(pa.Table.from_pandas(frame), sink)
    return sink.getvalue()


COUNTS = "district,band,n\neast,1,140\neast,2,155\nwest,1,160\nwest,2,150\n"
SUPPORT = "district,n,total,top1,top2\neast,740,812000,2100,2000\nwest,760,830500,2500,2300\nnorth,730,801000,2200,2150\n"
MEANS = "district,mean_visits,sd\neast,2.84,2.91\nwest,2.91,3.02\nnorth,2.79,2.88\n"
SUMMARY = """                            OLS Regression Results
==============================================================================
Dep. Variable:                 visits   R-squared:                       0.113
No. Observations:                2980   F-statistic:                     92.41
Df Residuals:                    2975   Df Model:                            4
==============================================================================
                 coef    std err          t      P>|t|      [0.025      0.975]
------------------------------------------------------------------------------
const          2.8412      0.102     27.855      0.000       2.641       3.041
band           0.1204      0.018      6.689      0.000       0.085       0.156
"""

GOOD: list[Good] = [
    good(
        "a rate per hundred thousand of many",
        "rate.csv",
        "district,deaths_per_100000,n\neast,640,81000\nwest,712,93500\n",
        "rate",
    ),
    good(
        "counts with their shares of all",
        "parts.csv",
        "band,n,percent\n1,900,63.8\n2,470,33.3\n3,40,2.8\n",
        "frequency_table",
    ),
    good(
        "the shares of some bands, their counts behind",
        "parts.csv",
        "band,share\n2,0.333\n3,0.028\n",
        "proportion",
        "band,n\n2,470\n3,40\n",
    ),
    good(
        "counts with their shares of each district",
        "parts.csv",
        "district,band,n,percent\neast,1,900,95.7\neast,2,40,4.3\nwest,1,500,96.2\nwest,2,20,3.8\n",
        "cross_tabulation",
    ),
    good("growth in percent", "growth.csv", "district,growth_pct,n\neast,0.4,740\nwest,-1.2,760\n", "growth"),
    good(
        "shares with enough on both sides",
        "share.csv",
        "district,share,n\neast,0.03,740\nwest,0.97,760\nTotal,0.5,1500\n",
        "proportion",
    ),
    good("counts of two keys", "counts.csv", COUNTS, "frequencies"),
    good(
        "counts in Chinese",
        "人数.csv",
        "城区,年龄段,人数\n东,一,140\n东,二,155\n西,一,160\n",
        "frequency_table",
    ),
    good(
        "cross-tabulation with totals",
        "cross.csv",
        "district,1,2,3,Total\neast,140,155,150,445\nwest,160,150,140,450\nTotal,300,305,290,895\n",
        "cross_tabulation",
    ),
    good(
        "suppressed in a block of four",
        "blocked.csv",
        "district,1,2,3,Total\neast,140,*,*,445\nwest,160,*,*,450\nnorth,150,145,150,445\nTotal,450,450,440,1340\n",
        "cross_tabulation",
    ),
    good(
        "averages with rounded counts",
        "means.csv",
        "district,n,mean_visits\neast,740,2.84\nwest,760,2.91\n",
        "mean",
    ),
    good("averages with supporting counts", "means.csv", MEANS, "mean", SUPPORT),
    good("shares", "shares.csv", "district,share_insured,n\neast,0.62,740\nwest,0.58,760\n", "proportion"),
    good(
        "percentages with signs",
        "percent.csv",
        "district,insured,n\neast,62%,740\nwest,58%,760\n",
        "proportion",
    ),
    good(
        "quartiles far from the ends",
        "quartiles.csv",
        "district,n,p25,median,p75\neast,740,7400,13000,21500\nwest,760,7600,13500,21000\n",
        "quartiles",
    ),
    good(
        "p5 and p95 of many",
        "tails.csv",
        "district,n,p5,p95\neast,740,4000,42000\nwest,760,4100,42500\n",
        "percentile",
    ),
    good(
        "negative coefficients",
        "coefficients.csv",
        "term,coef,std_err,nobs,df_resid\nconst,-2.84,0.102,2980,2975\nband,0.12,0.018,2980,2975\n",
        "linear_regression",
    ),
    good("printed summary of a regression", "ols.txt", SUMMARY, "linear_regression"),
    good(
        "regression as JSON",
        "fit.json",
        json.dumps({"nobs": 2980, "df_resid": 2975, "params": {"const": 2.84, "band": -0.12}, "r2": 0.113}),
        "linear_regression",
    ),
    good("t test", "test.json", json.dumps({"t": -2.31, "p": 0.021, "df": 1498, "nobs": 1500}), "t_test"),
    good(
        "correlation matrix",
        "correlation.csv",
        "variable,income,visits,nobs,df\nincome,1.0,0.113,2980,2978\nvisits,0.113,1.0,2980,2978\n",
        "correlation",
    ),
    good(
        "survival at few times",
        "survival.csv",
        "time,n_at_risk,survival\n0,1500,1.0\n12,1400,0.934\n24,1250,0.851\n36,1100,0.772\n",
        "kaplan_meier",
        "time,n\n0,1500\n12,1400\n24,1250\n36,1100\n",
    ),
    good(
        "Markdown with a table",
        "report.md",
        f"# Visits\n\n{CONTEXT}\n\n| district | n |\n|---|---|\n| east | 740 |\n| west | 760 |\n",
        "frequencies",
    ),
    good(
        "documentation",
        "README.md",
        "# Method\n\nWe group residents by district and age band, and average their visits.\n",
        "documentation",
    ),
    good(
        "Chinese documentation",
        "说明.md",
        "# 方法\n\n按城区和年龄段分组,计算平均就诊次数;少于十人的组已合并。\n",
        "documentation",
    ),
    good(
        "a log without results",
        "log.txt",
        "2026-11-20 10:02:11 INFO reading inputs\n2026-11-20 10:02:14 INFO fitting\n2026-11-20 10:02:19 INFO done\n",
        "log",
    ),
    good(
        "code in a notebook",
        "method.ipynb",
        notebook(
            "import pandas as pd\nframe = pd.read_parquet('in.parquet')\nframe.groupby('district').size()"
        ),
        "code",
    ),
    good("a chart as PNG", "chart.png", png_chart(), "line_chart", SUPPORT),
    good(
        "a chart as SVG",
        "chart.svg",
        '<svg xmlns="http://www.w3.org/2000/svg" width="300" height="100"><rect x="10" y="20" width="40" height="70" '
        'fill="#369"/><text x="10" y="95">east</text></svg>',
        "bar_chart_of_counts",
    ),
    good(
        "counts as Parquet",
        "counts.parquet",
        parquet(pd.DataFrame({"district": ["east", "west"], "n": [740, 760]})),
        "frequencies",
    ),
    good(
        "counts as JSON records",
        "counts.json",
        json.dumps([{"district": "east", "n": 740}, {"district": "west", "n": 760}]),
        "frequencies",
    ),
    good(
        "small linear model as safetensors",
        "model.safetensors",
        safetensors_file({"weight": np.ones((1, 8), np.float32)}),
        "linear_model",
    ),
    good("small linear model as ONNX", "model.onnx", onnx_linear(8), "linear_model"),
    good("small linear model as skops", "model.skops", skops_file(), "linear_model"),
    good(
        "time series",
        "series.csv",
        "month,n,mean_visits\n2025-01,740,2.81\n2025-02,755,2.84\n2025-03,745,2.79\n",
        "time_series",
    ),
    good(
        "suppressed cells without totals",
        "hidden.csv",
        "district,band,n\neast,1,140\neast,2,<10\nwest,1,160\nwest,2,150\n",
        "frequencies",
    ),
    good(
        "a table with a thousands sign",
        "thousands.csv",
        'district,n\neast,"1,240"\nwest,"2,760"\n',
        "frequencies",
    ),
    good(
        "model performance",
        "performance.json",
        json.dumps({"auc": 0.713, "accuracy": 0.655, "n": 900, "threshold": 0.5}),
        "model_performance",
    ),
    good(
        "boardings by line and hour",
        "hours.csv",
        "line,hour,boardings\n"
        + "".join(
            f"line {line},{hour},{(line * 7 + hour * 13) % 40 * 5 + 50}\n"
            for line in (1, 2, 3)
            for hour in range(24)
        ),
        "pivot_of_counts",
    ),
    good(
        "trips between zones",
        "od.csv",
        "origin,zone 1,zone 2\nzone 1,740,225\nzone 2,240,960\n",
        "origin_destination",
    ),
    good(
        "a summary padded to one width",
        "ols.txt",
        "".join(
            line.ljust(60) + "\n"
            for line in (
                "OLS Regression Results",
                "Dep. Variable:  visits   No. Observations:  2980",
                "Df Model:       3        Df Residuals:      2976",
                "=" * 60,
                "",
                "const   2.81   0.05",
                "age     0.31   0.04",
            )
        ),
        "linear_regression",
    ),
    good(
        "analysis of variance",
        "anova.txt",
        "             sum_sq       df        F   PR(>F)\ndistrict     120.55      3.0     4.12    0.006\nResidual   98000.12   2976.0      NaN      NaN\n",
        "anova",
    ),
    good(
        "settings of a search",
        "settings.json",
        json.dumps({"n_splits": 5, "n_estimators": 8, "n_jobs": 2, "max_depth": 3, "seed": 7}),
        "settings",
    ),
    good(
        "chapters of ICD-10",
        "icd.csv",
        "icd10,n\n"
        + "".join(f"{sign}00-{sign}99,{150 + 5 * place}\n" for place, sign in enumerate("ACEFGIJKMNST")),
        "frequencies",
    ),
    good(
        "thresholds in words",
        "README.md",
        "Groups of fewer than 10 patients were merged; every cell counts at least 20 people. 少于 10 人的组已合并。\n",
        "documentation",
    ),
    good(
        "shares to four places",
        "shares.csv",
        "district,share,n\neast,0.2513,750\nwest,0.2487,745\nnorth,0.5000,1490\n",
        "proportion",
    ),
    good(
        "a small tree as skops",
        "tree.skops",
        skops_file(array=tree_nodes([3000, 1400, 1600])),
        "tree_ensemble",
        counts="n\n3000\n",
    ),
    good(
        "a Keras history called a log",
        "history.json",
        json.dumps(
            {
                name: [round(2 * 0.9**epoch + least, 6) for epoch in range(40)]
                for name, least in (("loss", 0.3), ("val_loss", 0.35))
            }
        ),
        "log",
    ),
    good(
        "a training log",
        "log.txt",
        "\n".join(
            f"epoch {epoch} loss {2 * 0.9**epoch + 0.3:.4f} val_loss {2 * 0.9**epoch + 0.36:.4f}"
            for epoch in range(50)
        ),
        "log",
    ),
    good(
        "hazard ratios",
        "cox.csv",
        "term,estimate,hazard_ratio,std_error,ci_low,ci_high,p_value,n\n"
        "age,0.021,1.02,0.004,0.013,0.029,0.000001,3000\nfemale,-0.11,0.896,0.05,-0.21,-0.01,0.028,3000\n",
        "cox_regression",
        "term,n,df\nage,3000,800\nfemale,1480,800\n",
    ),
    good(
        "precision and recall by threshold",
        "pr.csv",
        pd.DataFrame(
            {
                "threshold": np.linspace(0, 1, 21).round(2),
                "precision": np.linspace(0.4, 0.9, 21).round(3),
                "recall": (1 - np.linspace(0, 1, 21) ** 2).round(3),
                "n": 3000,
            }
        ).to_csv(index=False),
        "model_performance",
    ),
    good(
        "calibration by decile",
        "calibration.csv",
        pd.DataFrame(
            {
                "bin": range(1, 11),
                "mean_score": np.linspace(0.05, 0.9, 10).round(3),
                "observed_rate": np.linspace(0.06, 0.88, 10).round(3),
                "n": 300,
            }
        ).to_csv(index=False),
        "model_performance",
    ),
    good(
        "a Kaplan-Meier curve with the number at risk",
        "km.csv",
        "time,survival,at_risk\n0,1,3000\n1,0.93,2790\n2,0.86,2580\n3,0.78,2340\n4,0.7,2100\n",
        "kaplan_meier",
    ),
    good(
        "a t test as JSON",
        "test.json",
        json.dumps({"test": "welch", "t": 2.31, "df": 1480.2, "p_value": 0.021, "n": 1500}),
        "t_test",
    ),
    good(
        "a confusion matrix",
        "confusion.csv",
        "truth,predicted,n\nno,no,1800\nno,yes,300\nyes,no,250\nyes,yes,650\n",
        "frequencies",
    ),
    good(
        "a histogram with round bins",
        "histogram.csv",
        "bin,n\n0-5000,300\n5000-10000,800\n10000-20000,1100\n20000-50000,700\n50000+,100\n",
        "histogram",
    ),
    good(
        "importance of features",
        "importance.csv",
        "feature,importance,n\nage,0.41,3000\nincome,0.33,3000\ndebt,0.16,3000\nvisits,0.1,3000\n",
        "model_performance",
    ),
    good(
        "a paragraph of results",
        "report.md",
        "# Visits\n\nMean visits were 2.84 in the east (n = 740) and 2.91 in the west (n = 760); the difference is "
        "0.07 (95 % CI -0.2 to 0.3).\n",
        "mean",
    ),
    good(
        "code with round thresholds",
        "bands.py",
        "import cihu\n\nBANDS = [0, 5000, 10000, 20000, 50000]\nrows = cihu.inputs['test.people']\n"
        "print(rows.groupby('district').visits.mean().round(2))\n",
        "code",
    ),
]
assert onnx.__version__
