"""Requires that a file is declared as what it is: pictures, models, words."""

from collections.abc import Iterator

from sandbox.disclosure.checks.residuals import is_history
from sandbox.disclosure.checks.subject import Subject
from sandbox.disclosure.files.kind import MODELS
from sandbox.disclosure.files.opened import Opened
from sandbox.disclosure.finding import Finding, asks, blocks

MANY_NUMBERS = 10
LEAST_LEAVES = 4  # a tree of a forest with fewer says hardly more than a mean
PICTURES_OF = frozenset(
    {
        "pictures",
        "frequencies",
        "linear_aggregates",
        "position",
        "shape",
        "regression",
        "survival",
        "clusters",
        "links",
        "models",
        "ratios",
        "concentration",
        "tests",
    }
)


def pictures_declared(subject: Subject) -> Iterator[Finding]:
    if subject.opened.kind in ("png", "svg") and subject.statbarn.id not in PICTURES_OF:
        yield _wrong("a picture", "图片", "pictures")


def models_declared(subject: Subject) -> Iterator[Finding]:
    """A model in a file is declared as one, and checked as one."""
    if subject.opened.kind in MODELS and subject.statbarn.id != "models":
        yield _wrong("a model", "模型", "models")


def model_size(subject: Subject) -> Iterator[Finding]:
    """A model with nearly as many numbers as there are units can hold them."""
    per, opened = subject.thresholds.units_per_parameter, subject.opened
    if opened.kind not in MODELS:
        return
    said = (
        [
            value
            for place in (subject.supporting.counts if subject.supporting else ())
            for value in subject.supporting.numbers[place]
            if value
        ]
        if subject.supporting
        else []
    )
    units = int(min(said)) if said else subject.raw.units if subject.raw is not None else None
    if units is None:
        yield asks(
            "no_counts",
            "unexplained",
            f"The model holds {opened.parameters:,} numbers; on how many units it stands is not known.",
            "Give supporting counts with the number of units in a column `n`.",
            f"模型有 {opened.parameters:,} 个参数，训练个体数未知。",
            "请在支撑计数中用列 n 给出个体数。",
        )
    elif opened.parameters * per > units:
        yield blocks(
            "model_too_large",
            "memorising",
            f"The model holds {opened.parameters:,} numbers for {units:,} units: it can remember them.",
            f"Use a smaller model: at least {per} units for each number{_smaller(opened, units // per)[0]}.",
            f"模型有 {opened.parameters:,} 个参数，而个体仅 {units:,} 个，可能记住个体。",
            f"请使用更小的模型：每个参数至少对应 {per} 个个体{_smaller(opened, units // per)[1]}。",
        )
    yield asks(
        "model_seen",
        "memorising",
        "A model can repeat what it learned from.",
        "Look at the membership test's result, and at how the program measured the losses.",
        "模型可能复述训练数据。",
        "请查看成员推断检验结果，以及程序如何计算损失值。",
    )


def _smaller(opened: Opened, most: int) -> tuple[str, str]:
    """What to set so that the model holds at most this number of numbers."""
    size = opened.size
    if size.trees and size.in_trees * 2 > opened.parameters:
        each = size.in_trees / size.leaves
        leaves = int((most - (opened.parameters - size.in_trees)) / each) if size.leaves else 0
        trees = max(1, min(size.trees, leaves // LEAST_LEAVES))
        if leaves < LEAST_LEAVES:
            return "; so few units bear no tree", "；个体过少，不足以支持一棵树"
        sets = f"max_leaf_nodes={leaves // trees}" + (f", n_estimators={trees}" if size.trees > 1 else "")
        return f": train with `{sets}` or less", f"：请以 {sets} 或更小的值训练"
    if size.largest:
        told = ", ".join(f"{name} {many:,}" for name, many in size.largest)
        return (
            (
                f" (most are in {told}); a search's final model, trained anew with what it found "
                "(`Lasso` for `LassoCV`), keeps no path or scores"
            ),
            (
                f"（主要在 {told}）；调参后用选定的参数重新训练最终模型（如以 Lasso 代替 LassoCV），"
                "不保留路径与得分"
            ),
        )
    return "", ""


def no_results(subject: Subject) -> Iterator[Finding]:
    """What is declared as words holds no tables of results."""
    for roles in subject.tables:
        if is_history(roles):
            continue  # what a training run says of its steps is asked about as such
        numbers = sum(value is not None for values in roles.numbers for value in values)
        if numbers >= MANY_NUMBERS:
            yield blocks(
                "results_in_words",
                "unexplained",
                f"The file is declared as text without results, and holds {numbers} numbers in a table.",
                "Declare it as what the table shows.",
                f"声明为不含结果的文字，但其中有含 {numbers} 个数值的表格。",
                "请按表格内容声明。",
                where=roles.grid.where,
            )
            return


def _wrong(what: str, zh: str, barn: str) -> Finding:
    return blocks(
        "declared_as_other",
        "unexplained",
        f"The file is {what}, and is not declared as one.",
        f"Declare it as `{barn}` or one of its analyses.",
        f"该文件是{zh}，但声明为其他类型。",
        f"请声明为 {barn} 或其中一种分析。",
    )
