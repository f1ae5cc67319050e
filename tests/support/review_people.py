"""The raw data of the tests of the checks: people made here, by a fixed seed, with names, birthdays,
money."""

import datetime
import random
from pathlib import Path

import pyarrow as pa

from sandbox.catalog import DatasetPolicy
from sandbox.catalog.policy_file import read_policy
from sandbox.catalog.read_table import read_table

POLICIES = Path(__file__).parents[2] / "policies"

POLICY = """
dataset: test.people
title: {zh: 居民, en: residents}
summary: {zh: 测试数据, en: made for tests}
department: health
grade: "3"
source: {name: made here, licence: Apache-2.0}
about_rows: 3000
population: residents
unit: {column: person, kind: person, max_rows: 1}
budget: {delta: "1e-6", dataset_epsilon: "10", grant_epsilon: "4", question_epsilon: "0.2"}
columns:
  person: {role: unit, type: text, title: {zh: 人员, en: person}}
  name: {role: hidden, type: text, title: {zh: 姓名, en: name}}
  born: {role: attribute, type: date, title: {zh: 出生日期, en: born}}
  street: {role: attribute, type: text, title: {zh: 街道, en: street}}
  district: {role: key, type: text, values: [east, west, north, south], title: {zh: 城区, en: district}}
  band: {role: key, type: integer, values: {from: 1, to: 5}, title: {zh: 年龄段, en: age band}}
  income: {role: measure, type: number, bounds: [0, 100000], step: "1", required: true, title: {zh: 收入, en: income}}
  visits: {role: measure, type: integer, bounds: [0, 30], step: "1", required: true, title: {zh: 次数, en: visits}}
  debt: {role: measure, type: number, bounds: [0, 100000], step: "1", required: true, title: {zh: 负债, en: debt}}
"""  # noqa: E501

SURNAMES, GIVEN = (
    "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨",
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀兰霞平刚桂英华玉萍红建国志文",
)
ROADS = ("Willow", "Harbour", "Granary", "Chapel", "Orchard", "Lantern", "Kiln", "Ferry")


def make_people(rows: int = 3000, seed: int = 7) -> tuple[pa.Table, DatasetPolicy]:
    draw = random.Random(seed)
    policy = read_policy(POLICY, schema=POLICIES / "dataset.schema.json")
    lines = ["person,name,born,street,district,band,income,visits,debt"]
    for number in range(rows):
        name = draw.choice(SURNAMES) + "".join(draw.sample(GIVEN, 2))
        born = datetime.date(1930, 1, 1) + datetime.timedelta(days=draw.randrange(29_000))
        income = round(draw.lognormvariate(9.5, 0.7), 2)
        lines.append(
            f"P{draw.randrange(10**8):08d}{number:04d},{name},{born},{draw.choice(ROADS)} Lane "
            f"{draw.randrange(1, 900)},{draw.choice(['east', 'west', 'north', 'south'])},"
            f"{draw.randrange(1, 6)},{min(income, 99_999)},{min(30, int(draw.expovariate(0.3)))},"
            f"{round(draw.uniform(0, 60_000), 2)}"
        )
    return read_table("\n".join(lines).encode(), policy), policy
