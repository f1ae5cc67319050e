"""Computes the findings of a file.
Pure: the same decoded file, declaration, rules and raw values always give the same."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from sandbox.disclosure.checks.differences import differences
from sandbox.disclosure.checks.free_values import free_together
from sandbox.disclosure.checks.registry import CHECKS
from sandbox.disclosure.checks.subject import Subject
from sandbox.disclosure.declaration import Declaration
from sandbox.disclosure.decode import UNREADABLE, Decode, Decoded, Undecoded, decode_here
from sandbox.disclosure.files.kind import MODELS, Kind
from sandbox.disclosure.files.opened import Grid
from sandbox.disclosure.finding import Finding, Severity, Unfit, asks, blocks, notes
from sandbox.disclosure.form import Form
from sandbox.disclosure.raw_values.raw_values import RawValues
from sandbox.disclosure.taxonomy import DisclosureRules

ORDER = {Severity.BLOCKS: 0, Severity.ASKS: 1, Severity.NOTES: 2}
MOST_FINDINGS = 100
MEASURED = notes(
    "measured",
    "unexplained",
    "The vault computed it itself from a recipe that was fixed before any raw row was read, and counted who "
    "stands behind each number.",
    "Nothing to do.",
    "由保险库按读取原始数据之前即已确定的配方计算，并清点了每个数背后的个体。",
    "无需处理。",
)
OF_AUTHORS = frozenset(
    {
        "picture_seen",
        "model_seen",
        "share_of_few",
        "no_contributions",
        "totals_do_not_add_up",
        "authors_word",
        "few_values",
        "bin_edges",
        "count_beyond_data",
        "free_numbers",
        "free_labels",
        "odd_order",
        "list_lengths",
    }
)
"""What is asked because a program's author could have done anything.
No program made what is measured."""
log = logging.getLogger("cihu.disclosure")


def check_file(
    name: str, content: bytes, declared: Declaration, rules: DisclosureRules, raw: RawValues | None
) -> list[Finding]:
    """What is wrong with the file, the gravest first. Never raises for what a file or a declaration says.

    `name` is its path in the outbox, `raw` what is known of the run's inputs (without it no
    quote is looked for).
    """
    return _check(_decoded({name: (content, declared)}, rules, decode_here)[name], rules, raw)


@dataclass
class CheckedFile:
    """`leaves`: the name and the bytes that would be released; None of a file that is blocked.
    `bits`: what they can carry at most; None where there is no bound."""

    findings: list[Finding]
    leaves: tuple[str, bytes] | None = None
    bits: float | None = None

    def beside(self, more: Sequence[Finding]) -> "CheckedFile":
        """With what was found of it by other means: nothing leaves of what that blocks."""
        blocked = any(finding.severity is Severity.BLOCKS for finding in more)
        findings = _sorted([*self.findings, *more])
        return CheckedFile(findings) if blocked else CheckedFile(findings, self.leaves, self.bits)


def check_files(
    files: Mapping[str, tuple[bytes, Declaration]],
    rules: DisclosureRules,
    raw: RawValues | None,
    decode: Decode = decode_here,
) -> dict[str, CheckedFile]:
    """What is wrong with each file of a request, alone and beside the others, and what would leave of it.
    `decode` is asked once, for all files and their supporting counts."""
    decoded = _decoded(files, rules, decode)
    checked = {path: CheckedFile(_check(file, rules, raw)) for path, file in decoded.items()}
    for path, findings in _check_together(decoded, rules, raw).items():
        checked[path].findings += findings
    for path, file in decoded.items():
        if not any(finding.severity is Severity.BLOCKS for finding in checked[path].findings):
            try:
                checked[path].leaves = file.decoded.require_leaves()
                checked[path].bits = file.decoded.bits
            except Unfit as unfit:
                checked[path].findings.append(unfit.finding)
    return checked


@dataclass(frozen=True)
class _File:
    """A file to check, decoded, and its supporting counts."""

    name: str
    content: bytes
    declared: Declaration
    decoded: Decoded
    counts: Decoded | None


def _decoded(
    files: Mapping[str, tuple[bytes, Declaration]], rules: DisclosureRules, decode: Decode
) -> dict[str, _File]:
    taxonomy = rules.taxonomy
    wanted = [Undecoded(path, content, rules.form(declared)) for path, (content, declared) in files.items()]
    counts = {
        path: Undecoded(
            "counts.parquet" if declared.counts.startswith(b"PAR1") else "counts.csv",
            declared.counts,
            leaves=False,
        )
        for path, (_, declared) in files.items()
        if declared.counts is not None
    }
    done = iter(decode([*wanted, *counts.values()], taxonomy.file_limits))
    opened = {path: next(done) for path in files}
    supporting = {path: next(done) for path in counts}
    return {
        path: _File(path, content, declared, opened[path], supporting.get(path))
        for path, (content, declared) in files.items()
    }


def _check(file: _File, rules: DisclosureRules, raw: RawValues | None) -> list[Finding]:
    found: list[Finding] = []
    try:
        subject, findings = _subject(file, rules, raw)
        found += findings
        for check in dict.fromkeys((*rules.taxonomy.always, *subject.statbarn.checks)):
            found += CHECKS[check](subject)
        found += _canonical(subject, file, rules)
    except Unfit as unfit:
        found.append(unfit.finding)
    except Exception as error:  # noqa: BLE001  # whatever hostile bytes made a library raise; its words could quote a value
        log.warning("a file could not be checked: %s", type(error).__name__)
        found.append(UNREADABLE)
    return _sorted([*_fit_for(file.declared, found), *_computed(file.declared)])


def _canonical(subject: Subject, file: _File, rules: DisclosureRules) -> Iterator[Finding]:
    """Author and reviewers know that it leaves otherwise than it was written, and what it can carry.
    What cannot be written anew blocks."""
    if subject.opened.kind not in (Kind.CSV, Kind.JSON, Kind.PARQUET, *MODELS):
        return
    _, leaves = file.decoded.require_leaves()
    if file.decoded.bits is not None:
        yield _capacity(subject, file.decoded.bits)
    if leaves != file.content:
        form = rules.form(file.declared)
        yield _model_form(form) if subject.opened.kind in MODELS else _table_form(form)


def _table_form(form: Form) -> Finding:
    digits = form.most_digits
    fewest = form.digits_of([1])
    why, zh = (
        (f", {fewest} where fewer units are behind them", f"，个体较少的保留 {fewest} 位")
        if fewest < digits
        else ("", "")
        if form.counted
        else (", as how many units are behind them is its author's word", "（个体数仅为作者所称）")
    )
    return notes(
        "canonical_form",
        "hidden_content",
        "It leaves in its canonical form: rows in order; numbers that are no counts with "
        f"{digits} significant digits{why}.",
        "Nothing to do.",
        f"将以规范形式放行：各行按顺序排列；除计数外，数值保留 {digits} 位有效数字{zh}。",
        "无需处理。",
    )


def _model_form(form: Form) -> Finding:
    bits = form.weight_bits
    return notes(
        "canonical_form",
        "hidden_content",
        f"It leaves in its canonical form: each number with {bits} significant bits (about "
        f"{bits * 0.301:.0f} digits), without addresses, dates and texts of the tool that wrote it.",
        "Look whether its predictions stay as you need them: `cihu.check()` gives what would leave.",
        f"将以规范形式放行：每个数值保留 {bits} 个二进制有效位（约 {bits * 0.301:.0f} 位十进制），"
        "去除保存工具写入的地址、日期和文字。",
        "请查看其预测是否仍符合需要：cihu.check() 会给出将放行的文件。",
    )


def _capacity(subject: Subject, bits: float) -> Finding:
    rules = subject.thresholds
    much = 0 < rules.capacity_bits < bits
    return (asks if much else notes)(
        "capacity",
        "hidden_content",
        f"It can carry at most {bits:,.0f} bits that nobody sees, whatever its author did"
        + (f"; more than {rules.capacity_bits:,} are asked about." if much else "."),
        "Leave out rows and columns that nobody needs." if much else "Nothing to do.",
        f"无论作者如何处理，该文件最多可携带 {bits:,.0f} 比特无人看见的信息"
        + (f"；超过 {rules.capacity_bits:,} 比特须说明。" if much else "。"),
        "请去掉不需要的行和列。" if much else "无需处理。",
    )


def check_together(
    files: Mapping[str, tuple[bytes, Declaration]], rules: DisclosureRules, raw: RawValues | None
) -> dict[str, list[Finding]]:
    """What files of one request show together, by file:
    small differences, totals that reveal what another table suppressed.

    Files that cannot be opened are left out: `check_file` says why.
    """
    return _check_together(_decoded(files, rules, decode_here), rules, raw)


def _check_together(
    files: Mapping[str, _File], rules: DisclosureRules, raw: RawValues | None
) -> dict[str, list[Finding]]:
    subjects = []
    for file in files.values():
        with suppress(Exception):  # `check_file` says what is wrong with it
            subjects.append(_subject(file, rules, raw)[0])
    found = differences(subjects)
    for name, findings in free_together(subjects).items():
        found.setdefault(name, []).extend(findings)
    return {name: _sorted(_fit_for(files[name].declared, findings)) for name, findings in found.items()}


def _computed(declared: Declaration) -> Iterator[Finding]:
    """Of what the vault computed: that it did, or which expressions of the author's made what it computed.

    An expression can give one unit a value that stands out of any sum, mean or fit, and let a suppressed cell
    say yes or no. So people look at each.
    """
    if declared.measured:
        yield MEASURED
    if declared.expressions:
        shown = "; ".join(declared.expressions)
        yield asks(
            "own_expressions",
            "single_unit",
            f"The vault computed it, from expressions of its author: {shown}",
            "Look whether each is about groups: one that singles out few units, or gives them another value, "
            "can tell theirs. Plain columns and public keys without a filter are not asked about.",
            f"由保险库计算，但使用了作者自己的表达式：{shown}",
            "请查看每个表达式是否针对群体：挑出少数个体、或赋予其特殊值的表达式会泄露其取值。不带筛选的原始栏目和公开分组栏不需询问。",
        )


def _fit_for(declared: Declaration, found: list[Finding]) -> list[Finding]:
    """Of what is measured nothing is asked that only a program's author could answer."""
    return [finding for finding in found if not (declared.measured and finding.code in OF_AUTHORS)]


def _sorted(found: list[Finding]) -> list[Finding]:
    return sorted(dict.fromkeys(found), key=lambda finding: ORDER[finding.severity])[:MOST_FINDINGS]


def _subject(file: _File, rules: DisclosureRules, raw: RawValues | None) -> tuple[Subject, list[Finding]]:
    declared = file.declared
    barn = rules.statbarn(declared.statbarn)
    if barn is None:
        known = ", ".join(rules.statbarns)
        raise Unfit(
            blocks(
                "unknown_statbarn",
                "unexplained",
                f"{declared.statbarn[:60]!r} is no statbarn and no analysis.",
                f"Use one of {known}.",
                f"没有名为 {declared.statbarn[:60]!r} 的统计类别或分析。",
                f"请使用：{known}。",
            )
        )
    opened = file.decoded.require_opened()
    found = list(opened.findings)
    counts: Grid | None = None
    if file.counts is not None:
        try:
            counts = _counts(file.counts)
        except Unfit as unfit:
            found.append(
                blocks(
                    "counts_unreadable",
                    "unexplained",
                    f"The supporting counts cannot be used: {unfit.finding.message}",
                    unfit.finding.remedy,
                    f"支撑计数无法使用：{unfit.finding.zh}",
                    unfit.finding.remedy_zh,
                )
            )
    return Subject(file.name, opened, declared, barn, rules.thresholds, counts, raw), found


def _counts(decoded: Decoded) -> Grid:
    opened = decoded.require_opened()
    if len(opened.grids) != 1:
        raise Unfit(
            blocks(
                "counts_unreadable",
                "unexplained",
                "They are not one table.",
                "Give one CSV or Parquet table.",
                "不是一张表。",
                "请提供一张 CSV 或 Parquet 表。",
            )
        )
    return opened.grids[0]
