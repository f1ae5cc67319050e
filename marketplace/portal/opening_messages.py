"""The words on the pages of reviews before a dataset opens, of data elements and of responsibilities, in both
languages."""

OPENING_MESSAGES: dict[str, tuple[str, str]] = {
    "openings": ("安全审查", "Reviews before opening"),
    "opening_review": ("开放前安全审查", "Review before it opens"),
    "openings_are": (
        "数据集首次开放、级别变化、栏目增加或制作开放副本之前须完成审查。审查完成前，该版本不能用于授权、产品或开放数据。",
        "A dataset is reviewed before it opens for the first time, before its grade changes, before it shows "
        "more, and before an open copy is made. Until then nobody uses the version.",
    ),
    "opening_at_publishing_is": (
        "请逐项确认；未确认的项目可在发布后回答，此前该版本不开放。",
        "Confirm what holds. What is not confirmed can be answered after publishing; until then the version "
        "is held.",
    ),
    "opening_state.waiting": ("待审查", "waits"),
    "opening_state.opened": ("已开放", "opened"),
    "opening_state.refused": ("已拒绝", "refused"),
    "opening_state.superseded": ("已被后续版本取代", "superseded by a later version"),
    "asked_of.system": ("系统已确认", "confirmed by the system"),
    "asked_of.publisher": ("由发布人回答", "for the publisher"),
    "asked_of.second_person": ("由复核人回答", "for the second person"),
    "look_at_columns": ("请查看：{columns}", "look at {columns}"),
    "opening_overdue": ("已逾期", "overdue"),
    "opening_due": ("截止 {day}", "due {day}"),
    "opening_yes": ("是", "yes"),
    "opening_no": ("否", "no"),
    "opening_why": ("说明（系统未能确认时必填）", "Why (needed where the system could not confirm it)"),
    "send_answers": ("提交回答", "Send the answers"),
    "opening_last_is": (
        "全部回答“是”后，该版本随即开放。",
        "With the last yes the version opens at once.",
    ),
    "refuse_opening": ("拒绝开放", "Refuse"),
    "refuse_opening_is": (
        "拒绝不会删除任何内容；相应的草稿可修改后重新发布。",
        "A refusal removes nothing: the draft can be corrected and published again.",
    ),
    "reason_to_open": ("审查原因", "Why it is reviewed"),
    "version_is_held": ("第 {version} 版待安全审查", "Version {version} waits for its review"),
    "responsibilities": ("职责与移交", "Responsibilities"),
    "responsibilities_are": (
        "数据专员离任或停用账号前，将其负责的事项一次移交给同事；未指定时由责任清单中的代理人接手。",
        "Before an officer leaves or an account is closed, what they answer for is handed over in one act to "
        "a colleague; without a name, the deputy of the responsibility list takes over.",
    ),
    "show_it": ("查看", "Show"),
    "holding.draft": ("草稿", "draft"),
    "holding.pull": ("采集", "pull"),
    "holding.push_credential": ("推送凭据", "push credential"),
    "holding.push": ("进行中的推送", "push under way"),
    "holding.derivation": ("派生", "derivation"),
    "holding.opening_review": ("安全审查", "review before opening"),
    "holding.lifecycle_step": ("待复核的终止操作", "step that waits for a second officer"),
    "holding.output_review": ("输出审核席位", "seat in an output review"),
    "holding.list_entry": ("责任清单", "responsibility list"),
    "holding.dataset": ("数据集", "dataset"),
    "holding.access_request": ("使用申报", "access request"),
    "holding.problem_report": ("疑义", "reported problem"),
    "holding.demand": ("数据需求", "demand"),
    "holding_shared": ("本部门任一数据专员均可办理", "any officer of the department can do it"),
    "no_colleague_here": (
        "{department} 没有其他在职数据专员，以上事项将无人办理。",
        "{department} has no other live officer: all this would hang.",
    ),
    "hand_over_and_close": ("移交并停用账号", "Hand over and close the account"),
    "elements": ("数据元", "Data elements"),
    "elements_are": (
        "栏目可引用数据元，沿用其类型、名称、代码表和取值范围。数据元的修改不影响已发布的版本。",
        "A column that refers to a data element takes type, title, code list and bounds from it. A change of "
        "an element changes no version that is published.",
    ),
    "element_standard": ("依据标准", "Standard"),
    "element_of_city": ("本市规定", "set by the city"),
    "element_used_by": ("使用该数据元的数据集", "Datasets that use it"),
    "element_changed_since": ("数据元已修改，与该版本不一致", "the element has changed since"),
    "copy_of_columns": ("开放副本：{columns}", "open copy of {columns}"),
}
