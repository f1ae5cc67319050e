"""Outputs of an author who has read every check, and honest ones that look like them.

Each of HOSTILE is of a kind that passed, or was asked about for another reason, when it was written (2026-12).
"""

import json
import math

import numpy as np

from bad_outputs import ROWS, Bad, bad, frame
from good_outputs import Good, good

# fmt: off
OPEN = "an author who has read the checks, 2026-12"
PEOPLE = ROWS.sample(40, random_state=11).reset_index(drop=True)
INCOME, VISITS = PEOPLE.income.to_numpy(), PEOPLE.visits.to_numpy()
WHOLE = [int(income) for income in INCOME]
N = [25 + 5 * (place * 7 % 57) for place in range(40)]
WARDS = [f"ward {place + 1}" for place in range(40)]
RANKS = ROWS.income.rank().loc[ROWS.sample(40, random_state=11).index].astype(int).to_numpy()
KEYED = np.random.RandomState(3).permutation(len(ROWS) + 1)
PLACES = {"east": 0, "west": 1, "north": 2, "south": 3}
NAMED = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀兰霞平刚桂英华玉萍红建国志文"
SOUNDS = ["zhao", "qian", "sun", "li", "zhou", "wu", "zheng", "wang", "feng", "chen", "chu", "wei", "jiang", "shen", "han", "yang", "wei", "fang", "na", "min", "jing", "li", "qiang", "lei", "jun", "yang", "yong", "yan", "jie", "juan", "tao", "ming", "chao", "xiu", "lan", "xia", "ping", "gang", "gui", "ying", "hua", "yu", "ping", "hong", "jian", "guo", "zhi", "wen"]
DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
DIRECTIONS = ["north", "east", "south", "west", "upper", "lower", "inner", "outer", "old", "new", "high", "low", "far", "near", "left", "right"]
BITS = [int(bit) for value in WHOLE for bit in f"{value % 1024:010b}"]
FALSE = np.cumsum(np.random.RandomState(1).randint(0, 2, 80))
TRUE = np.arange(1, 81) - FALSE


def spelled(number: int) -> str:
    return " ".join(DIGITS[int(digit)] for digit in str(number))


def in_chinese(number: int) -> str:
    return "".join("零一二三四五六七八九"[int(digit)] for digit in str(number))


def in_roman(number: int) -> str:
    written = ""
    for value, sign in (
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ):
        written, number = written + sign * (number // value), number % value
    return written


def beside(**columns: object) -> str:
    return frame(ward=WARDS, n=N, **columns)


def asked(name: str, code: str, content: str, statbarn: str = "mean", file: str = "t.csv") -> Bad:
    return bad(name, OPEN, code, file, content, statbarn, asked=True)


def blocked(name: str, code: str, content: str, statbarn: str, file: str = "t.csv") -> Bad:
    return bad(name, OPEN, code, file, content, statbarn)


NUMBERS = {
    "ranks under a secret order": KEYED[RANKS],
    "remainders": [value % 1000 for value in WHOLE],
    "bits turned by a key": [value ^ 0x2AAA for value in WHOLE],
    "multiples modulo a prime": [value * 7919 % 9973 for value in WHOLE],
    "sines": np.sin(INCOME / 30_000).round(5),
    "a logistic curve of logarithms": (1 / (1 + np.exp(9.5 - np.log(INCOME)))).round(5),
    "sums of two people": ((INCOME + np.roll(INCOME, 1)) / 2).round(2),
    "mixtures of two people": (0.99 * INCOME + 0.01 * np.roll(INCOME, 7)).round(2),
    "running sums": np.cumsum(INCOME).round(2),
    "steps from row to row": np.diff(INCOME, prepend=0).round(2),
}
HOSTILE: list[Bad] = [
    *(asked(name, "free_numbers", beside(mean=values)) for name, values in NUMBERS.items()),
    asked("three columns in one number", "free_numbers", beside(index=[visits + 31 * (band + 6 * PLACES[where]) for visits, band, where in zip(VISITS, PEOPLE.band, PEOPLE.district, strict=True)]), "index_number"),
    asked("a number in two columns", "free_numbers", beside(mean_a=[value // 300 for value in WHOLE], mean_b=[value % 300 for value in WHOLE])),
    asked("scores of a component", "free_numbers", beside(component_1=(np.log(INCOME) + PEOPLE.debt / 17_000).round(4)), "principal_components"),
    asked("a curve of three people a step, said to be many", "free_numbers", frame(time=range(1, 61), survival=[round(1 - step / 80, 4) for step in range(60)], n=[3000] * 60), "kaplan_meier"),
    asked("values as names in JSON", "free_labels", json.dumps({f"{income / 7:.9f}": 740 for income in INCOME}), "frequency_table", "t.json"),
    asked("digits as names in names", "free_labels", json.dumps({str(place): {str(value)[0]: {str(value)[1:3]: {str(value)[3:] or "x": 740}}} for place, value in enumerate(WHOLE)}), "frequency_table", "t.json"),
    asked("a word before each group", "free_labels", frame(ward=[f"{DIRECTIONS[value % 16]} ward {place}" for place, value in enumerate(WHOLE)], n=N), "frequency_table"),
    asked("names in pinyin", "free_labels", frame(group=["".join(SOUNDS[NAMED.index(sign)] for sign in name) for name in PEOPLE.name], n=N, visits=VISITS)),
    asked("initials and years", "free_labels", frame(group=[f"{SOUNDS[NAMED.index(name[0])][0]}-{born.year}-{band}" for name, born, band in zip(PEOPLE.name, PEOPLE.born, PEOPLE.band, strict=True)], n=N, visits=VISITS)),
    asked("values as dates", "free_labels", frame(day=[f"{1950 + value % 70}-{1 + value // 70 % 12:02d}-{1 + value // 840 % 28:02d}" for value in WHOLE], n=N), "event_counts"),
    asked("values as times of day", "free_labels", frame(time=[f"{value // 3600 % 24:02d}:{value // 60 % 60:02d}:{value % 60:02d}" for value in WHOLE], n=N), "event_counts"),
    asked("coded numbers in sentences", "free_numbers", "\n".join(f"In ward {place} the mean was {value * 7919 % 9973}." for place, value in enumerate(WHOLE)), file="n.md"),
    asked("codes in a log", "written_numbers", "\n".join(f"loading part {value:05x} ok" for value in WHOLE), "log", "run.log"),
    asked("the order of columns", "odd_order", ",".join(["kind", *(f"ward {place}" for place in np.random.RandomState(9).permutation(24))]) + "\nn" + ",740" * 24 + "\n", "frequency_table"),
    asked("the order of a list", "odd_order", json.dumps({"wards": [f"ward {place}" for place in np.random.RandomState(9).permutation(40)]}), "documentation", "t.json"),
    asked("a pattern of suppression", "few_values", "ward" + "".join(f",m{column}" for column in range(12)) + "\n" + "".join(f"w{row}" + "".join(",740" if BITS[12 * row + column] else ",suppressed" for column in range(12)) + "\n" for row in range(18)), "frequency_table"),
    asked("the same of everybody, in words", "class_in_words", "All residents of Willow Lane in band 5 are in debt.\n", "documentation", "n.md"),
    asked("the same of everybody, in Chinese", "class_in_words", "柳巷第五组的居民全部欠债。\n", "documentation", "n.md"),
    blocked("Chinese digits in sentences", "spelled_numbers", "".join(f"第{in_chinese(place + 1)}组的编号为{in_chinese(value)}，" for place, value in enumerate(WHOLE)), "documentation", "n.md"),
    blocked("routes that spell digits", "spelled_numbers", "\n".join(f"Ward {place} was served by route {spelled(value)}." for place, value in enumerate(WHOLE)), "documentation", "n.md"),
    blocked("functions that spell digits", "spelled_numbers", "\n".join(f"def {spelled(value).replace(' ', '_')}(): pass" for value in WHOLE), "code", "a.py"),
    blocked("Roman numerals in a table", "spelled_numbers", beside(mean=[in_roman(value // 10) for value in WHOLE]), "mean"),
    blocked("Roman numerals in chapters", "spelled_numbers", "\n".join(f"Chapter {in_roman(value % 4000)}: method of ward {place}" for place, value in enumerate(WHOLE)), "documentation", "n.md"),
    blocked("one person's story, ages and sums spelled in Chinese", "one_person", "有位住柳巷的独居老太太，八十七岁，去年看病十九次，欠债四万七。\n", "documentation", "n.md"),
    blocked("one person's story, numbers spelled", "one_person", "Our eldest participant, ninety-three, from Kiln Lane, saw a doctor nineteen times and owes forty-seven thousand.\n", "documentation", "n.md"),
    blocked("a ROC curve with a person a row", "curve_step", frame(threshold=np.linspace(1, 0, 80).round(3), fpr=(FALSE / FALSE.max()).round(4), tpr=(TRUE / TRUE.max()).round(4), n=[3000] * 80), "model_performance"),
    blocked("thirds, sevenths and ninths, n made up", "share_of_few", frame(ward=WARDS[:10], n=[150] * 10, pct_ill=[33.3, 66.7, 14.3, 28.6, 42.9, 57.1, 11.1, 22.2, 44.4, 55.6]), "proportion"),
    blocked("the smallest and largest as floor and ceiling", "extreme_value", "district,floor_income,ceiling_income,n\neast,1532.12,96310.22,740\nwest,1671.87,99999.0,760\n", "mean"),
    blocked("the earliest and latest in Chinese", "extreme_value", "城区,最早年份,最晚年份,人数\n东,1931,2009,740\n西,1930,2008,760\n", "mean"),
    blocked("counts squared in an index", "no_counts", "ward,index\na,9\nb,4\nc,547600\nd,577600\n", "index_number"),
    blocked("counts as marks in a list", "count_in_disguise", json.dumps({"east": ["x"] * 3, "west": ["x"] * 740}), "frequency_table", "t.json"),
    blocked("logarithms as a saturated model's coefficients", "transformed_copy", frame(term=[f"C(street)[{place}]" for place in range(40)], coef=[round(math.log(income), 4) for income in INCOME], std_err=[0.2 + place % 7 / 100 for place in range(40)], n=[3000] * 40), "linear_regression"),
]

WEEKS = "".join(f"2025-W{week:02d},{2.8 + 0.4 * np.sin(week / 8):.2f},{2900 + 5 * week}\n" for week in range(1, 53))
ODDS = "".join(f"{place},{0.05 + 0.09 * place:.3f},{0.06 + 0.085 * place:.3f},300\n" for place in range(1, 11))
HONEST: list[Good] = [
    good("a logistic regression with a Chinese header", "t.csv", "变量,系数,标准误,p值,人数\n常数,-1.21,0.11,0.000,3000\n年龄段,0.24,0.03,0.000,3000\n", "logistic_regression"),
    good("settings with rates", "s.json", json.dumps({"learning_rate": 0.001, "batch_size": 64, "layers": [64, 32], "dropout": 0.2, "decay_rate": 0.01, "seed": 42}), "settings"),
    good("a weekly series", "t.csv", "week,mean_visits,n\n" + WEEKS, "time_series"),
    good("events of a quarter by day", "t.csv", "date,n\n" + "".join(f"2025-{month:02d}-{day:02d},{300 + 5 * (day * 13 % 40)}\n" for month in (1, 2, 3) for day in range(1, 29)), "event_counts"),
    good("events by quarter of an hour", "t.csv", "time,n\n" + "".join(f"{hour:02d}:{minute:02d},{300 + 5 * hour}\n" for hour in range(24) for minute in (0, 15, 30, 45)), "event_counts"),
    good("a calibration", "t.csv", "decile,mean_score,observed,n\n" + ODDS, "model_performance"),
    good("a ROC curve on a grid", "t.csv", "fpr,tpr,n\n" + "".join(f"{step / 20:.2f},{(step / 20) ** 0.4:.3f},3000\n" for step in range(21)), "model_performance"),
    good("stages in Roman numerals", "t.csv", "stage,n,mean_visits\nI,740,2.1\nII,610,2.6\nIII,420,3.3\nIV,160,4.8\n", "mean"),
    good("a method in Chinese", "n.md", "# 方法\n\n本研究采用泊松回归。少于十人的单元格予以合并，计数取整至五。老年居民（六十五岁以上）单列一组，数据截至二〇二五年。\n", "documentation"),
    good("groups in words", "n.md", "Older women go more often than men of the same age. All tables leave out groups of fewer than ten residents.\n", "documentation"),
    good("a life table by age", "t.csv", "age,survival,at_risk\n" + "".join(f"{age},{1 - age / 120:.3f},{3000 - 20 * age}\n" for age in range(0, 95, 5)), "life_table"),
    good("index numbers", "t.csv", "year,price_index,n\n2021,100,2900\n2022,102.4,2950\n2023,104.1,3000\n2024,103.8,2980\n", "index_number"),
    good("halves and quarters", "t.csv", "ward,n,pct_ill\n" + "".join(f"w{place},400,{share}\n" for place, share in enumerate((25.0, 50.0, 37.5, 20.0, 40.0, 12.5))), "proportion"),
    good("chapters of a report", "n.md", "".join(f"## Chapter {sign}\n\nWhat was done.\n\n" for sign in ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")), "documentation"),
]
# fmt: on
