"""Finds what a text tells of single units: the story of one person, lists of values, rules of a tree whose
leaves hold few units, words that stand for digits."""

import re
from collections import Counter
from collections.abc import Iterator

from sandbox.disclosure.checks.column_roles import folded
from sandbox.disclosure.checks.subject import Subject
from sandbox.disclosure.files.kind import CODE, Kind
from sandbox.disclosure.files.opened import Piece
from sandbox.disclosure.finding import Finding, asks, blocks
from sandbox.disclosure.raw_values.written_forms import dates_in

WRITTEN = frozenset({Kind.TEXT, Kind.NOTEBOOK, Kind.JSON, Kind.SVG, Kind.CSV, Kind.PARQUET})
PERSON = (
    r"(?:woman|man|girl|boy|lady|gentleman|male|female|patient|person|resident|widow|widower|mother|father|student|"
    r"participant|respondent|member|user|grandmother|grandfather|worker|driver|nurse|doctor|teacher|farmer|retiree|pensioner|individual|citizen|customer|client|case|owner|firm)"
)
ONE = re.compile(
    rf"\b(?:an?|one|this|that|the|single|only|another|(?:our|the)\s+(?:eldest|oldest|youngest|richest|poorest|sickest))\s+(?:[\w-]+\s+){{0,4}}?{PERSON}\b|\b(?:Mr|Mrs|Ms|Miss)\.?\s+\w|"
    r"[一某该这那此有]\s*(?:名|位|个)?[^，。；,.;]{0,12}?(?:男|女|太太|大爷|大妈|大娘|爷爷|奶奶|姑娘|小伙|患者|病人|居民|老人|儿童|先生|女士|者|人)|唯一",
    re.IGNORECASE,
)
TENS = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
AGE = re.compile(
    r"\b\d{1,3}[- ]?(?:years?[- ]?old|y/?o)\b|"
    r"\b(?:aged|age(?:d)?(?: of)?)\s+\d{1,3}\b(?!\s*(?:-|–|to|and|or|\+))|"
    rf"\b(?:{TENS})(?:[- ](?:one|two|three|four|five|six|seven|eight|nine))?(?=,| years?\b)|"
    r"(?<![\d-])(?:\d{1,3}|[一二三四五六七八九十百零]{1,4})\s*(?:周)?岁(?!以上|以下|及|组|段|至|-|–)|"
    r"\bborn (?:in|on)\b|出生于|生于",
    re.IGNORECASE,
)
SEX = re.compile(
    r"\b(?:woman|man|girl|boy|lady|gentleman|male|female|widow|widower|mother|father|grandmother|grandfather)\b|[男女]|太太|大爷|大妈|大娘|爷爷|奶奶|姑娘|小伙",
    re.IGNORECASE,
)
PRONOUN = re.compile(r"\b(?:he|she|his|her|him|hers)\b|[他她](?!们)", re.IGNORECASE)
MONEY = re.compile(
    r"(?<![\w.])[$¥€£]?\d{1,3}(?:,\d{3})+(?:\.\d+)?|(?<![\w.])\d{4,}(?:\.\d+)?\b|\d+(?:\.\d+)?\s*(?:元|万元|yuan|RMB|dollars)|"
    r"[一二三四五六七八九十百两][千万](?:[一二三四五六七八九]|元|块|\b)|\w+[- ](?:thousand|hundred)\b",
    re.IGNORECASE,
)
PLACE = re.compile(
    r"\b(?:lives?|living|lived|resides?|residing|resident of|from|in|of)\s+(?:the\s+)?[A-Z][\w-]+|"
    r"\b(?:lane|street|road|district|"
    r"village|ward)\b|(?:住在|居住|来自|户籍)|[\u4e00-\u9fff]{1,6}(?:区|街|路|巷|里弄|镇|村|小区)",
)
HEALTH = re.compile(
    r"\b(?:diagnos\w+|admitted|hospital\w*|died|dead|ill|treated|visited|visits?|suffer\w+|"
    r"earns?|earned|owes?|owed|income|debt|saw a doctor)\b|"
    r"确诊|住院|就诊|看病|死亡|患有|收入|负债|欠",
    re.IGNORECASE,
)
GROUPED = re.compile(
    r"\b(?:average|mean|median|typical|predicted|model|expected|per)\b|平均|均值|中位|预测|每人",
    re.IGNORECASE,
)
LISTED = re.compile(
    r"(?:values?|levels?|categories|entries|ages|incomes|amounts|dates|distinct|uniques?|found|observed|seen|occurring|"
    r"取值|数值|不同值|唯一值|出现的值)[^:：\n]{0,60}[:：=]\s*\[?(.+)",
    re.IGNORECASE,
)
ITEM = re.compile(r"[^\s,;|、，；\[\]]+(?: [^\s,;|、，；\[\]]+){0,2}")
RUN = re.compile(r"(?:[+-]?\d+(?:\.\d+)?\s*[,;|、，；\s]\s*){11,}[+-]?\d+(?:\.\d+)?")
ENOUGH_ITEMS, ENOUGH_VALUES = 5, 5
CONDITION = re.compile(
    r"([A-Za-z_\u4e00-\u9fff][\w\u4e00-\u9fff]*)\s*(<=|>=|==|≤|≥|<|>|=)\s*([+-]?\d+(?:\.\d+)?)(?![\w.])"
)
BETWEEN = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*(<=|<|≤)\s*([A-Za-z_]\w*)\s*(<=|<|≤)\s*([+-]?\d+(?:\.\d+)?)")
COMPARED = {"≤": "<=", "≥": ">=", "==": "="}
TURNED = {"<": ">", "<=": ">="}
BRANCH = re.compile(r"^([|\s]*)\|?-+\s*(.*)$")
LEAF = re.compile(r"\b(?:class|value|weights|prediction|predict)\b\s*[:=]", re.IGNORECASE)
RULE = re.compile(r"\b(?:if|then|when|rule|else)\b|->|=>|→|若|如果|则|规则", re.IGNORECASE)
FEWEST_RULES = 5
WORD = re.compile(r"[A-Za-z]{2,}|[\u4e00-\u9fff]")
ALPHABET, LEAST_CODED, LEAST_POSITIONS = 16, 40, 3
SHOWN = 5


# --- one person, and lists


def one_person(subject: Subject) -> Iterator[Finding]:
    """Sentences that say several things of one person."""
    if subject.opened.kind not in WRITTEN or _is_code(subject):
        return
    shown = 0
    for where, text in _passages(subject):
        said = [bool(sign.search(text)) for sign in (AGE, SEX, PRONOUN, MONEY, PLACE, HEALTH)]
        said.append(bool(dates_in(text)))
        if not ONE.search(text) and not (said[0] and said[2]):
            continue
        many = sum(said)
        if many >= 3 and shown < SHOWN:
            shown += 1
            yield (blocks if many >= 4 and said[0] and not GROUPED.search(text) else asks)(
                "one_person",
                "single_unit",
                f"The text says {many} things of one person (age, sex, place, day, amount, or what "
                "happened).",
                "Tell of groups of enough people; leave out single people, also without their names.",
                f"文字说到某一个人的 {many} 项情况（年龄、性别、地点、日期、金额或经历）。",
                "请只描述足够大的群体，不要描述个人，隐去姓名也不行。",
                where=where,
            )


def _is_code(subject: Subject) -> bool:
    return subject.name.lower().endswith(CODE) or subject.opened.kind is Kind.NOTEBOOK


def _passages(subject: Subject) -> Iterator[tuple[str, str]]:
    """Two lines after each other, since sentences break; cells that hold a sentence."""
    if subject.opened.kind is Kind.TEXT:
        lines = [piece for piece in subject.opened.texts if piece.text.strip()]
        for number, piece in enumerate(lines):
            following = lines[number + 1].text if number + 1 < len(lines) else ""
            text = piece.text if _ends(piece.text) else f"{piece.text} {following}"
            yield piece.where, text[:2000]
    else:
        yield from ((piece.where, piece.text[:2000]) for piece in subject.words if len(piece.text) > 20)


def _ends(line: str) -> bool:
    return line.rstrip().endswith((".", "。", "!", "?", "！", "？", ":", "：", "|"))


def value_lists(subject: Subject) -> Iterator[Finding]:
    """Lists of values that were found in the data: the rare ones among them are single units'."""
    if subject.opened.kind not in WRITTEN or _is_code(subject):
        return
    for piece in subject.words:
        listed = LISTED.search(piece.text)
        items = (
            [item for item in ITEM.findall(listed.group(1)) if any(map(str.isalnum, item))] if listed else []
        )
        run = RUN.search(piece.text) if subject.opened.kind is Kind.TEXT else None
        if len(items) >= ENOUGH_ITEMS or run is not None:
            yield _list(f"{max(len(items), 12 if run else 0)} or more", piece.where)
            return
    for roles in subject.tables:
        names = [place for place, name in enumerate(roles.grid.header) if _names_values(name)]
        if (
            names
            and not roles.counts
            and len(roles.grid.rows) >= ENOUGH_VALUES
            and len(roles.grid.header) <= 2
        ):
            yield _list(str(len(roles.grid.rows)), roles.grid.where)
            return


def _names_values(name: str) -> bool:
    plain = folded(name)
    return (
        re.fullmatch(r"(?:\w+[_ ])?(?:distinct|unique|found|observed|seen|取值|唯一值)(?:[_ ]\w+)?", plain)
        is not None
    )


def _list(many: str, where: str) -> Finding:
    return asks(
        "value_list",
        "single_unit",
        f"A list of values stands here, {many} of them: rare ones are single units' own.",
        "Leave the list out, or list only what enough units share, as the policy's own categories.",
        f"此处列有数据中的值（{many} 个）：其中少见者即个别个体的值。",
        "请去掉该列表，或只列出足够多个体共有的值，如策略中的类别。",
        where=where,
    )


ALL_OF = re.compile(
    r"\b(?:all|every|each|none|no|everybody|everyone|nobody|neither|both)\b[^.;:!?]{0,60}?"
    r"\b(?:in|of|from|aged|living|with|on)\b[^.;:!?]{0,60}?\b(?:are|is|was|were|has|have|had|did|do|does)\b",
    re.IGNORECASE,
)
ALL_OF_CHINESE = re.compile(r"(?:所有|全部|全体|每一?[位个户名]|没有一[个人位户名]|无一|皆|均|无人)")
OF_PEOPLE = re.compile(
    r"\b(?:residents?|people|persons?|patients?|women|woman|men|man|children|households?|families|firms?|"
    r"students?|workers?|customers?|participants?|everybody|everyone|nobody)\b|居民|患者|病人|的人|住户|企业|学生|老人|儿童",
    re.IGNORECASE,
)
GROUP = re.compile(
    r"\b(?:band|ward|district|street|lane|road|village|group|site|ages?|aged)\b|岁|组|区|街|巷|路|村|镇",
    re.IGNORECASE,
)


def class_in_words(subject: Subject) -> Iterator[Finding]:
    """Sentences that say the same of all members of a group: who is in it is then known."""
    if subject.opened.kind not in WRITTEN or _is_code(subject) or subject.thresholds.minimum_count <= 1:
        return
    for where, text in _passages(subject):
        for sentence in re.split(r"(?<=[.!?。！？；;])\s*", text):
            told_of_all = ALL_OF.search(sentence) or ALL_OF_CHINESE.search(sentence)
            if told_of_all and all(sign.search(sentence) for sign in (OF_PEOPLE, GROUP, HEALTH)):
                yield asks(
                    "class_in_words",
                    "class_disclosure",
                    "The text says the same of all members of a group, or of none: of whoever is in it that "
                    "is then known.",
                    "Leave the sentence out, or say it of most.",
                    "文字对一组的全部成员作了同样的描述（或全部否定）：组内每个人的情况因此可知。",
                    "请删去该句，或改为对多数成员的描述。",
                    where=where,
                )
                return


# --- rules


def printed_rules(subject: Subject) -> Iterator[Finding]:
    """Rules and printed trees: each leaf holds the least count of raw rows, where its columns are known."""
    if _is_code(subject) or subject.opened.kind not in WRITTEN or subject.thresholds.minimum_count <= 1:
        return
    leaves = [*_of_tree(subject), *_of_lines(subject)]
    if not leaves:
        return
    least, few, judged = subject.thresholds.minimum_count, 0, 0
    for _where, conditions in leaves:
        counts = [raw.satisfying(conditions) for raw in subject.raw.columns] if subject.raw else []
        known = [count for count in counts if count is not None]
        judged += bool(known)
        few += any(0 < count < least for count in known)
    units = subject.raw.units if subject.raw is not None and subject.raw.columns else None
    if few or (units is not None and len(leaves) * least > units):
        yield blocks(
            "rule_of_few",
            "small_group",
            f"{few or len(leaves)} of {len(leaves)} rules or leaves hold fewer than {least} units.",
            f"Grow a smaller tree (`min_samples_leaf={least}` or more), or merge rules.",
            f"{len(leaves)} 条规则（叶）中有 {few or len(leaves)} 条所含个体不足 {least} 个。",
            f"请减小决策树（min_samples_leaf 至少 {least}），或合并规则。",
            where=leaves[0][0],
        )
    elif judged < len(leaves) and len(leaves) >= FEWEST_RULES:
        yield asks(
            "rules_without_counts",
            "small_group",
            f"{len(leaves)} rules or leaves stand here; how many units each holds is not known.",
            f"Write the rounded number of units beside each; {least} is the least.",
            f"此处有 {len(leaves)} 条规则（叶），每条所含个体数未知。",
            f"请在每条旁写明取整后的个体数，最少为 {least}。",
            where=leaves[0][0],
        )


Conditions = list[tuple[str, str, float]]


def _of_tree(subject: Subject) -> Iterator[tuple[str, Conditions]]:
    """Leaves of a tree as scikit-learn prints it, each with the conditions above it."""
    path: list[tuple[int, Conditions]] = []
    for piece in subject.opened.texts:
        branch = BRANCH.match(piece.text)
        if branch is None:
            continue
        depth = len(branch.group(1))
        path = [(level, held) for level, held in path if level < depth]
        if LEAF.search(branch.group(2)):
            if path:
                yield piece.where, [condition for _, held in path for condition in held]
        else:
            path.append((depth, _conditions(branch.group(2))))


def _of_lines(subject: Subject) -> Iterator[tuple[str, Conditions]]:
    """One rule in a line or in a cell."""
    pieces: tuple[Piece, ...] = subject.words
    for piece in pieces:
        if BRANCH.match(piece.text):
            continue
        conditions = _conditions(piece.text)
        if len(conditions) > 1 or (conditions and RULE.search(piece.text)):
            yield piece.where, conditions


def _conditions(text: str) -> Conditions:
    found: Conditions = []
    for low, first, name, second, high in BETWEEN.findall(text):
        found.append((name, TURNED[COMPARED.get(first, first)], float(low)))
        found.append((name, COMPARED.get(second, second), float(high)))
    rest = BETWEEN.sub(" ", text)
    found += [(name, COMPARED.get(how, how), float(number)) for name, how, number in CONDITION.findall(rest)]
    return found


# --- words for digits


def coded_words(subject: Subject) -> Iterator[Finding]:
    """Long rows of words from a small vocabulary: each word can stand for a digit."""
    if subject.opened.kind not in WRITTEN or _is_code(subject):
        return
    long = [
        words for piece in subject.words if len(words := WORD.findall(folded(piece.text))) >= LEAST_POSITIONS
    ]
    for piece, words in ((piece, WORD.findall(folded(piece.text))) for piece in subject.words):
        if len(words) >= LEAST_CODED and len(set(words)) <= ALPHABET:
            yield _words(piece.where)
            return
    together = Counter(word for words in long for word in words)
    if len(long) < FEWEST_RULES or sum(together.values()) < LEAST_CODED:
        return
    often = {word for word, _ in together.most_common(ALPHABET)}
    places = Counter(
        word for place in range(min(map(len, long))) for word in {words[place] for words in long} & often
    )
    mixed = sum(times > 1 for times in places.values())  # words of one dimension stand in one place
    if sum(together[word] for word in often) > 0.95 * sum(together.values()) and mixed >= FEWEST_RULES:
        yield _words("")


def _words(where: str) -> Finding:
    return blocks(
        "coded_words",
        "hidden_content",
        "The same few words stand in ever other orders: each can stand for a digit.",
        "Write sentences, or one name for each group.",
        "少数几个词以不同顺序反复出现：每个词可能代表一个数字。",
        "请写成句子，或每组只用一个名称。",
        where=where,
    )
