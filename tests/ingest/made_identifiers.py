"""Makes valid identifiers, each by its own plain arithmetic, which shares nothing with what is tested."""

import random
from datetime import date, timedelta

REGIONS = ("110101", "310115", "420202", "420222", "440305", "650102", "710000", "810000", "830000")
CREDIT = "0123456789ABCDEFGHJKLMNPQRTUWXY"
SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰文建国志红梅晓东海波"


def resident_identity(chance: random.Random) -> str:
    born = date(1930, 1, 1) + timedelta(days=chance.randrange(33_000))
    body = f"{chance.choice(REGIONS)}{born:%Y%m%d}{chance.randrange(1000):03d}"
    return body + identity_check(body)


def identity_check(body: str) -> str:
    """GB 11643-1999, annex A, as it stands there: the weights, and the table of check characters."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return "10X98765432"[sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True)) % 11]


def resident_identity_15(chance: random.Random) -> str:
    born = date(1930, 1, 1) + timedelta(days=chance.randrange(25_000))
    return f"{chance.choice(REGIONS)}{born:%y%m%d}{chance.randrange(1000):03d}"


def social_credit(chance: random.Random) -> str:
    body = chance.choice(("91", "92", "12", "51")) + chance.choice(REGIONS)
    body += "".join(chance.choice(CREDIT) for _ in range(9))
    total, weight = 0, 1
    for sign in body:
        total += CREDIT.index(sign) * weight
        weight = weight * 3 % 31
    return body + CREDIT[-total % 31]


def bank_card(chance: random.Random) -> str:
    start, length = chance.choice(
        (("6222", 19), ("6217", 19), ("6228", 16), ("4392", 16), ("5187", 16), ("356885", 16), ("37", 15))
    )
    body = start + "".join(chance.choice("0123456789") for _ in range(length - len(start) - 1))
    return body + luhn_check(body)


def luhn_check(body: str) -> str:
    total = 0
    for place, digit in enumerate(reversed(body)):
        number = int(digit) * (2 if place % 2 == 0 else 1)
        total += number // 10 + number % 10
    return str(-total % 10)


def mobile(chance: random.Random) -> str:
    number = f"1{chance.randint(3, 9)}{chance.randrange(10**9):09d}"
    three = f"{number[:3]} {number[3:7]} {number[7:]}"
    return chance.choice(
        (number, f"+86{number}", f"+86 {number}", f"86-{number}", three, three.replace(" ", "-"))
    )


def landline(chance: random.Random) -> str:
    area = chance.choice(("010", "027", "0714", "0755"))
    number = f"{chance.randint(2, 8)}{chance.randrange(10**7):07d}"
    return chance.choice((f"{area}-{number}", f"({area}){number}", f"（{area}）{number}", f"{area} {number}"))


def plate(chance: random.Random) -> str:
    place = chance.choice("京沪鄂粤苏浙湘豫") + chance.choice("ABCDEF")
    rest = "".join(chance.choice("ABCDEFGHJKLMNPQRSTUVWXYZ0123456789") for _ in range(5))
    green = f"{chance.choice('DF')}{chance.randrange(10**5):05d}"
    return place + chance.choice(("", "·")) + chance.choice((rest, green))


def email(chance: random.Random) -> str:
    name = "".join(chance.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(8))
    return f"{name}@{chance.choice(('qq.com', '163.com', 'mail.hs.gov.cn', 'Example.ORG'))}"


def ipv4(chance: random.Random) -> str:
    return ".".join(str(chance.randrange(256)) for _ in range(4))


def ipv6(chance: random.Random) -> str:
    return f"2001:db8:{chance.randrange(65536):x}::{chance.randrange(65536):x}"


def address(chance: random.Random) -> str:
    district = chance.choice(("湖北省黄石市黄石港区", "黄石市下陆区", "大冶市", ""))
    road = chance.choice(("湖滨大道", "杭州东路", "团城山街道桂林路", "金湖街道", "磁湖路"))
    number = f"{chance.randint(1, 300)}号{chance.choice(('', f'{chance.randint(1, 30)}栋', '2单元301室'))}"
    return district + road + number


def name(chance: random.Random) -> str:
    return chance.choice(SURNAMES) + "".join(chance.choice(GIVEN) for _ in range(chance.randint(1, 2)))


def passport(chance: random.Random) -> str:
    return f"E{chance.choice('ABCDEFGH0123456789')}{chance.randrange(10**7):07d}"


def permit(chance: random.Random) -> str:
    return f"{chance.choice('HM')}{chance.randrange(10**8):08d}"


def coordinates(chance: random.Random) -> str:
    return f"{chance.uniform(114.5, 115.5):.6f},{chance.uniform(29.5, 30.5):.6f}"


# kind, how one is made, a header that names it, whether it is recognised without the header
MADE = (
    ("resident_identity_number", resident_identity, "公民身份证号", True),
    ("resident_identity_number_15", resident_identity_15, "id_card", True),
    ("social_credit_code", social_credit, "统一社会信用代码", True),
    ("bank_card_number", bank_card, "银行卡号", True),
    ("mobile_number", mobile, "联系电话", True),
    ("landline_number", landline, "座机", True),
    ("vehicle_plate", plate, "车牌号", True),
    ("email", email, "E-mail", True),
    ("ipv4_address", ipv4, "IP", True),
    ("ipv6_address", ipv6, "clientIp", True),
    ("address", address, "家庭住址", True),
    ("person_name", name, "患者姓名", True),
    ("passport_number", passport, "护照号码", True),
    ("travel_permit_number", permit, "回乡证号", True),
    ("coordinate_pair", coordinates, "经纬度", True),
    ("longitude", lambda chance: f"{chance.uniform(-180, 180):.6f}", "lon", False),
    ("latitude", lambda chance: f"{chance.uniform(29, 31):.6f}", "纬度", False),
    ("medical_record_number", lambda chance: f"ZY{chance.randrange(10**8):08d}", "住院号", False),
    ("social_security_number", lambda chance: f"{chance.randrange(10**10):010d}", "个人社保号", False),
)
