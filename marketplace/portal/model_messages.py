"""The words of the model library and of a team's income, each in Chinese and in English."""

MODEL_MESSAGES: dict[str, tuple[str, str]] = {
    "models": ("模型库", "Model library"),
    "models_are": (
        "经审核放行或来自大赛结果的模型，各版本附有模型卡、来源和隐私测量。模型在保险库内运行，只返回预测。",
        "Models that reviewers released or that come from the result of a competition. Each version has a "
        "card, its lineage and what was measured of its privacy. Models run in the vault, which returns "
        "predictions only.",
    ),
    "models_search": ("名称、数据集、标题或简介中的词", "Words of name, dataset, title or summary"),
    "models_none": ("没有找到模型", "No model was found"),
    "models_none_do": (
        "放行的模型文件可在其运行页登记；获奖模型可在大赛结果页登记。",
        "A released model file is registered from the page of its run, and the model of an entry from the "
        "result of its competition.",
    ),
    "models_version": ("第 {version} 版", "Version {version}"),
    "models_status.registered": ("可用", "registered"),
    "models_status.retiring": ("即将停用", "retiring"),
    "models_status.retired": ("已停用", "retired"),
    "models_last_day": ("最后一日 {day}：", "Its last day is {day}:"),
    "models_intended": ("适用用途", "Intended use"),
    "models_limits": ("不适用与局限", "Limits"),
    "models_licence": ("许可协议", "Licence"),
    "models_maintainer": ("维护人", "Maintainer"),
    "models_respond": ("{days} 天内答复", "answers within {days} days"),
    "models_registered": ("登记", "Registered"),
    "models_columns": ("输入栏目", "Columns"),
    "models_optional": ("可空", "may be empty"),
    "models_predicts": ("预测", "Predicts"),
    "models_lineage": ("来源", "Lineage"),
    "models_run": ("运行", "Run"),
    "models_entry": (
        "大赛 {competition}，赛道 {track}，提交 {entry}，第 {place} 名",
        "Competition {competition}, track {track}, entry {entry}, place {place}",
    ),
    "models_data": ("所用数据", "Data"),
    "models_file": ("文件", "File"),
    "models_bytes": ("{size} 字节", "{size} bytes"),
    "models_privacy": ("隐私测量", "Measured privacy"),
    "models_source.released_file": ("经审核放行的文件", "A file that reviewers released"),
    "models_source.released_answers": (
        "团队用已放行内容制作的文件，未做测量",
        "A file that its team made of what had been released; nothing was measured of it",
    ),
    "models_bits": (
        "文件除申报内容外至多可携带 {bits} 比特",
        "Beyond its declared content the file can carry at most {bits} bits",
    ),
    "models_weight_bits": ("每个数保留 {bits} 比特", "{bits} bits of each number are kept"),
    "models_attack": (
        "成员推断攻击：优势至多 {advantage} %，{confidence} % 置信下界 {at_least} %",
        "Membership attack: an advantage of at most {advantage} %; {confidence} % lower bound: {at_least} %",
    ),
    "models_attack_none": ("成员推断攻击：未测试", "Membership attack: not tested"),
    "models_sold": ("在售的调用产品", "Products that sell its calls"),
    "models_offer": ("将调用上架", "Put its calls on offer"),
    "models_offer_is": (
        "标题和简介取自模型卡。团队分成写入产品定义，此后不变；账单按此分成。",
        "Title and summary are those of the card. The team's share is a part of the product and does not "
        "change later. Invoices share by it.",
    ),
    "models_team_percent": ("团队分成（%）", "The team's share (%)"),
    "models_team_percent_is": ("0 至 90 的整数", "a whole number from 0 to 90"),
    "models_retire": ("公告停用", "Announce its retirement"),
    "models_retire_is": (
        "须提前 30 天公告；到期前照常预测。",
        "Callers have notice of 30 days. It predicts until its last day.",
    ),
    "models_retire_day": ("最后一日（留空为最早的一日）", "Last day (empty: the first that may be)"),
    "models_retire_product": ("公告产品停用", "Announce that this product ends"),
    "models_retire_product_is": (
        "不再出售；现有许可按通知期到期。",
        "It is sold no more, and its licences end after their notice.",
    ),
    "models_register": ("登记模型", "Register a model"),
    "models_register_this": ("登记到模型库", "Register it in the model library"),
    "models_register_is": (
        "保险库先用替代数据试算，再登记。部门的数据专员之后可将其调用上架。",
        "The vault tries it on stand-in rows first. Then an officer of its data's department can put its "
        "calls on offer.",
    ),
    "models_name": ("模型名称", "Name of the model"),
    "models_name_is": (
        "小写字母、数字和连字符；本队已有的名称即登记新版本",
        "small letters, digits and hyphens; a name of your team's gets a new version",
    ),
    "models_card": ("模型卡", "Model card"),
    "models_title_zh": ("中文标题", "Title in Chinese"),
    "models_title_en": ("英文标题", "Title in English"),
    "models_summary_zh": ("中文简介", "Summary in Chinese"),
    "models_summary_en": ("英文简介", "Summary in English"),
    "models_respond_days": ("几天内答复问题", "Days within which questions are answered"),
    "models_maintainer_is": ("团队成员的账号；留空为本人", "an account of the team; empty: you"),
    "models_competition": ("大赛", "Competition"),
    "models_entry_number": ("结果中的提交编号", "Number of the entry in the result"),
    "models_team_is": (
        "直接提交的线性模型归哪个团队；参赛成员须都在其中；只有一个团队时可留空",
        "whose a linear model becomes that was handed in by itself; all who entered are in it; empty: your "
        "only team",
    ),
    "models_path": ("放行的文件", "Released file"),
    "models_columns_are": (
        "按训练时的次序，以逗号分隔",
        "in the order in which it was fitted, with commas between them",
    ),
    "models_dataset_is": (
        "运行读取多个数据集时填写栏目所属的数据集",
        "of several that the run read, that of the columns",
    ),
    "models_predicted": ("预测的名称", "What it predicts"),
    "models_predicts_kind": ("返回", "What it returns"),
    "income": ("团队收入", "Income of the team"),
    "income_of": ("团队 {team} 的收入", "Income of the team {team}"),
    "income_is": (
        "按产品和月份汇总，不显示购买方。已计费为截至目前的计量；应得为账单中本队的分成，其中已定稿部分只因红字而变动。",
        "Sums by product and month, without buyers. Charged is what was metered so far. Your share is "
        "your part of the invoices; what is final changes only by credit notes.",
    ),
    "income_none": ("本队还没有在售的模型或问题", "No model or question of your team is on offer yet"),
    "income_none_do": (
        "在模型库登记模型，由数据所属部门上架其调用；大赛结果中的问题由该部门直接上架。",
        "Register a model in the library. An officer of its data's department puts its calls on offer, and a "
        "question of a competition's result directly.",
    ),
    "income_no_months": ("还没有调用", "There were no calls yet"),
    "income_calls": ("调用数", "Calls"),
    "income_rows": ("行数", "Rows"),
    "income_charged": ("已计费", "Charged"),
    "income_invoiced": ("已开账单", "Invoiced"),
    "income_share": ("团队应得", "Your share"),
    "income_final": ("其中已定稿", "Of which final"),
    "income_percent": ("分成 {percent} %", "share {percent} %"),
    "income_total": ("账单中团队应得合计：{yuan}", "Your share of all invoices: {yuan}"),
    "income_csv": ("下载 CSV", "Download as CSV"),
}
