"""Bad outputs, each with where the attack or fault is known from, and which code must catch it."""

import base64
import gzip
import hashlib
import io
import json
import lzma
import pickle
import random
import tarfile
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from good_outputs import CONTEXT, CONTROLS, COUNTS, MEANS, SUPPORT, parquet
from made_files import (
    notebook,
    npy,
    onnx_linear,
    png_bits,
    png_chart,
    png_frames,
    png_noise,
    png_with_chunk,
    safetensors_file,
    skops_file,
    tree_nodes,
    zipped,
)
from review_people import make_people
from sandbox.disclosure.declaration import Declaration


@dataclass(frozen=True)
class Bad:
    """`asked`: a reviewer must answer it; else it blocks."""

    name: str
    source: str
    code: str
    file: str
    content: bytes
    declared: Declaration
    asked: bool = False


def bad(
    name: str,
    source: str,
    code: str,
    file: str,
    content: bytes | str,
    statbarn: str = "frequencies",
    *,
    counts: str | None = None,
    context: str = CONTEXT,
    controls: str = CONTROLS,
    asked: bool = False,
) -> Bad:
    return Bad(
        name,
        source,
        code,
        file,
        content.encode() if isinstance(content, str) else content,
        Declaration(statbarn, context, controls, counts.encode() if counts else None),
        asked,
    )


LIES = "the source open, 2026-12"
ROWS = make_people()[0].to_pandas()
SHUFFLED = ROWS.sample(40, random_state=2)
ZONES = [f"z{number:02d}" for number in range(40)]
MONEY = SHUFFLED[["income", "debt", "visits"]]
BLOB = base64.b64encode(random.Random(1).randbytes(120)).decode()
TALL = "n\n" + "\n".join(["10"] * 6000)
HEAD = "district,1,2,3,Total\n"
SPELLED = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
DISGUISES = {
    "in base64": lambda one: base64.b64encode(one.encode()).decode(),
    "in hexadecimal": lambda one: one.encode().hex(),
    "reversed": lambda one: one[::-1],
    "by their digits": lambda one: one[1:],
    "digested": lambda one: hashlib.sha1(one.encode()).hexdigest()[:12],
}


def frame(**columns: object) -> str:
    return pd.DataFrame({name: list(values) for name, values in columns.items()}).to_csv(index=False)  # type: ignore[call-overload]


def xlsx() -> bytes:
    return zipped(
        **{
            "[Content_Types].xml": b"<Types/>",
            "xl__workbook.xml": b'<sheet state="veryHidden"/>',
            "xl__vbaProject.bin": b"macro",
        }
    )


def tar() -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.csv"), io.BytesIO())
    return sink.getvalue()


def parquet_with_metadata() -> bytes:
    sink = io.BytesIO()
    table = pa.table({"district": ["east"], "n": [740]}).replace_schema_metadata({"note": "P123:4711"})
    pyarrow.parquet.write_table(table, sink)
    return sink.getvalue()


def parquet_with_attributes() -> bytes:
    frame = pd.DataFrame({"district": ["east", "west"], "n": [740, 760]})
    frame.attrs["leak"] = ["P123", "P124"]
    return parquet(frame)


def lines(frame: pd.DataFrame) -> str:
    return "\n".join(" and ".join(f"{value}" for value in row) for row in frame.itertuples(index=False))


SDC, ACRO, SAFELY = (
    "SDC handbook (Griffiths et al., 2019)",
    "SACRO's statbarns",
    "OpenSAFELY's reasons of rejection",
)
OWASP, TRJ, HIDE = (
    "OWASP, CSV injection",
    "Trojan Source (Boucher and Anderson, 2021)",
    "files that hide content",
)
QUOTE = "issue 4: direct quotes, however reordered or formatted"

BAD: list[Bad] = [
    # small groups
    bad("a cell of 3", SDC, "small_count", "t.csv", "district,n\neast,3\nwest,760\n"),
    bad(
        "a cell of 1 in a cross-tabulation",
        SDC,
        "small_count",
        "t.csv",
        HEAD + "east,1,155,150,306\nwest,160,150,140,450\n",
    ),
    bad(
        "a small count under an unlikely name", ACRO, "small_count", "t.csv", "district,x\neast,4\nwest,760\n"
    ),
    bad("a small count in Chinese", SDC, "small_count", "t.csv", "城区,人数\n东,4\n西,760\n"),
    bad(
        "a small count in JSON",
        SDC,
        "small_count",
        "t.json",
        json.dumps({"east": {"n": 740, "mean": 3.1}, "west": {"n": 6, "mean": 2.2}}),
        "mean",
    ),
    bad(
        "a small count in a Markdown table",
        SDC,
        "small_count",
        "t.md",
        "# R\n\n| district | n |\n|---|---|\n| east | 7 |\n| west | 760 |\n",
    ),
    bad(
        "a small count in a printed table",
        SDC,
        "small_count",
        "t.txt",
        "district     n\neast         7\nwest       760\n",
    ),
    bad(
        "a small count in Parquet",
        SDC,
        "small_count",
        "t.parquet",
        parquet(pd.DataFrame({"district": ["a", "b"], "n": [2, 500]})),
    ),
    bad(
        "a small count in full-width digits",
        HIDE,
        "small_count",
        "t.csv",
        "district,n\neast,\uff13\nwest,760\n",
    ),
    bad(
        "an average of 8 people",
        SDC,
        "small_count",
        "t.csv",
        MEANS,
        "mean",
        counts="district,n\neast,740\nwest,8\nnorth,730\n",
    ),
    bad(
        "a small count declared as code",
        HIDE,
        "small_count",
        "t.csv",
        "district,count\neast,3\nwest,760\n",
        "code",
    ),
    bad("a median of 6", SDC, "small_count", "t.csv", "district,n,median\neast,6,13000\n", "median"),
    bad(
        "an odds ratio on few",
        ACRO,
        "small_count",
        "t.csv",
        "term,odds_ratio\nband,1.7\n",
        "odds_ratio",
        counts="term,n\nband,7\n",
    ),
    bad("no counts behind averages", SAFELY, "no_counts", "t.csv", MEANS, "mean"),
    bad(
        "counts of other labels",
        SAFELY,
        "counts_do_not_match",
        "t.csv",
        MEANS,
        "mean",
        counts="district,n\nup,740\ndown,760\nnone,750\n",
    ),
    bad("counts that are no table", SAFELY, "counts_unreadable", "t.csv", MEANS, "mean", counts="\x00\x01"),
    bad("unrounded counts", SAFELY, "unrounded_counts", "t.csv", "district,n\neast,743\nwest,760\n"),
    bad(
        "rounding that is only said",
        SAFELY,
        "declared_rounding",
        "t.csv",
        "district,n\neast,745\nwest,760\n",
        controls="All counts are rounded to the nearest 10 before release.",
    ),
    bad("no context", SAFELY, "no_context", "t.csv", COUNTS, context="ok"),
    bad("context of one letter", SAFELY, "no_context", "t.csv", COUNTS, context="aaaaaaaaaaaaaaaaaaaaaa"),
    bad("no controls", SAFELY, "no_controls", "t.csv", COUNTS, controls="", asked=True),
    bad("a statbarn that there is not", ACRO, "unknown_statbarn", "t.csv", COUNTS, "everything"),
    # classes, zeros, dominance
    bad(
        "a whole row in one class",
        SDC,
        "full_cell",
        "t.csv",
        HEAD + "east,0,155,0,155\nwest,160,150,140,450\n",
    ),
    bad(
        "a share of 100 %",
        SDC,
        "full_cell",
        "t.csv",
        "district,share,n\neast,100%,740\nwest,58%,760\n",
        "proportion",
    ),
    bad(
        "a share of 0",
        SDC,
        "full_cell",
        "t.csv",
        "district,share_ill,n\neast,0,740\nwest,0.58,760\n",
        "proportion",
    ),
    bad(
        "an empty cell",
        SDC,
        "zero_cell",
        "t.csv",
        HEAD + "east,0,155,150,305\nwest,160,150,140,450\n",
        asked=True,
    ),
    bad(
        "one firm makes the total",
        "n-k rule, SDC handbook",
        "dominance_nk",
        "t.csv",
        MEANS,
        "total",
        counts="district,n,total,top1,top2\neast,740,812000,700000,100000\nwest,760,830500,2500,2300\nnorth,730,801000,2200,2150\n",
    ),
    bad(
        "the second can work out the first",
        "p% rule, SDC handbook",
        "dominance_p",
        "t.csv",
        MEANS,
        "total",
        counts="district,n,total,top1,top2\neast,740,812000,500000,300000\nwest,760,830500,2500,2300\nnorth,730,801000,2200,2150\n",
    ),
    bad(
        "nothing said of dominance",
        "ACRO: pivot_table leaves the dominated cell",
        "no_contributions",
        "t.csv",
        MEANS,
        "mean",
        counts="district,n\neast,740\nwest,760\nnorth,730\n",
        asked=True,
    ),
    # extremes and percentiles
    bad("a maximum", ACRO, "extreme_value", "t.csv", "district,n,mean,max\neast,740,2.8,29\n", "mean"),
    bad(
        "describe() as it prints",
        ACRO,
        "extreme_value",
        "t.csv",
        ",income\ncount,740\nmean,15000\nstd,3000\nmin,212\n25%,7000\n50%,13000\n75%,21000\nmax,98000\n",
        "mean",
    ),
    bad(
        "the oldest, in a long table",
        ACRO,
        "extreme_value",
        "t.csv",
        "statistic,value,n\noldest,104,740\nmean,51,740\n",
        "mean",
    ),
    bad("a maximum in Chinese", ACRO, "extreme_value", "t.csv", "城区,人数,最大收入\n东,740,98213\n", "mean"),
    bad(
        "p99 of 200 people",
        ACRO,
        "percentile_near_extreme",
        "t.csv",
        "district,n,p50,p99\neast,200,13000,61000\n",
        "percentile",
    ),
    bad(
        "a percentile with a sign",
        ACRO,
        "percentile_near_extreme",
        "t.csv",
        "district,n,1%,50%\neast,300,900,13000\n",
        "percentile",
    ),
    bad(
        "the curve steps at single deaths",
        ACRO,
        "survival_step",
        "t.csv",
        "time,n_at_risk,survival\n0,1500,1.0\n3,1499,0.9993\n5,1490,0.993\n",
        "kaplan_meier",
        counts="time,n\n0,1500\n3,1500\n5,1490\n",
    ),
    # models
    bad(
        "four degrees of freedom",
        ACRO,
        "degrees_of_freedom",
        "t.csv",
        "term,coef,nobs,df_resid\nband,0.12,20,4\n",
        "linear_regression",
    ),
    bad(
        "a printed summary with few left",
        ACRO,
        "degrees_of_freedom",
        "t.txt",
        "No. Observations:   14\nDf Residuals:   3\nband   0.12   0.02\n",
        "linear_regression",
    ),
    bad(
        "a regression that does not say",
        ACRO,
        "no_degrees_of_freedom",
        "t.csv",
        "term,coef\nband,0.12\n",
        "linear_regression",
    ),
    bad(
        "residuals",
        ACRO,
        "residuals",
        "t.csv",
        "row,resid\n" + "\n".join(f"{n},{n * 0.37 - 4:.2f}" for n in range(30)),
        "linear_regression",
    ),
    bad(
        "fitted values in JSON",
        ACRO,
        "residuals",
        "t.json",
        json.dumps({"nobs": 120, "df_resid": 118, "fitted_values": [n * 0.5 for n in range(120)]}),
        "linear_regression",
    ),
    bad(
        "predictions for each",
        ACRO,
        "residuals",
        "t.csv",
        "k,y_pred\n" + "\n".join(f"a{n},{n % 7}" for n in range(30)),
        "linear_regression",
    ),
    bad(
        "a model that can hold everybody",
        "memorisation (Carlini et al., 2019)",
        "model_too_large",
        "m.safetensors",
        safetensors_file({"w": np.ones((100, 100), np.float32)}),
        "neural_network",
    ),
    bad(
        "a model with a diary",
        HIDE,
        "model_metadata",
        "m.safetensors",
        safetensors_file({"w": np.ones(4, np.float32)}, {"notes": "P123 earns 4000"}),
        "linear_model",
    ),
    bad(
        "bytes after the last tensor",
        HIDE,
        "unreadable",
        "m.safetensors",
        safetensors_file({"w": np.ones(4, np.float32)}, tail=b"P123"),
        "linear_model",
    ),
    bad(
        "an ONNX model with documentation",
        HIDE,
        "model_metadata",
        "m.onnx",
        onnx_linear(8, doc="P123 earns 4000"),
        "linear_model",
    ),
    bad(
        "an operator of one's own",
        "ONNX: custom operators run code",
        "model_operator",
        "m.onnx",
        onnx_linear(8, domain="my.leak"),
        "linear_model",
    ),
    bad(
        "a type that skops must not load",
        "skops: untrusted types",
        "model_type",
        "m.skops",
        skops_file(("posix", "system")),
        "linear_model",
    ),
    bad(
        "a part that skops does not use",
        HIDE,
        "model_metadata",
        "m.skops",
        skops_file(extra=("2.npy", npy(np.ones(3)))),
        "linear_model",
    ),
    bad(
        "an array of objects in skops",
        "pickle in npy",
        "pickle",
        "m.skops",
        skops_file(array=npy(np.array([{}, []], dtype=object))),
        "linear_model",
    ),
    bad(
        "a model declared as words",
        HIDE,
        "declared_as_other",
        "m.safetensors",
        safetensors_file({"w": np.ones(4, np.float32)}),
        "documentation",
    ),
    # margins
    bad(
        "one suppressed cell and its totals",
        "Fischetti and Salazar, 2001",
        "suppressed_cell_revealed",
        "t.csv",
        HEAD + "east,143,*,151,300\nwest,161,150,141,452\n",
    ),
    bad(
        "a suppressed cell in a long table",
        "Fischetti and Salazar, 2001",
        "suppressed_cell_revealed",
        "t.csv",
        "district,band,n\neast,1,143\neast,2,*\neast,Total,149\nwest,1,161\nwest,2,150\nwest,Total,311\n",
    ),
    bad(
        "two in a row, one in each column",
        "Fischetti and Salazar, 2001",
        "suppressed_cell_revealed",
        "t.csv",
        HEAD + "east,*,*,151,163\nwest,161,152,141,454\nTotal,166,159,292,617\n",
    ),
    bad(
        "rounded, and still about six",
        "Salazar, rounding and margins",
        "suppressed_cell_estimated",
        "t.csv",
        HEAD + "east,140,<10,150,300\nwest,160,150,140,450\n",
        asked=True,
    ),
    # people
    bad("a column of ids", SDC, "identifier_column", "t.csv", "person,n\nA,740\nB,760\n"),
    bad("a column of names", SDC, "identifier_column", "t.csv", "姓名,n\n甲,740\n乙,760\n"),
    bad("a column of phones", SDC, "identifier_column", "t.csv", "district,phone\neast,0\nwest,1\n"),
    bad(
        "an identity number in a text",
        "GB 11643",
        "personal_number",
        "t.md",
        "The case of 11010519491231002X is left out.\n",
        "documentation",
    ),
    bad(
        "a mobile number",
        "GB/T 35273",
        "personal_number",
        "t.txt",
        "call 138 1234 5678 for details\n",
        "documentation",
    ),
    bad(
        "a mail address",
        "GB/T 35273",
        "personal_number",
        "t.txt",
        "write to li.wei@example.org for it\n",
        "documentation",
    ),
    bad(
        "300 rows, one a unit",
        SDC,
        "row_per_unit",
        "t.csv",
        "a,b\n" + "\n".join(f"{n * 7.31:.2f},{n * 3.17:.2f}" for n in range(300)),
        "correlation",
    ),
    bad(
        "a list, one number a unit",
        SDC,
        "row_per_unit",
        "t.json",
        json.dumps({"x": [n * 1.7 for n in range(400)]}),
        "correlation",
    ),
    bad(
        "the raw columns",
        SDC,
        "row_per_unit",
        "t.csv",
        ROWS[["district", "band", "visits"]].head(60).to_csv(index=False),
        "mean",
    ),
    bad("6,000 rows", "OpenSAFELY: 5,000 rows", "too_many_rows", "t.csv", TALL),
    bad(
        "50 columns",
        SDC,
        "wide_table",
        "t.csv",
        ",".join(f"c{n}" for n in range(50)) + "\n" + ",".join(["100"] * 50) + "\n",
        asked=True,
    ),
    # quotes
    bad("raw rows", QUOTE, "raw_row", "t.csv", SHUFFLED.to_csv(index=False), "mean"),
    bad(
        "raw rows renamed and shuffled",
        QUOTE,
        "raw_row",
        "t.csv",
        MONEY[["visits", "debt", "income"]].set_axis(["a", "b", "c"], axis=1).to_csv(index=False),
        "mean",
    ),
    bad(
        "raw rows, written otherwise",
        QUOTE,
        "raw_row",
        "t.csv",
        "a;b\n" + "\n".join(f"{one:e};{two:.4f}" for one, two in MONEY[["income", "debt"]].to_numpy()),
        "mean",
    ),
    bad("raw rows transposed", QUOTE, "raw_row", "t.csv", MONEY.head(12).T.to_csv(index=False), "mean"),
    bad("raw rows in a sentence", QUOTE, "raw_row", "t.md", lines(MONEY.head(10)), "documentation"),
    bad("raw rows rounded", QUOTE, "raw_row", "t.csv", MONEY.round(1).to_csv(index=False), "mean"),
    bad(
        "one column, sorted",
        QUOTE,
        "raw_value",
        "t.csv",
        "x\n" + "\n".join(f"{value}" for value in sorted(ROWS.income.head(60))),
        "mean",
    ),
    bad(
        "one column in JSON",
        QUOTE,
        "raw_value",
        "t.json",
        json.dumps({"x": [float(value) for value in ROWS.debt.head(40)]}),
        "mean",
    ),
    bad(
        "a name in a text",
        QUOTE,
        "raw_text",
        "t.md",
        f"为说明情况,我们查看了{ROWS.name.iloc[5]}的记录,其就诊次数较多。\n",
        "documentation",
    ),
    bad(
        "a street in capitals",
        QUOTE,
        "raw_text",
        "t.csv",
        f"district,n\n{ROWS.street.iloc[3].upper()},740\nwest,760\n",
    ),
    bad(
        "a unit's number",
        QUOTE,
        "raw_text",
        "t.txt",
        f"see {ROWS.person.iloc[8]} for the outlier\n",
        "documentation",
    ),
    bad("a raw value in the file's name", QUOTE, "raw_text", f"{ROWS.person.iloc[9]}.csv", COUNTS),
    # kinds of file
    bad("a pickle", "CWE-502", "pickle", "m.pkl", pickle.dumps({"a": [1, 2]})),
    bad(
        "a pickle of protocol 0 called text",
        "CWE-502",
        "pickle",
        "m.txt",
        pickle.dumps({"a": [1, 2]}, protocol=0),
        "documentation",
    ),
    bad("a pickle of protocol 0 with a global", "CWE-502", "pickle", "m.csv", b"cos\nsystem\n(S'id'\ntR."),
    bad("an array file", "npy with objects", "array_file", "a.npy", npy(np.ones(3))),
    bad("a ZIP called CSV", HIDE, "archive", "t.csv", zipped(**{"a.csv": b"x"})),
    bad(
        "a ZIP bomb",
        "zip bomb (Fifield, 2019)",
        "zip_bomb",
        "m.skops",
        zipped(**{"schema.json": b"0" * 40_000_000}),
        "models",
    ),
    bad("a gzip", HIDE, "archive", "t.csv.gz", gzip.compress(COUNTS.encode())),
    bad("an xz", HIDE, "archive", "t.csv.xz", lzma.compress(COUNTS.encode())),
    bad("a tar", HIDE, "archive", "t.tar", tar()),
    bad("a workbook with macros and hidden sheets", HIDE, "office_document", "t.xlsx", xlsx()),
    bad("a PDF", HIDE, "pdf", "r.pdf", b"%PDF-1.7\n1 0 obj\n"),
    bad(
        "a page with a script",
        "OWASP, XSS",
        "html",
        "r.md",
        "<html><script>fetch('//x')</script></html>",
        "documentation",
    ),
    bad(
        "a script in Markdown",
        "OWASP, XSS",
        "html",
        "r.md",
        "# Hi\n\n<script>alert(1)</script>\n",
        "documentation",
    ),
    bad("a program", HIDE, "executable", "run.txt", b"#!/bin/sh\necho 1\n", "documentation"),
    bad("an ELF", HIDE, "executable", "tool", b"\x7fELF\x02\x01\x01\x00" + bytes(40)),
    bad("a JPEG", HIDE, "picture_format", "c.png", b"\xff\xd8\xff\xe0" + bytes(40), "pictures"),
    bad("17 MB", "OpenSAFELY: 16 MB", "too_large", "t.csv", b"n\n" + b"100\n" * 4_300_000),
    bad("UTF-16", HIDE, "not_utf8", "t.csv", COUNTS.encode("utf-16")),
    bad("GBK", HIDE, "not_utf8", "t.csv", "城区,人数\n东,740\n".encode("gbk")),
    bad("NUL bytes", HIDE, "nul_bytes", "t.csv", COUNTS.encode() + b"\x00hidden"),
    bad("JSON called CSV", HIDE, "name_and_content", "t.csv", json.dumps([{"district": "east", "n": 740}])),
    bad("a way out of the folder", "CWE-22", "file_name", "../../etc/t.csv", COUNTS),
    bad(
        "cells beyond the header",
        HIDE,
        "ragged_table",
        "t.csv",
        "district,n\neast,740,P123,98213\nwest,760\n",
    ),
    bad("an empty file", HIDE, "empty_file", "t.csv", b""),
    bad("a notebook with outputs", HIDE, "notebook_outputs", "n.ipynb", notebook("1", outputs=True), "code"),
    bad(
        "a notebook with attachments",
        HIDE,
        "notebook_attachments",
        "n.ipynb",
        notebook("1", attachments=True),
        "code",
    ),
    bad(
        "a notebook with metadata",
        HIDE,
        "notebook_metadata",
        "n.ipynb",
        notebook("1", metadata={"leak": "P123"}),
        "code",
    ),
    bad(
        "a name twice in JSON",
        "RFC 8259, section 4",
        "duplicate_names",
        "t.json",
        '{"n": 740, "n": 3}',
        "mean",
    ),
    bad("Parquet with metadata", HIDE, "parquet_metadata", "t.parquet", parquet_with_metadata()),
    bad("a DataFrame with attributes", HIDE, "parquet_metadata", "t.parquet", parquet_with_attributes()),
    bad(
        "bytes after a picture's end",
        HIDE,
        "trailing_bytes",
        "c.png",
        png_chart() + b"PK hidden rows",
        "line_chart",
    ),
    bad(
        "a comment in a picture",
        HIDE,
        "picture_metadata",
        "c.png",
        png_with_chunk(b"tEXt", b"Comment\x00P123 earns 4000"),
        "line_chart",
    ),
    bad(
        "a chunk of one's own",
        HIDE,
        "picture_metadata",
        "c.png",
        png_with_chunk(b"leAk", b"P123"),
        "line_chart",
    ),
    bad("data as pixels", HIDE, "picture_of_data", "c.png", png_noise(), "line_chart"),
    bad("a second frame", HIDE, "animation", "c.png", png_frames(), "line_chart"),
    bad("a picture", ACRO, "picture_seen", "c.png", png_chart(), "scatter_plot", asked=True),
    bad("a picture declared as words", HIDE, "declared_as_other", "c.png", png_chart(), "documentation"),
    bad(
        "a script in an SVG",
        "OWASP, XSS",
        "svg_active",
        "c.svg",
        '<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>',
        "line_chart",
    ),
    bad(
        "an SVG that loads",
        "CWE-918",
        "svg_active",
        "c.svg",
        '<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
        "line_chart",
    ),
    bad(
        "an SVG with entities",
        "CWE-611",
        "svg_active",
        "c.svg",
        '<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>',
        "line_chart",
    ),
    bad("a formula", OWASP, "formula", "t.csv", 'district,n\n"=HYPERLINK(""http://x"")",740\nwest,760\n'),
    bad(
        "a formula with a plus", OWASP, "formula", "t.csv", "district,n\n+1+cmd|'/c calc'!A0,740\nwest,760\n"
    ),
    bad("a formula with an at sign", OWASP, "formula", "t.csv", "district,n\n@SUM(A1),740\nwest,760\n"),
    bad("a full-width formula", OWASP, "formula", "t.csv", "district,n\n\uff1d1+1,740\nwest,760\n"),
    # channels
    bad(
        "text that runs backwards",
        TRJ,
        "hidden_sign",
        "t.md",
        "the total is \u202e047\u202c people\n",
        "documentation",
    ),
    bad(
        "zero-width bits",
        TRJ,
        "hidden_sign",
        "t.md",
        "visits\u200b\u200c\u200b by district\n",
        "documentation",
    ),
    bad("tags", TRJ, "hidden_sign", "t.md", "visits\U000e0041\U000e0042\n", "documentation"),
    bad(
        "variation selectors",
        "Butler, 2025: bytes in an emoji",
        "hidden_sign",
        "t.md",
        "visits x\ufe01\ufe02\n",
        "documentation",
    ),
    bad("Cyrillic letters in a word", "UTS 39", "look_alike", "t.csv", "distr\u0456ct,n\neast,740\n"),
    bad(
        "mathematical letters",
        "UTS 39",
        "look_alike",
        "t.md",
        "the \U0001d41a\U0001d41b\U0001d41c group\n",
        "documentation",
    ),
    bad("Braille", HIDE, "unusual_script", "t.md", "⠁⠃⠉⠙⠑⠋⠛⠓⠊⠚⠅⠇⠍⠝⠕⠏⠟⠗⠎⠞⠥⠧\n", "documentation", asked=True),
    bad(
        "a carriage return",
        HIDE,
        "hidden_sign",
        "t.txt",
        "P123 earns 4000\rnothing to see here\n",
        "documentation",
    ),
    bad("base64 in a cell", HIDE, "blob", "t.csv", f"district,n\n{BLOB},740\nwest,760\n"),
    bad(
        "base64 in JSON",
        HIDE,
        "blob",
        "t.json",
        json.dumps({"nobs": 2980, "df": 2975, "note": BLOB}),
        "linear_regression",
    ),
    bad(
        "hexadecimal in a text",
        HIDE,
        "blob",
        "t.md",
        f"run {random.Random(2).randbytes(40).hex()}\n",
        "documentation",
    ),
    bad(
        "base85 in a text",
        HIDE,
        "blob",
        "t.md",
        base64.b85encode(random.Random(3).randbytes(200)).decode() + "\n",
        "documentation",
    ),
    bad(
        "a list of bytes",
        HIDE,
        "blob",
        "t.md",
        ", ".join(str(value) for value in random.Random(4).randbytes(60)) + "\n",
        "documentation",
    ),
    bad(
        "a number of 40 digits",
        HIDE,
        "wide_number",
        "t.csv",
        "district,n,mean\neast,740,3.1415926535897932384626433832795028841971\nwest,760,2.9\n",
        "mean",
    ),
    bad(
        "a whole number of 40 digits",
        HIDE,
        "wide_number",
        "t.json",
        '{"nobs": 2980, "df": 2975, "seed": 8472039847203984720398472039847203984720}',
        "linear_regression",
    ),
    bad(
        "spaces at the ends of lines",
        "SNOW (Kwan, 1998)",
        "hidden_whitespace",
        "t.md",
        "".join(f"line {n}{' ' * (n % 5)}{chr(9) * (n % 3)}\n" for n in range(20)),
        "documentation",
    ),
    bad(
        "results called documentation",
        HIDE,
        "results_in_words",
        "t.md",
        "| a | b |\n|---|---|\n" + "".join(f"| {n}.5 | {n}.25 |\n" for n in range(12)),
        "documentation",
    ),
    # a second, hostile reading: what the first set did not think of
    *(
        bad(
            f"persons {how}",
            HIDE,
            "raw_text",
            "codes.csv",
            frame(group=[write(one) for one in SHUFFLED.person.head(12)], n=[25] * 12),
        )
        for how, write in DISGUISES.items()
    ),
    bad(
        "persons in two columns",
        HIDE,
        "raw_text",
        "codes.csv",
        frame(a=[one[:7] for one in SHUFFLED.person], b=[one[7:] for one in SHUFFLED.person], n=[25] * 40),
    ),
    bad(
        "persons spelled out",
        HIDE,
        "raw_text",
        "t.txt",
        "".join(
            f"group {' '.join(SPELLED[int(one)] for one in person[1:])} merged\n"
            for person in SHUFFLED.person.head(3)
        ),
        "documentation",
    ),
    bad(
        "salted digests of persons",
        HIDE,
        "coded_labels",
        "codes.csv",
        frame(
            group=[hashlib.sha256(b"salt" + one.encode()).hexdigest()[:16] for one in SHUFFLED.person],
            n=[25] * 40,
        ),
    ),
    bad(
        "members listed in a cell",
        ACRO,
        "listed_units",
        "clusters.csv",
        'cluster,who,n\n1,"12;45;77",25\n2,"8;9",30\n',
        "k_means",
    ),
    bad(
        "rows in thousands, with a made-up count",
        HIDE,
        "raw_row",
        "t.csv",
        frame(a=MONEY.income / 1000, b=-MONEY.debt * 100, n=[100] * 40),
        "mean",
    ),
    bad(
        "rows in whole numbers",
        HIDE,
        "raw_row",
        "t.csv",
        frame(a=MONEY.income.round().astype(int), b=MONEY.debt.round().astype(int), n=[100] * 40),
        "mean",
    ),
    bad(
        "birthdays with the month's name",
        HIDE,
        "raw_value",
        "t.csv",
        frame(day=[f"{one:%d %b %Y}" for one in SHUFFLED.born], n=[25] * 40),
    ),
    bad(
        "two people in a sentence",
        SDC,
        "small_count",
        "t.md",
        "In the east 2 patients died; elsewhere nobody did.\n",
        "documentation",
    ),
    bad("三人,句中计数", SDC, "small_count", "t.md", "北区有 3 人患癌症,南区仅两例死亡。\n", "documentation"),
    bad(
        "a printed tree with small leaves",
        ACRO,
        "small_count",
        "tree.txt",
        "|--- income <= 1030\n|   |--- samples = 2, value = 7\n",
        "decision_rules",
    ),
    bad(
        "shares of three",
        SDC,
        "share_of_few",
        "t.csv",
        "area,share,n\na,0.33333,200\nb,0.66667,300\nc,0.14286,200\n",
        "proportion",
    ),
    bad(
        "a rate per thousand that is one case",
        SDC,
        "share_with_few",
        "t.csv",
        "district,rate_per_1000\neast,1.2\nwest,30.5\n",
        "rate",
        counts="district,n\neast,830\nwest,880\n",
    ),
    bad(
        "four in a thousand without it",
        SDC,
        "share_with_few",
        "t.csv",
        "城区,接种占比,人数\n东,99.6%,1000\n西,70.0%,900\n",
        "proportion",
    ),
    bad(
        "rows under a count that says twenty",
        HIDE,
        "group_repeated",
        "t.csv",
        frame(district=ROWS.district[:300], band=ROWS.band[:300], n=[20] * 300),
    ),
    bad(
        "a group that stands twice",
        SDC,
        "group_repeated",
        "t.csv",
        "district,n\neast,40\nwest,55\neast,60\n",
        asked=True,
    ),
    bad(
        "a share beside its suppressed count",
        SDC,
        "suppressed_cell_revealed",
        "t.csv",
        "district,n,percent\neast,*,2.5\nwest,195,97.5\n",
    ),
    bad(
        "the 99.9th percentile in a long table",
        SDC,
        "percentile_near_extreme",
        "t.csv",
        "quantile,income,n\n0.5,13000,750\n0.999,75000,750\n",
        "percentile",
    ),
    bad(
        "trips of one",
        SDC,
        "small_count",
        "od.csv",
        "origin,destination,trips\nA1,B1,1\nA2,B2,740\n",
        "origin_destination",
    ),
    bad(
        "a picture from elsewhere in Markdown",
        OWASP,
        "text_loads",
        "t.md",
        "Results of visits\n\n![x](http://example.org/?q=4711)\n",
        "documentation",
    ),
    bad(
        "HTML in Markdown",
        OWASP,
        "html",
        "t.md",
        "Results of visits\n\n<img src=x onerror=alert(1)>\n",
        "documentation",
    ),
    bad(
        "a note that Markdown does not show",
        HIDE,
        "hidden_text",
        "t.md",
        "Results of visits\n\n[//]: # (what nobody sees)\n",
        "documentation",
    ),
    bad(
        "a person as a cell's id",
        HIDE,
        "raw_text",
        "n.ipynb",
        notebook("1 + 1").replace(b'"a1"', f'"{ROWS.person[0]}"'.encode()),
        "code",
    ),
    bad("bits as pixels", HIDE, "picture_of_data", "c.png", png_bits(), "line_chart"),
    bad("a picture of nine pixels", HIDE, "picture_small", "c.png", png_bits(3), "line_chart"),
    bad(
        "rows as a model's weights",
        "Song et al., 2017",
        "raw_row",
        "m.safetensors",
        safetensors_file({"w": MONEY[["income", "debt"]].to_numpy(np.float32)}),
        "linear_model",
        counts="n\n3000\n",
    ),
    bad(
        "text as a model's weights",
        "Song et al., 2017",
        "model_text",
        "m.safetensors",
        safetensors_file({"w": np.frombuffer(MONEY.to_csv().encode()[:200], np.uint8).astype(np.float32)}),
        "linear_model",
        counts="n\n3000\n",
    ),
    bad(
        "a tree with leaves of few",
        "Song and Shmatikov, 2019",
        "model_small_leaf",
        "m.skops",
        skops_file(array=tree_nodes([2990, 10, 3])),
        "tree_ensemble",
        counts="n\n3000\n",
    ),
    bad(
        "incomes as counts",
        LIES,
        "count_beyond_data",
        "t.csv",
        frame(zone=ZONES, n=SHUFFLED.income // 5 * 5),
        asked=True,
    ),
    bad(
        "a letter for each count of visits",
        LIES,
        "few_values",
        "t.csv",
        frame(
            cluster=ZONES, n=[75] * 40, profile=["ABCDEFGHIJ"[min(9, visits)] for visits in SHUFFLED.visits]
        ),
        "k_means",
        asked=True,
    ),
    bad(
        "a bit in the sign of each estimate",
        LIES,
        "few_values",
        "t.csv",
        frame(
            term=ZONES, n=[3000] * 40, estimate=[0.1 if visits > 3 else -0.1 for visits in SHUFFLED.visits]
        ),
        "linear_regression",
        asked=True,
    ),
    bad(
        "a bit in what is suppressed",
        LIES,
        "few_values",
        "t.csv",
        frame(zone=ZONES, n=["*" if visits > 3 else "100" for visits in SHUFFLED.visits]),
        asked=True,
    ),
    bad(
        "incomes in sentences about zones",
        LIES,
        "written_numbers",
        "r.md",
        "# Zones\n\n"
        + "\n".join(
            f"{zone} (n = 75): {income:.4g}." for zone, income in zip(ZONES, SHUFFLED.income, strict=True)
        ),
        "documentation",
        asked=True,
    ),
    bad(
        "rounded incomes in source code",
        LIES,
        "written_numbers",
        "m.py",
        "W = [" + ", ".join(f"{income:.3g}" for income in SHUFFLED.income) + "]\n",
        "code",
        asked=True,
    ),
    bad(
        "incomes as the edges of bins",
        LIES,
        "transformed_copy",
        "t.csv",
        frame(bin=[f"{low:.0f}-{high:.0f}" for low, high in pairwise(sorted(SHUFFLED.income))], n=[75] * 39),
        "histogram",
    ),
    bad(
        "sixty quantiles",
        LIES,
        "curve_step",
        "t.csv",
        frame(
            q=np.linspace(0, 1, 60).round(3),
            n=[3000] * 60,
            income=np.quantile(ROWS.income, np.linspace(0, 1, 60)),
        ),
        "percentile",
    ),
    bad(
        "a count as its logarithm",
        LIES,
        "count_in_disguise",
        "t.csv",
        frame(district=["east", "west", "north"], log_n=np.log([3, 740, 2]).round(4)),
    ),
    bad(
        "incomes in a model's settings",
        LIES,
        "transformed_copy",
        "s.json",
        json.dumps({"layers": [{"rate": round(income / 1e6, 6)} for income in SHUFFLED.income]}),
        "settings",
    ),
    bad(
        "a bit a unit in a text",
        LIES,
        "blob",
        "s.json",
        json.dumps({"bits": "".join(str(int(visits > 3)) for visits in ROWS.visits[:300])}),
        "settings",
    ),
    bad(
        "一个人的故事",
        LIES,
        "small_count",
        "r.md",
        "# 结果\n\n北区一位年近九旬、住在柳巷的老人一年内就诊二十九次，是全城最多的。\n",
        "documentation",
    ),
    bad(
        "medians that are incomes",
        LIES,
        "raw_value",
        "t.csv",
        frame(zone=ZONES[:25], n=[120] * 25, median_income=SHUFFLED.income[:25]),
        "median",
    ),
]
assert SUPPORT
