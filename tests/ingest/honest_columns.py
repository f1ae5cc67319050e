"""Columns that hold no identifier, with their headers: numbers, days, amounts, codes and labels of a city."""

import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta

ROWS = 400
DAY = date(2019, 1, 1)


def days(chance: random.Random, form: str) -> list[str]:
    return [f"{DAY + timedelta(days=chance.randrange(2000)):{form}}" for _ in range(ROWS)]


def moments(chance: random.Random, form: str) -> list[str]:
    start = datetime(2019, 1, 1)
    return [f"{start + timedelta(seconds=chance.randrange(10**8)):{form}}" for _ in range(ROWS)]


def whole(chance: random.Random, low: int, high: int) -> list[str]:
    return [str(chance.randint(low, high)) for _ in range(ROWS)]


def decimal(chance: random.Random, low: float, high: float, places: int) -> list[str]:
    return [f"{chance.uniform(low, high):.{places}f}" for _ in range(ROWS)]


def among(chance: random.Random, *texts: str) -> list[str]:
    return [chance.choice(texts) for _ in range(ROWS)]


def numbered(chance: random.Random, form: str, high: int) -> list[str]:
    return [form.format(chance.randrange(high)) for _ in range(ROWS)]


def honest_columns() -> Iterator[tuple[str, list[str]]]:
    """The header and the cells of each."""
    chance = random.Random(5)
    yield from numbers(chance)
    yield from days_and_times(chance)
    yield from codes(chance)
    yield from labels(chance)


def numbers(chance: random.Random) -> Iterator[tuple[str, list[str]]]:
    yield "序号", [str(number) for number in range(1, ROWS + 1)]
    yield "id", [str(1_000_000 + number) for number in range(ROWS)]
    yield "年龄", whole(chance, 0, 99)
    yield "age", whole(chance, 0, 99)
    yield "人数", whole(chance, 0, 5000)
    yield "户数", whole(chance, 1, 90_000)
    yield "金额", decimal(chance, 0, 90_000, 2)
    yield "amount", decimal(chance, 0, 9_000_000, 2)
    yield "amount_fen", whole(chance, 10**9, 10**11)
    yield "电话费", decimal(chance, 10, 300, 2)
    yield "通话次数", whole(chance, 0, 300)
    yield "手机号数量", whole(chance, 0, 5)
    yield "phone_count", whole(chance, 0, 9)
    yield "GDP", decimal(chance, 100, 90_000, 4)
    yield "占比", decimal(chance, 0, 1, 6)
    yield "rate", decimal(chance, 0, 1, 8)
    yield "温度", decimal(chance, -10, 40, 1)
    yield "PM2.5", whole(chance, 5, 300)
    yield "经济增长率", decimal(chance, -10, 20, 4)
    yield "身高", decimal(chance, 140, 200, 1)
    yield "体重kg", decimal(chance, 40, 110, 1)
    yield "血压", [f"{chance.randint(90, 180)}/{chance.randint(50, 110)}" for _ in range(ROWS)]
    yield "面积（平方米）", decimal(chance, 30, 300, 2)
    yield "population", whole(chance, 10**6, 10**9)
    yield "bytes", whole(chance, 10**9, 10**12)
    yield "千分位金额", [f"{chance.randint(10**6, 10**9):,}" for _ in range(ROWS)]
    yield "百分比", [f"{chance.uniform(0, 100):.2f}%" for _ in range(ROWS)]
    yield "random15", whole(chance, 10**14, 10**15 - 1)
    yield "random18", whole(chance, 10**17, 10**18 - 1)
    yield "random16", whole(chance, 10**15, 10**16 - 1)


def days_and_times(chance: random.Random) -> Iterator[tuple[str, list[str]]]:
    yield "年份", whole(chance, 1950, 2026)
    yield "year", whole(chance, 1990, 2026)
    yield "月份", whole(chance, 1, 12)
    yield "日期", days(chance, "%Y-%m-%d")
    yield "出生日期", days(chance, "%Y%m%d")
    yield "入院日期", days(chance, "%Y/%m/%d")
    yield "签订时间", days(chance, "%Y年%m月%d日")
    yield "created_at", moments(chance, "%Y-%m-%d %H:%M:%S")
    yield "timestamp", moments(chance, "%Y-%m-%dT%H:%M:%S.%f+08:00")
    yield "时间", moments(chance, "%H:%M:%S")
    yield "记录时间", moments(chance, "%Y%m%d%H%M%S")
    yield "分钟", moments(chance, "%Y%m%d%H%M")
    yield "毫秒", moments(chance, "%Y%m%d%H%M%S000")
    yield "unix_time", whole(chance, 1_500_000_000, 1_800_000_000)
    yield "unix_ms", whole(chance, 1_500_000_000_000, 1_800_000_000_000)
    yield "季度", among(chance, "2023Q1", "2023Q2", "2023Q3", "2023Q4")
    yield "星期", among(chance, "周一", "周二", "周三", "周四", "周五", "周六", "周日")
    yield "停留时长", moments(chance, "%M:%S")


def codes(chance: random.Random) -> Iterator[tuple[str, list[str]]]:
    yield "订单号", numbered(chance, "DD20240105{:06d}", 10**6)
    yield "订单编号", numbered(chance, "20240105{:010d}", 10**10)
    yield "合同编号", numbered(chance, "HT-2024-{:05d}", 10**5)
    yield "snowflake", whole(chance, 17 * 10**17, 18 * 10**17)
    yield "行政区划代码", among(chance, "420202", "420203", "420204", "420205", "420222", "420281")
    yield "邮政编码", among(chance, "435000", "435002", "435100", "435200")
    yield "ICD编码", among(chance, "I10.x00", "E11.900", "J18.9", "K29.500", "M54.5")
    yield "行业代码", whole(chance, 1011, 9799)
    yield "uuid", [f"{chance.getrandbits(128):032x}" for _ in range(ROWS)]
    yield "md5", [f"{chance.getrandbits(64):016x}{chance.getrandbits(64):016x}" for _ in range(ROWS)]
    yield "设备号", numbered(chance, "SB{:08d}", 10**8)
    yield "零填充编号", numbered(chance, "{:012d}", 10**8)
    yield "version", among(chance, "1.0.3", "2.11.0", "3.4.17")
    yield "颜色", [f"#{chance.getrandbits(24):06x}" for _ in range(ROWS)]
    yield "条形码", numbered(chance, "69{:011d}", 10**11)
    yield "文号", numbered(chance, "黄政发〔2024〕{}号", 90)
    yield "证件类型", among(chance, "居民身份证", "护照", "军官证", "港澳通行证")
    yield "脱敏手机号", [f"138****{chance.randrange(10**4):04d}" for _ in range(ROWS)]
    yield "脱敏证件", [f"420202********{chance.randrange(10**4):04d}" for _ in range(ROWS)]


def labels(chance: random.Random) -> Iterator[tuple[str, list[str]]]:
    yield "性别", among(chance, "男", "女")
    yield "是否有手机", among(chance, "是", "否")
    yield "区县", among(chance, "黄石港区", "西塞山区", "下陆区", "铁山区", "阳新县", "大冶市")
    yield (
        "城市",
        among(chance, "武汉市", "黄石市", "鄂州市", "荆州市", "宜昌市", "孝感市", "黄冈市", "咸宁市"),
    )
    yield (
        "街道",
        among(chance, "胜阳港街道", "黄石港街道", "花湖街道", "沈家营街道", "团城山街道", "新下陆街道"),
    )
    ends = ("家村", "家湾", "家畈", "家镇", "家桥", "家铺村")
    yield "村名", [chance.choice("王李张刘陈杨赵黄周吴徐孙") + chance.choice(ends) for _ in range(ROWS)]
    yield "学校", numbered(chance, "黄石市第{}中学", 30)
    yield (
        "工种",
        among(chance, "高级技工", "安全员", "施工员", "钟表修理", "管道工", "包装工", "石匠", "金属工"),
    )
    yield "科室", among(chance, "内科", "外科", "儿科", "妇产科", "急诊科", "康复科", "方便门诊")
    yield "学历", among(chance, "小学", "初中", "高中", "大专", "本科", "硕士", "博士")
    yield "职业", among(chance, "工人", "农民", "教师职业", "医务人员", "公务员", "无业", "学生群体")
    yield "天气", among(chance, "晴", "多云", "阴", "小雨", "雷阵雨", "大雪")
    yield "站点名称", among(chance, "团城山站", "湖滨路口", "人民广场", "黄石北站", "大冶湖东站")
    yield "product_name", among(chance, "Steel bar", "Cement", "Copper wire", "Valve DN50")
    yield "公司名称", numbered(chance, "黄石市第{}机械制造有限公司", 90)
    yield "线路", numbered(chance, "{}路公交", 99)
    yield "诊断", among(chance, "高血压", "糖尿病", "上呼吸道感染", "慢性胃炎", "腰椎间盘突出")
    yield "url", numbered(chance, "https://www.hs.gov.cn/item/{}.html", 10**6)
    yield "file", numbered(chance, "report_{:05d}.csv", 10**5)
    yield "name", among(chance, "alpha", "beta", "gamma", "delta")
    yield "address_type", among(chance, "home", "work", "other")
    yield "备注", among(chance, "无", "正常", "已处理", "待核实")
    yield "空", [""] * ROWS
