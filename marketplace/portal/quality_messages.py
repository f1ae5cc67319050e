"""The words on the pages of quality and of reported problems, in Chinese and in English. `messages.py` has
them all."""

QUALITY_MESSAGES: dict[str, tuple[str, str]] = {
    "quality": ("数据质量", "Quality"),
    "quality_report": ("质量报告", "Quality report"),
    "quality_is": (
        "以下是原始数据的精确数字，仅供发布该版本的数据专员查看。",
        "These are exact figures of the rows, for the officer who published them alone.",
    ),
    "quality_of_draft_is": (
        "以下是文件的精确数字，仅供文件的负责人查看；尚未发布。",
        "These are exact figures of the file, for its officer alone. Nothing is published yet.",
    ),
    "quality_score": ("按 {standard} 评分：{total} 分", "Score by {standard}: {total} of 100"),
    "quality_no_score": ("未评分", "not scored"),
    "quality_score_is": (
        "每个维度的得分是其各项比例的平均数乘以 100，总分是各维度的平均数；没有可用指标的维度不计分。",
        "A dimension's score is 100 times the mean of its shares; the total is the mean of the dimensions. "
        "A dimension that nothing could be measured of is not scored.",
    ),
    "quality_rows": (
        "{rows} 行；文件中有 {left_out} 行被去掉，{repeated} 行与其他行完全相同",
        "{rows} rows; {left_out} rows of the file were left out, {repeated} repeat another",
    ),
    "quality_units": (
        "{units} 个保护对象；{beyond} 行超过每个对象的上限",
        "{units} units; {beyond} rows are beyond the limit of their units",
    ),
    "quality_rows_before": ("上一版 {rows} 行", "The last version had {rows}"),
    "completeness": ("完整性", "Completeness"),
    "completeness_picture": ("各栏目不为空的单元格比例", "Share of each column's cells that are filled"),
    "validity": ("符合", "Fit"),
    "cells_not_of_type": ("类型不符", "Not of the type"),
    "outside_cells": ("超出范围或取值", "Outside"),
    "distinct_values": ("不同取值", "Different"),
    "outlier_cells": ("离群", "Outliers"),
    "unused_values": ("从未出现的取值", "Values that never occur"),
    "drift": ("变化", "Drift"),
    "drift_is": (
        "群体稳定性指数，与上一版相比：0.1 以下为稳定，0.25 以上变化较大。浅色为上一版。",
        "The population stability index against the last version: below 0.1 steady, above 0.25 moved far. "
        "The pale bars are the last version.",
    ),
    "drift_withheld": (
        "第 {version} 版由 {who} 发布，其精确数字只供发布人查看，因此未作比较。",
        "Version {version} was published by {who}, who alone sees its exact figures: nothing was compared.",
    ),
    "class.Mon": ("周一", "Monday"),
    "class.Tue": ("周二", "Tuesday"),
    "class.Wed": ("周三", "Wednesday"),
    "class.Thu": ("周四", "Thursday"),
    "class.Fri": ("周五", "Friday"),
    "class.Sat": ("周六", "Saturday"),
    "class.Sun": ("周日", "Sunday"),
    "classes_shown": ("各类比例", "Share of each class"),
    "class.(empty)": ("空", "(empty)"),
    "class.(other)": ("其他", "(other)"),
    "class.true": ("是", "true"),
    "class.false": ("否", "false"),
    "newest_day": ("最新日期", "Newest day"),
    "quality_rules": ("规则", "Rules"),
    "no_quality_rules": (
        "策略中没有规则。可在策略的 expect 中写明对每一版的要求。",
        "The policy has no rules. Say under `expect` what is expected of every version.",
    ),
    "rule_kept.True": ("符合", "kept"),
    "rule_kept.False": ("不符合", "not kept"),
    "rule_stops": ("不符合则拒绝发布", "stops a version"),
    "rule_failing": ("{checked} 行中有 {failing} 行不符合", "{failing} of {checked} rows do not"),
    "rule_found": ("结果：{found}", "found: {found}"),
    "quality_public": (
        "完整性等级（差分隐私）：每个栏目判断错误的可能性不超过 {wrong} %。"
        "由 {who} 以 ε {epsilon}（δ {delta}）购置。",
        "Classes of completeness with differential privacy; each is wrong with a chance of at most {wrong} "
        "%. Bought by {who} at epsilon {epsilon}, delta {delta}.",
    ),
    "quality_rules_stand": (
        "发布每一版时都按策略中的规则检查。",
        "Every version is checked by rules of the policy when it is published.",
    ),
    "quality_no_rules": ("策略中没有质量规则。", "The policy has no rules of quality."),
    "quality_update_cycle": ("更新周期", "Updated"),
    "buy_quality": ("购置并公布完整性等级", "Tell everybody the completeness, as classes"),
    "buy_quality_is": (
        "从数据集与人群预算中支付，每个版本一次，不退还。购置后，所有人都能看到各栏目不为空的比例属于哪一级。",
        "Paid from the dataset's and the population's budget, once for a version, and never given back. "
        "Everybody then sees in which class the share of filled cells of each column is.",
    ),
    "version_notes": ("疑义的处理结果", "What became of reported problems"),
    "noted_in": ("第 {version} 版", "Version {version}"),
    "problems": ("疑义校核", "Reported problems"),
    "problems_are": (
        "使用者对数据提出的疑义，由主管部门在期限内答复；结果写入下一版的说明。",
        "Problems that people reported on data. The department answers by the due date, and the outcome "
        "stands in the notes of the next version.",
    ),
    "report_problem": ("提出疑义", "Report a problem"),
    "report_problem_is": (
        "请说明哪里不对，不要写具体某人或某行的内容。主管部门会在期限内答复。",
        "Say what is wrong, without the content of any row or person. The department answers by a due date.",
    ),
    "problem_column": ("栏目（可不选）", "Column (optional)"),
    "problem_words": ("哪里不对", "What is wrong"),
    "problem_whole": ("整个数据集", "the dataset as a whole"),
    "problem_due": ("答复期限", "Due"),
    "problem_overdue": ("已逾期", "overdue"),
    "problem_outcome": ("处理结果", "Outcome"),
    "problem_answer": (
        "答复（下一版发布后所有人可见）",
        "Answer (everybody sees it once the next version is out)",
    ),
    "problem_send_answer": ("答复", "Answer"),
    "outcome.corrected": ("已更正", "corrected"),
    "outcome.explained": ("已说明", "explained"),
    "outcome.not_a_fault": ("并非错误", "not a fault"),
    "problems_answered": ("已答复", "Answered"),
    "problems_open": ("待答复", "To be answered"),
}
