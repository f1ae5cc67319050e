"""`cihu quality`, `buy-quality` and the commands of reported problems, in a terminal against a real city."""

import json
from pathlib import Path

import pytest

from live_city import cihu, live_city
from story import POLICY, rows_csv

pytestmark = pytest.mark.slow

OPEN = """
dataset: city.wards
title: {zh: 病区, en: Wards}
summary: {zh: 测试, en: Made up}
department: health
grade: "1"
source: {name: made up, licence: CC0-1.0}
columns:
  ward: {role: attribute, type: text}
  beds: {role: attribute, type: integer}
"""


def test_an_officer_reads_buys_and_answers(tmp_path: Path) -> None:
    with live_city() as city:
        home = str(city.home)
        for name, policy, rows in (
            ("visits", POLICY + "expect:\n  - {complete: cost}\n", rows_csv()),
            ("wards", OPEN, b"ward,beds\na,1\nb,\n"),
        ):
            (tmp_path / f"{name}.yaml").write_text(policy)
            (tmp_path / f"{name}.csv").write_bytes(rows)
            city.visitor("lin").publish(tmp_path / f"{name}.yaml", tmp_path / f"{name}.csv")
        shown = cihu("quality", "clinic.visits", CIHU_HOME=home, COLUMNS="200")
        assert shown.returncode == 0, shown.stderr
        assert "GB/T 36344-2018" in shown.stdout and "cost is filled: not kept" in shown.stdout
        report = json.loads(cihu("quality", "clinic.visits", "--json", CIHU_HOME=home).stdout)
        assert report["version"] == 1
        bought = cihu("buy-quality", "clinic.visits", "--epsilon", "1", CIHU_HOME=home, COLUMNS="200")
        assert "at most 1 %" in bought.stdout, bought.stderr
        sent = cihu(
            "report-problem", "city.wards", "Beds of b are missing.", "--column", "beds", CIHU_HOME=home
        )
        assert "which answers by" in sent.stdout, sent.stderr
        assert "Beds of b are missing." in cihu("problems", CIHU_HOME=home, COLUMNS="200").stdout
        answered = cihu(
            "answer-problem", "1", "They are counted next month.", "--outcome", "explained", CIHU_HOME=home
        )
        assert "is answered" in answered.stdout, answered.stderr
        refused = cihu("quality", "clinic.visits", "--as", "wang", CIHU_HOME=home)
        assert refused.returncode == 1 and "Traceback" not in refused.stderr
