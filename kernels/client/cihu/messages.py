"""The client's own sentences, in Chinese and in English, in one table."""

import os
from collections.abc import Mapping
from typing import Any

LANGUAGES = {"zh": "中文", "en": "English"}

WORDS: dict[str, tuple[str, str]] = {
    # the catalogue
    "name": ("名称", "name"),
    "title": ("标题", "title"),
    "department": ("部门", "department"),
    "grade": ("级别", "grade"),
    "rows": ("行数", "rows"),
    "ask_it": ("可否提问", "ask it?"),
    "yes_grant": ("可以，需授权", "yes, under a grant"),
    "no_open": ("否：开放数据，见门户", "no: open data, see the portal"),
    "column": ("栏目", "column"),
    "what": ("含义", "what it is"),
    "use": ("用途", "use"),
    "type": ("类型", "type"),
    "values": ("取值或范围", "values or bounds"),
    "role.unit": ("保护对象的标识：只能 COUNT(DISTINCT …)", "names whom we protect: COUNT(DISTINCT …) only"),
    "role.key": ("分组、筛选", "group by it, filter on it"),
    "role.measure": ("求和、平均、筛选", "sum, average, filter"),
    "role.attribute": ("筛选、计数", "filter, count"),
    "role.hidden": ("不可提问", "cannot be asked"),
    "span": ("{low} 至 {high}{unit}；超出者按边界计", "{low} to {high}{unit}; beyond is clamped"),
    "protects": (
        "保护每个{kind}，每个至多计 {rows} 行。",
        "Protects each {kind}, who counts as at most {rows} rows.",
    ),
    "unit.person": ("人", "person"),
    "unit.household": ("家庭", "household"),
    "unit.firm": ("企业", "firm"),
    "needs_certificate": (
        "申报和使用须持有课程 {course} 的证书：cihu.course()",
        "To request and use it you need a certificate of the course {course}: cihu.course()",
    ),
    "open_data": (
        "开放数据：按行出售，不能用 SQL 提问。",
        "Open data: it is sold as rows, and cannot be asked in SQL.",
    ),
    "usual_price": (
        "每问默认 epsilon {question}；每项授权至多 {grant}。",
        "A question costs epsilon {question} unless you say otherwise; a grant has at most {grant}.",
    ),
    "origin_of_data": (
        "约 {rows} 行。级别 {grade}。部门：{department}。来源：{source}（{licence}）。",
        "About {rows} rows. Grade {grade}. Department: {department}. Source: {source} ({licence}).",
    ),
    "no_dataset": ("没有数据集 {name}；现有：{names}", "no dataset {name}; there are: {names}"),
    # stand-in rows
    "unreal": (
        "替代数据{of}：只按其策略随机编造，没有一行是真的，由此算出的数字毫无意义。",
        (
            "Stand-in data{of}: invented at random from its policy alone. No row is real, and no "
            "number computed from it means anything."
        ),
    ),
    "unreal_something": ("替代数据：没有一行是真的。", "Stand-in data: no row is real."),
    "unreal_dp": (
        "替代数据{of}：由带噪声的计数合成（epsilon {epsilon}），没有一行是真的，由此算出的数字只是大致如此。",
        (
            "Stand-in data{of}: synthesised from noisy counts (epsilon {epsilon}). No row is "
            "real, and numbers computed from it are only roughly right."
        ),
    ),
    # outputs that the vault computes
    "recipe_twice": ("已有名为 {name!r} 的输出", "there is an output called {name!r} already"),
    "recipe_twice_remedy": ("请用 name= 另起名称。", "Give it another name: name=…"),
    "recipe_noted": (
        "输出 {name}：提交后由保险库在真实数据上计算。",
        "Output {name}: the vault computes it on the real rows, once it is submitted.",
    ),
    "recipe_on_stand_in": ("输出 {name}（替代数据）", "Output {name}, on stand-in rows"),
    "recipe_suppressed": ("隐去 {number} 个值。", "{number} values are suppressed."),
    "recipe_withheld": ("{name} 没有输出：{why}", "{name} leaves nothing: {why}"),
    "recipes_failed": ("无法计算这些输出（{why}）", "the outputs could not be computed ({why})"),
    "no_table": ("{name} 不是表格", "{name} is no table"),
    "no_outputs": ("没有由保险库计算的输出", "there are no outputs that the vault computes"),
    "no_outputs_remedy": (
        "请在程序中使用 cihu.out，或指明文件。",
        "Use cihu.out in the program, or name the files.",
    ),
    "column_given": ("供保险库计算输出，不放行", "for the outputs that the vault computes; never released"),
    # the price
    "output": ("输出", "output"),
    "is_a": ("类别", "is a"),
    "standard_error": ("标准误", "standard error"),
    "within": ("95 % 的情况下在此范围", "95 % of the time within"),
    "of_typical": ("占典型单元格", "of a typical cell"),
    "kind.count": ("计数", "count"),
    "kind.count_distinct": ("对象计数", "count of units"),
    "kind.units": ("对象计数", "count of units"),
    "kind.sum": ("总和", "sum"),
    "kind.avg": ("平均", "average"),
    "kind.average": ("平均", "average"),
    "kind.computed": ("由结果算得", "computed"),
    "kind.variance": ("方差", "variance"),
    "kind.variance_pop": ("方差", "variance"),
    "kind.stddev": ("标准差", "standard deviation"),
    "kind.stddev_pop": ("标准差", "standard deviation"),
    "kind.covariance": ("协方差", "covariance"),
    "kind.covariance_pop": ("协方差", "covariance"),
    "kind.correlation": ("相关系数", "correlation"),
    "kind.slope": ("斜率", "slope"),
    "kind.intercept": ("截距", "intercept"),
    "kind.quantile": ("分位数", "quantile"),
    "kind.min": ("最小（1 % 分位）", "least (quantile at 1 %)"),
    "kind.max": ("最大（99 % 分位）", "most (quantile at 99 %)"),
    "at_most": ("至多 {error}", "at most {error}"),
    "would_be_free": ("以前回答过：再问免费。", "Answered before: asking it is free."),
    "price": ("价格：epsilon {epsilon}（delta {delta}）。", "Price: epsilon {epsilon} (delta {delta})."),
    "price_of": (
        "价格：epsilon {epsilon}（delta {delta}），占授权的 {percent}{standing}。",
        "Price: epsilon {epsilon} (delta {delta}), {percent} of the grant{standing}.",
    ),
    "used_after": (
        "授权将用到 {after}（现为 {now}）。",
        "The grant would be used up to {after} (now {now}).",
    ),
    "too_dear": ("超过了剩余预算。", "That is more than is left."),
    "such_questions": ("这样的问题还可问 {number} 个。", "You could ask {number} such questions."),
    "cells": ("{cells} 个单元格，每个约 {rows} 行。", "{cells} cells of about {rows} rows."),
    "key_to_find": (
        "{key} 的取值将从数据中发现：约 {units} 个以上单位共有的才显示；只买一次，价格已含在内。",
        "The values of {key} will be found in the data: those that about {units} or more units have. "
        "Bought once; it is in the price.",
    ),
    "key_found": ("{key} 的取值此前已发现：免费。", "The values of {key} were found before: free."),
    "levels_after": (
        "你们团队将用到数据集预算的 {dataset}，人群预算的 {population}。",
        "Your team would then have used {dataset} of the dataset's budget, {population} of the population's.",
    ),
    "delta_price": (
        "发现分组值花费 delta {delta}：授权的 delta 将用到 {after}（现为 {now}）。",
        "Finding the groups costs delta {delta}: the grant's delta would be used up to {after} (now {now}).",
    ),
    "as_people": ("噪声相当于（单位数）", "noise as of (units)"),
    "costs": ("花费（epsilon）", "epsilon"),
    "open_is_free": ("开放数据：精确回答，免费，无需授权。", "Open data: exact, free, without a grant."),
    "under_grant": ("{dataset}，授权 {grant}。", "{dataset}, under grant {grant}."),
    "nothing_spent": ("没有花费预算，也没有触及数据。", "Nothing was spent and no data was touched."),
    # the answer
    "free": ("以前回答过：免费{standing}。", "Answered before: free{standing}."),
    "free_badge": ("免费", "free"),
    "left_of_grant": ("；授权还剩 {left}", "; {left} of the grant is left"),
    "answer_is": ("{dataset}，回答 {id}{proof}。", "{dataset}, answer {id}{proof}."),
    "log_entry": (
        "，存证第 {entry} 条（.save_receipt(path) 保存凭证）",
        ", entry {entry} of the log (.save_receipt(path) keeps the proof)",
    ),
    "interval": ("95 %: {low} … {high}", "95 %: {low} … {high}"),
    "more_rows": ("另有 {number} 行：见 .df。", "{number} more rows: see .df."),
    "no_rows": ("没有一行满足所给条件。", "No row is left by what the question asks for."),
    "no_receipt": ("这个回答没有凭证。", "This answer has no receipt."),
    "ask_again_free": ("再问一次同样的问题：免费。", "Ask the question again: it is free."),
    "unknown_errors": ("errors={given} 不可用。", "errors={given} is not a way to show errors."),
    "errors_are": (
        '可用 "suffix"（x_error、x_low、x_high）、"levels"（两级栏目）或 "none"。',
        'Use "suffix" (x_error, x_low, x_high), "levels" (columns of two levels) or "none".',
    ),
    "no_value": ("这个回答没有可画的数值 {name}。", "This answer has no value {name} that could be drawn."),
    "values_are": ("可用：{names}。", "There are: {names}."),
    "none": ("无", "none"),
    "chart_title": ("{value}，带噪声的 95 % 区间", "{value}, with 95 % intervals of the noise"),
    # the budget
    "account": ("账户", "account"),
    "used": ("已用", "used"),
    "epsilon_spent": ("已花 epsilon", "epsilon spent"),
    "epsilon_limit": ("共", "of"),
    "left": ("剩余", "left"),
    "level.grant": ("你们团队的授权", "your team's grant"),
    "level.dataset": ("数据集，所有团队", "the dataset, all teams"),
    "level.population": ("人群，所有数据集", "the people, all datasets"),
    "level.dataset.team": ("数据集，其中你们的部分", "the dataset, your team's part"),
    "level.population.team": ("人群，其中你们的部分", "the people, your team's part"),
    "delta_left": ("剩余 delta", "delta left"),
    "keys_left": (
        "剩余 delta 还可发现 {number} 个分组表达式的取值。",
        "The delta that is left can find the groups of {number} more expressions.",
    ),
    "grant_line": (
        "授权 {grant}：{dataset}，团队 {team}，{status}，至 {until}",
        "grant {grant}: {dataset} for {team}, {status}, until {until}",
    ),
    "status.live": ("有效", "live"),
    "status.revoked": ("已撤销", "revoked"),
    "status.expired": ("已到期", "expired"),
    "no_grant": (
        "你们的团队还没有授权：请在门户的数据集页面申报。",
        "Your team has no grant yet: request one in the portal, on the dataset's page.",
    ),
    "who": ("谁", "who"),
    "when": ("时间", "when"),
    "question": ("问题", "question"),
    "of_grant": ("占授权", "of the grant"),
    "questions": ("提问数", "questions"),
    "spent_by": ("{who}：{number} 问，占授权 {percent}", "{who}: {number} questions, {percent} of the grant"),
    "spent_by_one": ("{who}:1 问，占授权 {percent}", "{who}: 1 question, {percent} of the grant"),
    "newest": ("最近花费预算的提问", "what it was spent on, newest first"),
    "nothing_asked": ("尚未花费。", "Nothing has been spent yet."),
    "question_failed": ("失败，仍计费", "failed, stays charged"),
    "question_asked": ("中断，仍计费", "cut off, stays charged"),
    # asking
    "epsilon_or_error": ("epsilon 和 error 只能给一个。", "Give epsilon or error, not both."),
    "epsilon_or_error_mend": (
        "epsilon 是价格；error 是想要的误差，由系统求价格。",
        "epsilon is the price; with error, the price is solved for.",
    ),
    "bad_number": ("{name} 应是数字，而不是 {given}。", "{name} must be a number, not {given}."),
    "bad_number_mend": (
        "请用数字 0 至 9 书写，例如 epsilon=0.5、grant=3。",
        "Write it with the digits 0 to 9, such as epsilon=0.5 or grant=3.",
    ),
    "bad_error": (
        "error 应是 0 与 1 之间的比例，而不是 {given}。",
        "error must be a share between 0 and 1, not {given}.",
    ),
    "bad_error_mend": ("error=0.05 表示 ±5 %（95 % 置信）。", "error=0.05 means ±5 % with 95 % confidence."),
    "bad_question": (
        "问题应是 SQL 文本或 cihu.table(…) 的表达式，而不是 {given}。",
        "A question is SQL text or an expression on cihu.table(…), not {given}.",
    ),
    "bad_question_mend": (
        '例如 cihu.sql("SELECT COUNT(*) AS n FROM health.visits")。',
        'For example cihu.sql("SELECT COUNT(*) AS n FROM health.visits").',
    ),
    "no_ibis": ("这个环境没有 ibis。", "Ibis is not installed here."),
    "no_ibis_mend": ("请用 SQL 提问，或安装 ibis-framework。", "Ask in SQL, or install ibis-framework."),
    "not_sql": ("这个表达式不能写成 SQL:{why}", "This expression cannot be written as SQL: {why}"),
    "not_sql_mend": (
        "请用筛选、计算、分组、聚合和排序。",
        "Use filters, computed columns, groups, aggregates and orders.",
    ),
    "own_rows": (
        "表达式里有 {name}，它不是磁湖的数据集。",
        "The expression uses {name}, which is not a dataset of Cihu's.",
    ),
    "own_rows_mend": (
        "只能用 cihu.table(…) 的表；自己的行请在回答的 .df 上处理。",
        "Use tables of cihu.table(…) only; combine your own rows with the answer's .df.",
    ),
    "asking": ("正在计算……{seconds} 秒", "asking … {seconds} s"),
    "usually": ("（通常约 {seconds} 秒）", " (usually about {seconds} s)"),
    "interrupted": ("已中断等待；保险库可能仍在回答。", "Interrupted. The vault may still be answering."),
    "interrupted_mend": (
        "若已触及数据，此问照常计费，其回答会保存：再问同样的问题即可免费得到。cihu.budget() 可查看花费。",
        "If data was touched, the question is charged and its answer is kept: ask the same again, free. "
        "cihu.budget() shows what was spent.",
    ),
    "timeout": ("保险库答复太慢。", "The vault took too long to answer."),
    "timeout_mend": (
        "请再问一次：若已回答，则已保存，免费。",
        "Ask again: if the answer was made, it is stored, and free.",
    ),
    "unreachable": ("无法连接保险库。", "The vault cannot be reached."),
    "unreachable_mend": (
        "请过一分钟再运行；若仍如此，请告诉运营人员。",
        "Wait a minute and run the cell again; if it stays so, tell the operator.",
    ),
    "no_token": (
        "此内核没有令牌，保险库无法知道它属于谁。",
        "This kernel has no token, so the vault cannot know whose it is.",
    ),
    "no_token_mend": (
        "请重启内核；`import cihu` 只在平台的笔记本中可用。",
        "Restart the kernel; `import cihu` works in the notebooks of the hub only.",
    ),
    "refused": ("保险库拒绝了（{status}）。", "The vault refused ({status})."),
    "instead": ("建议：{remedy}", "Instead: {remedy}"),
    "bad_language": ("没有语言 {given}。", "There is no language {given}."),
    "languages_are": ('可用 "zh" 或 "en"。', 'Use "zh" or "en".'),
    # the magic
    "empty_cell": ("此单元格里没有 SQL。", "There is no SQL in this cell."),
    "bad_name": ("{given} 不能作变量名。", "{given} cannot be the name of a variable."),
    "stray": (
        "SQL 应写在下面的行里，而不是第一行。",
        "Write the SQL on the lines below, not on the first line.",
    ),
    # sealed runs
    "state": ("状态", "state"),
    "reads": ("读取", "reads"),
    "limit": ("时限", "limit"),
    "file": ("文件", "file"),
    "bytes": ("字节", "bytes"),
    "stays_behind": ("不会被收取的原因", "would stay behind because"),
    "state.queued": ("排队中", "queued"),
    "state.running": ("运行中", "running"),
    "state.finished": ("已结束，待审核", "finished, to be reviewed"),
    "state.returned": ("已退回", "returned"),
    "state.released": ("已放行", "released"),
    "state.refused": ("已拒绝", "refused"),
    "state.interrupted": ("因系统中断而终止", "interrupted: the vault ended while it ran, twice"),
    "state.cancelled": ("已取消", "cancelled"),
    "run_line": ("密封运行“{name}”：{state}（团队 {team}）", "Sealed run “{name}”: {state} (team {team})"),
    "run_reads": (
        "读取 {inputs}；程序 {sha}…，存证第 {entry} 条。",
        "Reads {inputs}; program {sha}…, entry {entry} of the log.",
    ),
    "run_limit": (
        "时限 {limit}：届满时才告知结束，无论程序何时结束。",
        "Limit {limit}: its end is told when that is over, however soon the program ends.",
    ),
    "run_told": ("将于 {at} 告知结束。", "Its end will be told at {at}."),
    "release_line": ("放行申请：{state}（期限 {due}）", "request for files: {state} (due {due})"),
    "release.open": ("审核中", "in review"),
    "release.withdrawn": ("已撤回", "withdrawn"),
    "release.released": ("已放行", "released"),
    "release.returned": (
        "已退回，请按意见修改后再申请",
        "returned: change what the comments ask for, then request again",
    ),
    "release.refused": ("已拒绝", "refused"),
    "context": ("背景", "context"),
    "controls": ("控制措施", "controls"),
    "counts_file": ("支持性计数", "supporting counts"),
    "none_released": ("还没有放行的文件。", "No file has been released."),
    "bad_wish": ("请逐个文件说明。", "Each file needs its own words."),
    "bad_wish_mend": (
        '例如：request_release("table.csv", statbarn="frequencies", context="…", controls="…")',
        'For example: request_release("table.csv", statbarn="frequencies", context="…", controls="…")',
    ),
    "checked_line": (
        "按 {grade} 级规则检查（对试运行留下的文件；没有接触真实数据）：{end}",
        "Checked by the rules for grade {grade}, on what the trial left (no real row was touched): {end}",
    ),
    "checked_blocks": (
        "有 {number} 处会被阻止：请先修改程序。",
        "{number} would be blocked: correct the program first.",
    ),
    "checked_one_blocks": (
        "有 1 处会被阻止：请先修改程序。",
        "1 would be blocked: correct the program first.",
    ),
    "checked_passes": (
        "没有会被阻止的。审核时还会用真实数据查找被引用的原值，并由人决定。",
        "nothing would be blocked. A review also looks for raw values that are quoted, and people decide.",
    ),
    "checked_rules": (
        (
            "此级别：计数至少 {minimum_count}，取整到 {rounding_base} "
            "的倍数；模型与检验的自由度至少 {degrees_of_freedom}；模型每个参数至少 "
            "{units_per_parameter} 个个体。"
        ),
        (
            "At this grade: counts of at least {minimum_count}, in multiples of "
            "{rounding_base}; models and tests with at least {degrees_of_freedom} degrees of freedom; at "
            "least {units_per_parameter} units for each number of a model."
        ),
    ),
    "found": ("检查结果", "what was found"),
    "remedy": ("改正办法", "remedy"),
    "severity.blocks": ("阻止", "blocks"),
    "severity.asks": ("审核人会问", "reviewers will ask"),
    "severity.notes": ("提示", "note"),
    "fine": ("没有问题", "nothing"),
    "not_left": (
        "试运行没有留下文件 {name}；现有：{names}。",
        "The trial left no file {name}; there are: {names}.",
    ),
    "not_left_mend": (
        "先用 %%sealed … submit=no 试运行，让程序写入 cihu.outbox。",
        "Try the program first (%%sealed … submit=no), and let it write into cihu.outbox.",
    ),
    "leaves_nothing": ("{name} 不会放行。", "Nothing of {name} would leave."),
    "leaves_nothing_remedy": (
        "请先按检查结果修改，并检查该文件。",
        "Check that file, and correct first what blocks it.",
    ),
    "too_large_to_check": ("这些文件太大，不能检查。", "These files are too large to be checked."),
    "too_large_to_check_mend": (
        "合计至多 4 MiB：放行的应是汇总结果。",
        "4 MiB in all: what leaves is aggregates.",
    ),
    "run_interrupted": (
        "系统在其运行时中断 {number} 次；第一次之后会重新运行。",
        "The system ended {number} times while it ran; after the first it is run again.",
    ),
    "run_finished": (
        "输出、日志和退出状态都在隔离区，由审核人员查看。",
        "What it left, its log and its exit status are in quarantine, for the reviewers.",
    ),
    "waiting_ended": ("已停止等待；运行仍在继续。", "Waiting has ended; the run goes on."),
    "waiting_ended_mend": (
        "cihu.runs() 可查看状态，.cancel() 可取消。",
        "cihu.runs() shows its state, .cancel() calls it off.",
    ),
    "trying": (
        "先在替代数据上试运行（{inputs}）：下面的数字都不是真的。",
        "Trying it on stand-in data ({inputs}): no number below is real.",
    ),
    "trial_left": ("试运行在 cihu.outbox 中留下：", "The trial left in cihu.outbox:"),
    "nothing_left": (
        "试运行没有在 cihu.outbox 中留下文件：这样的运行不会带回任何东西。",
        "The trial left no file in cihu.outbox: such a run would bring nothing back.",
    ),
    "trial_failed": (
        "程序在替代数据上失败（状态 {status}），没有提交。",
        "The program failed on stand-in data (status {status}), so it was not handed in.",
    ),
    "trial_late": (
        "程序在替代数据上超过了时限 {limit}，没有提交。",
        "The program took longer than its limit, {limit}, on stand-in data, so it was not handed in.",
    ),
    "trial_interrupted": ("试运行已中断，没有提交。", "The trial was interrupted; nothing was handed in."),
    "trial_mend": (
        "请修改程序后再运行。程序在独立进程中运行：看不到笔记本里的变量。",
        (
            "Mend the program and run it again. It runs in a process of its own: no variable "
            "of the notebook is there."
        ),
    ),
    "no_file": ("不是普通文件", "it is no plain file"),
    "own_name": ("此名留给运行日志", "the name is kept for the run's own log"),
    "never_collected": (
        "{names} 永远不会被收取，未提交",
        "{names} would never be collected, so nothing was submitted",
    ),
    "odd_name": (
        "名称只能用字母、数字和 . _ -，且不超过四层",
        "names are letters, digits and . _ -, at most four deep",
    ),
    "too_large": ("每个文件至多 16 MiB，合计 128 MiB", "a file has at most 16 MiB, all of them 128 MiB"),
    "too_many_files": ("至多 100 个文件", "there are at most 100 files"),
    "not_an_input": (
        "{name} 不是此程序的输入；现有：{names}。",
        "{name} is no input of this program; there are: {names}.",
    ),
    "not_an_input_mend": ("请在 inputs=[...] 中写明。", "Name it in inputs=[...]."),
    "no_name": ("请给运行取名。", "The run has no name."),
    "no_inputs": ("没有写明要读取哪些数据集。", "No dataset is named that it reads."),
    "bad_limit": ("时限不能是 {given}；可用：{limits}。", "There is no limit {given}; there are: {limits}."),
    "bad_setting": ("看不懂 {given}。", "{given} is not understood."),
    "bad_submit": ("submit 只能是 yes 或 no。", "submit is yes or no."),
    "predicted": ("预测了 {rows} 行：{names}。", "Predicted {rows} rows: {names}."),
    "no_predict": ("{path} 里没有函数 predict(rows)。", "There is no function predict(rows) in {path}."),
    "no_predict_remedy": (
        "def predict(rows): 返回每行一个预测的 Series 或 DataFrame。",
        "def predict(rows): return a Series or a DataFrame with a prediction for each row.",
    ),
    "wrong_columns": (
        "predict 返回的栏目是 {got}，声明的是 {want}。",
        "predict returned the columns {got}, declared are {want}.",
    ),
    "wrong_return": ("predict 返回了 {got}。", "predict returned a {got}."),
    "wrong_rows": (
        "predict 对 {want} 行返回了 {got} 个预测。",
        "predict returned {got} predictions for {want} rows.",
    ),
    "wrong_empty": ("{name} 有空的预测。", "{name} is empty in some rows."),
    "wrong_value": (
        "{name} 的预测 {value} 不属于 {kind}。",
        "{name} is predicted as {value}, which is no {kind}.",
    ),
    "predictions_remedy": (
        "按 cihu.yaml 的 predicts 为每行返回一个预测。",
        "Return one prediction for each row, as predicts in cihu.yaml declares them.",
    ),
    "bad_interface": ("预测程序须声明 columns 和 predicts。", "A predictor declares columns and predicts."),
    "bad_interface_mend": (
        "例如：kind: predictor / columns: [age, female] / predicts: {{visits: number}}",
        "For example: kind: predictor / columns: [age, female] / predicts: {{visits: number}}",
    ),
    "bad_hint": ("hint 只能是 yes 或 no。", "hint is yes or no."),
    "hint_may": ("结束时将告知其类别（{bits} 比特）。", "Its end will be told with its class ({bits} bits)."),
    "hint_told": ("它是这样结束的：{hint}（{bits} 比特）。", "It ended so: {hint} ({bits} bits)."),
    "hint.ok": ("正常，且留下了文件", "well, and it left files"),
    "hint.program_error": ("程序出错", "an error in the program"),
    "hint.import_missing": ("缺少要导入的包", "something to import was not there"),
    "hint.memory": ("内存不足", "it took too much memory"),
    "hint.time": ("超出时限", "it took too long"),
    "hint.outbox_refused": (
        "没有留下可收取的文件",
        "what it left was not (all) collected, or it left nothing",
    ),
    "hint.not_run": ("没有运行", "it did not run"),
    "hints_left": (
        "{dataset}：提示已透露 {told} 比特，上限 {limit}。",
        "{dataset}: hints have told {told} of {limit} bits.",
    ),
    "sealed_usage": (
        '%%sealed name="各区就诊" inputs=[health.visits] limit=1m',
        '%%sealed name="visits by site" inputs=[health.visits] limit=1m',
    ),
    "unreadable": ("{path} 不能作为程序读取：{why}", "{path} cannot be read as a program: {why}"),
    "unreadable_mend": (
        "请给出一个 .py 文件，或含有 cihu.yaml 的文件夹。",
        "Give a .py file, or a folder with a cihu.yaml in it.",
    ),
    "bad_yaml": (
        "cihu.yaml 只能有 name、entry、inputs、limit、team、hint；预测程序另有 kind、columns、predicts。",
        (
            "A cihu.yaml says name, entry, inputs, limit, team, hint, and of a predictor kind, "
            "columns, predicts; no more."
        ),
    ),
    "bad_yaml_mend": (
        "例如：name: 各区就诊 / inputs: [health.visits] / limit: 1m",
        "For example: name: visits by site / inputs: [health.visits] / limit: 1m",
    ),
    # the safe-researcher course
    "course_rules": (
        "{questions} 道题，{minutes} 分钟，答对 {needed} 道为通过；今天还剩 {attempts_left} 次机会。"
        "证书有效 {valid_days} 天。",
        "{questions} questions in {minutes} minutes, {needed} right answers pass; attempts left today: "
        "{attempts_left}. A certificate is good for {valid_days} days.",
    ),
    "course_test_from": (
        "您的证书仍然有效，自 {day} 起可以续期。",
        "Your certificate is good; you can renew it from {day} on.",
    ),
    "course_attempt": ("测试 {id}：{state}", "Attempt {id}: {state}"),
    "course_right": ("答对 {right} 道；{needed} 道为通过。", "Right answers: {right}; {needed} pass."),
    "course_how": (
        "请用 attempt.answer([…]) 交卷：按顺序为 {questions} 道题各给出一个编号。只评分一次。",
        "Hand in with attempt.answer([…]): one number for each of the {questions} questions, in their order. "
        "It is marked once.",
    ),
    "course_answers": (
        "有 {questions} 道题，给出了 {given} 个答案。",
        "There are {questions} questions, and {given} answers.",
    ),
    "course_answers_remedy": (
        "请按顺序为每道题给出一个选项的编号。",
        "Give the number of one option for each question, in their order.",
    ),
    "certificate_until": ("证书有效期至 {day}。", "The certificate is good until {day}."),
    "attempt.open": ("进行中", "open"),
    "attempt.passed": ("通过", "passed"),
    "attempt.failed": ("未通过", "not passed"),
    "attempt.run_out": ("已超时", "ran out of time"),
    # competitions
    "team": ("团队", "team"),
    "until": ("截止", "until"),
    "place": ("名次", "place"),
    "ranks": ("可能名次", "ranks"),
    "score": ("得分", "score"),
    "board_interval": ("95% 区间", "95 % interval"),
    "entries": ("提交次数", "entries"),
    "from_to": ("{low} 至 {high}", "{low} to {high}"),
    "baseline": ("基准（所有人预测为 {value}）", "baseline (everybody: {value})"),
    "competition.announced": ("已公布", "announced"),
    "competition.open": ("进行中", "open"),
    "competition.judging": ("评审中", "being judged"),
    "competition.notice": ("公示中", "in public notice"),
    "competition.closed": ("已结束", "closed"),
    "competition.cancelled": ("已取消", "cancelled"),
    "phase_line": ("{title}：{opens} 至 {closes}（{zone}）", "{title}: {opens} to {closes} ({zone})"),
    "track_line": (
        "赛道 {id}（{title}）：预测 {dataset} 的 {target}，指标 {metric}；可用栏目：{features}。",
        "Track {id} ({title}): predict {target} of {dataset} by {metric}, from {features}.",
    ),
    "track_limits": (
        "每队每日至多 {per_day} 次，总计 {in_total} 次。",
        "A team has {per_day} entries a day, {in_total} in all.",
    ),
    "no_track": (
        "没有该赛道，或须指明赛道：{given}；现有：{tracks}",
        "no such track, or several: {given}; there are {tracks}",
    ),
    "no_track_remedy": ('请用 track="…" 指明其一。', 'Name one with track="…".'),
    "terms_first": (
        "参加大赛 {name} 须先阅读并接受其条款。",
        "Whoever takes part in {name} reads and accepts its terms first.",
    ),
    "terms_first_remedy": (
        "阅读 competition.terms，然后加上 accept_terms=True。",
        "Read competition.terms, then add accept_terms=True.",
    ),
    "board_precision": (
        "{people} 人；每一级为 {step}，两队差别小于 {visible} 时看不出来。",
        "{people} people; a place is a multiple of {step}; differences below {visible} do not show.",
    ),
    "board_price": (
        (
            "全部 {entries} 次提交共用 rho {rho}（约为该数据集 epsilon {of} 中的 {epsilon}）；"
            "单次得分噪声的标准差为 {sd}。"
        ),
        (
            "All {entries} entries share rho {rho}, which is about epsilon {epsilon} of the dataset's {of}; "
            "the noise of one score has a standard deviation of {sd}."
        ),
    ),
    "board_waiting": ("{waiting} 个提交等待评分。", "{waiting} entries wait for their score."),
    "entry_trying": (
        "先在 {dataset} 的替代数据上逐人试运行（没有一行是真的）……",
        "Trying it on stand-in rows of {dataset} first, person by person (no row is real) …",
    ),
    "entry_failed_people": (
        "{people} 人中有 {failed} 人没有有效预测；首个错误见上。",
        "{failed} of {people} people got no valid prediction; the first error is shown above.",
    ),
    "entry_remembers": (
        "同一个人再次预测时结果不同：预测不得依赖其他人或随机数。请固定随机种子，且不要在调用之间保存状态。",
        (
            "The same person was predicted otherwise the second time: a prediction may not depend on other "
            "people or on chance. Fix the seed, and keep nothing between calls."
        ),
    ),
    "entry_trial_remedy": (
        "请根据上面的信息改正 predict(rows)；没有提交任何内容，也不计次数。",
        "Correct predict(rows) by what is shown above. Nothing was handed in, and it costs no entry.",
    ),
    "entry_late": ("试运行超时。", "The trial took too long."),
    "entry_local_score": (
        (
            "替代数据上 {people} 人的 {metric} 得分为 {score}，榜单上将显示为 {place}。"
            "这些人是编造的：只说明程序能运行，不说明名次。"
        ),
        (
            "On {people} invented people its {metric} is {score}, which a board would show as {place}. "
            "They are invented: this says that it runs, not how it will rank."
        ),
    ),
    "entry_no_score": (
        "替代数据上的 {people} 人无法计算该指标，但程序能运行。",
        "On the {people} invented people this metric cannot be computed; but it runs.",
    ),
    "not_a_model": (
        "本次运行没有模型 {name}；有：{names}。",
        "This run has no model {name}; it has: {names}.",
    ),
    "not_a_model_remedy": (
        "请在提交时写明 models=[名称@版本]。",
        "Name it when you submit: models=[name@version].",
    ),
    "no_model_version": ("{name} 未注明版本。", "{name} names no version."),
    "entry_without_value": (
        "评分函数对 {rows} 行没有值，按 0 计。",
        "For {rows} rows the organiser's function gives no value; they count as 0.",
    ),
    "entry_line": ("提交 {id}（赛道 {track}）：{state}", "Entry {id} (track {track}): {state}"),
    "entry.queued": ("排队中", "queued"),
    "entry.running": ("评分中", "being scored"),
    "entry.scored": ("已评分", "scored"),
    "entry.failed": ("未能评分", "failed"),
    "entry.not_run": ("未曾运行", "never ran"),
    "entry.cancelled": ("已撤回", "taken back"),
    "entry.received": ("已收到", "received"),
    "entry_place": ("排在第 {place} 位。", "It is number {place} in the queue. "),
    "entry_expected": ("预计 {at} 得到分数。", "Its score is expected at {at}."),
    "entry_score": (
        "团队在榜单上的得分：{score}（95% 区间 {low} 至 {high}）。",
        "Your team's score on the board: {score} (95 % interval {low} to {high}). ",
    ),
    "entry_moved": ("该提交使榜单上升。", "This entry moved it."),
    "entry_same": (
        "该提交没有好出一级，榜单不变；它本身的得分不会告知。",
        "This entry was not better by a whole step, so the board did not move; its own score is not told.",
    ),
    "entry_counts": ("计入团队次数。", "It counts against your team's limits."),
    "entry_free": ("不计次数。", "It costs no entry."),
    "entry_wait_ended": ("已停止等待，提交仍在队列中。", "You stopped waiting. The entry keeps its place."),
    "failure.program_error": (
        "程序在真实的人上没有得到可评分的结果。请在替代数据上覆盖空值和少见取值后再提交。",
        "The program gave nothing that could be scored on real people. Try empty cells and rare values.",
    ),
    "failure.import_missing": (
        "程序导入了内核中没有的软件包。请只使用内核中已有的软件包。",
        "The program imports a package that is not there. Use those that your kernel has.",
    ),
    "failure.memory": (
        "程序所用内存超出上限。请使用更小的模型。",
        "The program took more memory than it may. Use a smaller model.",
    ),
    "failure.time": (
        "程序超时。请使用更快的模型，或以线性模型提交。",
        "The program took too long. Use a faster model, or enter a linear one.",
    ),
    "failure.output_refused": (
        "程序留下的结果不被接受。请只返回所声明的预测。",
        "What the program left was refused. Return the declared predictions alone.",
    ),
    "failure.invalid_predictions": (
        "预测值不是所声明的类型。请检查 predicts 以及空值。",
        "The predictions are not of the declared kind. Look at predicts, and at empty cells.",
    ),
    "failure.interrupted": (
        "评分被系统中断，不是程序的过错。请再次提交，或联系主办方。",
        "The scoring was cut off, through no fault of the entry. Enter it again, or ask the organiser.",
    ),
    "failure.phase_closed": (
        "轮到它之前阶段已结束。请在下一阶段提交。",
        "The phase closed before its turn came. Enter it in the next phase.",
    ),
    "failure.not_started": (
        "未能开始评分。请再次提交；若再次发生，请联系主办方。",
        "Its scoring could not begin. Enter it again; if that recurs, ask the organiser.",
    ),
    "no_competition_named": ("请指明大赛名称。", "Name the competition."),
    "entry_usage": (
        (
            '%%entry competition=名称 [track=…] [features=[age, female]] [predicts=boolean] [note="…"] '
            '[submit=no]；或 cihu.enter("名称", model=…, features=[…])，'
            'cihu.enter("名称", program="predictor.py")，cihu.enter("名称", question={{…}})'
        ),
        (
            '%%entry competition=NAME [track=…] [features=[age, female]] [predicts=boolean] [note="…"] '
            '[submit=no]; or cihu.enter("NAME", model=…, features=[…]) or '
            'cihu.enter("NAME", program="predictor.py"), cihu.enter("NAME", question={{…}})'
        ),
    ),
    "one_entry": (
        "请给出 model、program、question、document 之一。",
        "Give one of model, program, question and document.",
    ),
    "question_checking": (
        "保险库先检查该问题，并在替代数据上试算（没有一行是真的）……",
        "The vault checks the question first, and tries it on stand-in rows (no row is real) …",
    ),
    "question_can_be_entered": (
        "可以提交：查询 {dataset}，得到 {outputs}，共 {cells} 组；每次回答的 ε 为 {epsilon}。",
        "It can be handed in: it asks {dataset} for {outputs}, in {cells} groups. One answer loses epsilon "
        "{epsilon}.",
    ),
    "question_fields": ("这些字段缺少或多余：{names}。", "These fields are missing, or not known: {names}."),
    "question_fields_remedy": (
        "请给出 title、purpose、sql 和 epsilon，可加 parameters；没有提交任何内容。",
        "Give title, purpose, sql and epsilon, and parameters if it has some. Nothing was handed in.",
    ),
    "jury_track_line": (
        "赛道 {id}（{title}）：由评委评审，接受{kinds}。",
        "Track {id} ({title}): judged by a jury; it takes {kinds}.",
    ),
    "jury_track_asks": (
        "问题可查询 {dataset} 的栏目：{columns}。",
        "Questions may ask {dataset} for {columns}.",
    ),
    "kind.document": ("文档", "documents"),
    "kind.questions": ("具名隐私查询问题", "named private questions"),
    "kind_not_taken": (
        "该赛道不接受 {kind} 类提交；接受：{kinds}。",
        "This track takes no entries of kind {kind}; it takes {kinds}.",
    ),
    "kind_not_taken_remedy": (
        "模型用 cihu.enter(model=…)，程序用 %%entry，问题用 cihu.enter(question=…)，"
        "文档用 cihu.enter(document=…)。",
        "A model is entered by cihu.enter(model=…), a program by %%entry, a question by "
        "cihu.enter(question=…), a document by cihu.enter(document=…).",
    ),
    "bad_model_file": ("{name} 不是可评估的模型文件。", "{name} is no model file that is evaluated."),
    "bad_model_object": ("{got} 不是模型。", "{got} is no model."),
    "bad_model_remedy": (
        (
            '请给出已训练的 scikit-learn 估计器、{{"coefficients": […], "intercept": x}}，'
            "或 .skops、.safetensors 文件；ONNX 没有运行环境，请改用 %%entry 提交程序。"
        ),
        (
            'Give a fitted estimator of scikit-learn, {{"coefficients": […], "intercept": x}}, or a .skops '
            "or .safetensors file. ONNX has no runtime here: enter a program with %%entry."
        ),
    ),
    "no_feature": ("{name} 不是赛道 {track} 的特征。", "{name} is no feature of the track {track}."),
    "no_feature_remedy": ("可用：{features}。", "Use some of {features}."),
}

_chosen: list[str] = []


def from_environment(environment: Mapping[str, str] = os.environ) -> str:
    """What the workspace says (CIHU_LANGUAGE), else the locale; English if neither is Chinese."""
    for name in ("CIHU_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        said = environment.get(name, "").lower().replace("-", "_").partition("_")[0].partition(".")[0]
        if said in LANGUAGES:
            return said
    return "en"


def current() -> str:
    return _chosen[-1] if _chosen else from_environment()


def choose(language: str) -> None:
    """One of LANGUAGES, from now on, in this kernel."""
    _chosen[:] = [language]


def say(word: str, **parts: object) -> str:
    """A sentence of WORDS in the person's language."""
    return WORDS[word][list(LANGUAGES).index(current())].format(**parts)


def known(word: str, otherwise: str) -> str:
    """A word that the vault may have more of than we: `otherwise` when we do not know it."""
    return say(word) if word in WORDS else otherwise


def told(document: Mapping[str, Any], name: str) -> Any:
    """What the vault says in both languages, as `name` and `name_zh`, in the person's;
    English where there is no Chinese."""
    return (document.get(f"{name}_zh") if current() == "zh" else None) or document.get(name)


def titled(text: object) -> str:
    """A title as the catalogue gives it, in both languages, in the person's; or plain text."""
    if isinstance(text, dict):
        return str(
            text.get(current()) or next((text[language] for language in LANGUAGES if text.get(language)), "")
        )
    return "" if text is None else str(text)
