"""Says in Chinese what `outputs.py` declares in English, for pages that show both. What is stored and logged
is the English declaration; this follows from the same recipe."""

from collections.abc import Mapping, Sequence

from sandbox.jobs.recipes.outputs import FOLDER, authors_in, listed, shown_part, suffix_of
from sandbox.jobs.recipes.recipe import (
    ChartRecipe,
    CrosstabRecipe,
    CurveRecipe,
    HistogramRecipe,
    MeansRecipe,
    ModelRecipe,
    Recipe,
    RegressionRecipe,
    SurvivalRecipe,
    TableRecipe,
    TextRecipe,
    needs_author,
)

CONTROLS = (
    "由保险库按配方计算，配方在读取任何原始数据行之前即已固定：每个数字背后的单位数由保险库清点，"
    "过小的和由少数单位主导的数字已隐去，连同会由此推出它们的数字；计数已取整。"
)
AUTHOR = "栏目 {columns} 由程序计算：其取值由作者负责。"
NAMED = "{part}（{label}）"
FAMILIES = {"linear": "线性", "logistic": "逻辑", "poisson": "泊松", "cox": "Cox"}
MODELS = {"linear": "线性", "logistic": "逻辑", "tree": "决策树"}
CURVES = {"roc": "ROC", "pr": "精确率-召回率", "calibration": "校准"}


def declared_zh(recipes: Sequence[Recipe]) -> dict[str, tuple[str, str]]:
    """Context and controls of each file that recipes leave, by its path."""
    named = {recipe.name: recipe for recipe in recipes}
    found = {}
    for recipe in recipes:
        source = named[recipe.of] if isinstance(recipe, ChartRecipe) else recipe
        author = AUTHOR.format(columns="、".join(authors_in(source))) if needs_author(source) else ""
        context = f"{recipe.about} " if recipe.about else ""
        path = f"{FOLDER}/{recipe.name}{suffix_of(recipe)}"
        found[path] = (context + _said(recipe, named), CONTROLS + author)
    return found


def _said(recipe: Recipe, named: Mapping[str, Recipe]) -> str:
    match recipe:
        case TextRecipe():
            return "在读取任何原始数据行之前写好的文字。"
        case ChartRecipe():
            return f"{recipe.y} 按 {recipe.x} 的图，取自已放行的表格。{_said(named[recipe.of], named)}"
        case TableRecipe():
            what = listed(recipe.measures, NAMED)
        case MeansRecipe():
            what = f"{listed(recipe.columns, NAMED)} 的均值与标准差"
        case CrosstabRecipe():
            what = "单位数"
        case RegressionRecipe():
            watched = f"，时间为 {recipe.time}" if recipe.time is not None else ""
            what = f"{FAMILIES[recipe.family]}回归 {recipe.formula}{watched}"
        case CurveRecipe():
            what = f"{shown_part(recipe.score)} 对 {recipe.truth} 的 {CURVES[recipe.curve]} 曲线"
        case SurvivalRecipe():
            what = f"{recipe.time} 的 Kaplan-Meier 曲线，事件为 {recipe.event}"
        case HistogramRecipe():
            what = f"{recipe.column} 的直方图，组距 {recipe.width:g}"
        case ModelRecipe():
            what = f"由 {listed(recipe.features, NAMED)} 预测 {recipe.target} 的{MODELS[recipe.model]}模型"
    by = getattr(recipe, "by", {})
    grouped = f"，按 {listed(by, NAMED)} 分组" if by else ""
    where = f"，条件为 {recipe.where}" if recipe.where else ""
    return f"数据集 {recipe.dataset}{where}：{what}{grouped}。"
