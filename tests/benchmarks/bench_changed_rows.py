"""How much memory do cleaning, adding rows and deriving take?
A file of visits is published with cleaning steps, a push adds rows to it, and a
dataset is derived from it. What is measured, and how, is as in `bench_publish.py`.
"""

import argparse
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import yaml

from asked_vault import AskedVault
from benchmarks.bench_publish import Run, Watch, city
from benchmarks.visits import make_visits
from held_versions import open_held

STEPS = """
  - trim: [病区]
  - drop_rows: "金额 > 5000"
  - derive: 日均
    as: 金额 / (天数 + 1)
  - deduplicate: [身份证号, 就诊日期, 疾病编码, 病区]
"""


def run(asked: AskedVault, path: Path, rows: int) -> None:
    with asked.start() as vault, Watch(vault.pid) as watch:
        way = Run(asked, watch)
        policy, dataset = _published(way, path, STEPS)
        _derive(way, policy, dataset)
        # nothing is appended where a step looks for duplicates
        _, dataset = _published(way, path, STEPS[: STEPS.rindex("  - deduplicate")], "health.appended")
        _append(way, dataset, path, rows)
        print(f"  peak {way.peak >> 20} MiB (goal 700 MiB)", flush=True)


def _published(way: Run, path: Path, steps: str, name: str = "") -> tuple[dict[str, Any], str]:
    file = way.send("lin", "POST", "/v1/uploads", params={"name": path.name}, content=path.read_bytes())
    draft = way.send("lin", "POST", "/v1/drafts", json={"file": file["id"]})
    policy = yaml.safe_load(draft["policy"])
    policy["dataset"] = name or policy["dataset"]
    policy["steps"] = yaml.safe_load(steps)
    policy["columns"]["日均"] = {"role": "attribute", "type": "number"}
    way.told("upload, draft", counts=False)
    text = yaml.safe_dump(policy, allow_unicode=True, sort_keys=False)
    at = f"/v1/drafts/{draft['id']}"
    saved = way.send("lin", "PUT", at, json={"revision": draft["revision"], "policy": text})
    assert not saved["problems"], saved["problems"]
    way.send("sun", "POST", f"{at}/agree", json={"revision": saved["revision"]})
    with ThreadPoolExecutor(1) as pool:
        followed = pool.submit(way.follow, file["id"])
        done = way.send("lin", "POST", f"{at}/publish", json={"revision": saved["revision"]})
        followed.result()
    print(f"  {done['rows']:,} rows after the steps")
    open_held(done, way.send, publisher="lin", second="tang")
    way.told("opened", counts=False)
    return policy, str(done["dataset"])


def _append(way: Run, dataset: str, path: Path, rows: int) -> None:
    """A third of the rows once more."""
    again = path.with_suffix(".again.parquet")
    pq.write_table(pq.read_table(path).slice(0, rows // 3), again)
    push = way.send("lin", "POST", f"/v1/datasets/{dataset}/pushes", json={"mode": "append"})
    at = f"/v1/datasets/{dataset}/pushes/{push['id']}"
    way.send(
        "lin",
        "POST",
        f"{at}/batches",
        content=again.read_bytes(),
        headers={"Idempotency-Key": "1", "Content-Type": "application/vnd.apache.parquet"},
    )
    way.told("push: batch", counts=False)
    way.send("lin", "POST", f"{at}/complete", json={})
    done = way.send("sun", "POST", f"{at}/agree", json={})
    assert done["state"] == "published", done
    way.told("append")


def _derive(way: Run, policy: dict[str, Any], dataset: str) -> None:
    unit = policy["unit"]["column"]
    derived = dict(policy) | {
        "dataset": f"{dataset}_derived",
        "columns": {
            unit: policy["columns"][unit],
            "amount": {"role": "attribute", "type": "number", "grade": "4"},
            "days": {"role": "attribute", "type": "integer", "grade": "4"},
        },
        "derive": f"SELECT a.{unit}, a.金额 AS amount, b.days FROM {dataset}@1 AS a LEFT JOIN "
        f"(SELECT {unit}, SUM(天数) AS days FROM {dataset}@1 GROUP BY {unit}) AS b USING ({unit})",
    }
    for key in ("steps", "file", "expect", "inputs"):
        derived.pop(key, None)
    text = yaml.safe_dump(derived, allow_unicode=True, sort_keys=False)
    made = way.send("lin", "POST", "/v1/derivations", json={"policy": text})
    name = f"/v1/derivations/{made['dataset']}"
    way.send("sun", "POST", f"{name}/agree", json={"revision": made["revision"]})
    way.told("propose", counts=False)
    done = way.send("lin", "POST", f"{name}/run", json={})
    assert done["state"] == "published", done
    way.told("derive")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--folder", type=Path, default=Path("/tmp/cihu-bench"))
    asked_for = parser.parse_args()
    path = make_visits(asked_for.folder, asked_for.rows, "parquet")
    with city() as asked:
        run(asked, path, asked_for.rows)


if __name__ == "__main__":
    main()
