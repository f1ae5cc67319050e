"""The words on the pages of versions, announcements and demands, in Chinese and in English."""

LIFE_MESSAGES: dict[str, tuple[str, str]] = {
    "versions": ("版本", "Versions"),
    "versions_are": (
        "每一版改了什么，对已有的提问有何影响。内容只来自策略，不涉及数据。",
        "What each version changed, and what it means for questions that worked. It comes from policies, "
        "none from rows.",
    ),
    "published_at": ("发布", "Published"),
    "notes_of_version": ("版本说明", "Notes"),
    "in_use": ("现用", "in use"),
    "withdrawn": ("已撤回", "withdrawn"),
    "changes": ("变更", "Changes"),
    "changes_between": ("从第 {first} 版到第 {second} 版", "From version {first} to version {second}"),
    "no_changes": ("策略没有变化。", "The policy is the same."),
    "effect.compatible": ("兼容", "compatible"),
    "effect.additive": ("有新增", "additive"),
    "effect.breaking": ("不兼容", "breaking"),
    "compare": ("比较", "Compare"),
    "version_from": ("从版本", "From version"),
    "version_to": ("到版本", "To version"),
    "retires_on": ("停用日期", "Last day"),
    "responsible": ("责任人", "Who answers for it"),
    "deputy": ("代理：{name}", "deputy: {name}"),
    "step_of.collect": ("采集", "collecting"),
    "step_of.publish": ("发布", "publishing"),
    "step_of.grant": ("授权审批", "grants"),
    "step_of.review": ("内容审核", "reviews"),
    "step_of.answer_demands": ("需求答复", "answers to demands"),
    "life_of_dataset": ("撤回、停用、删除", "Withdraw, retire, erase"),
    "life_is": (
        "撤回有误的版本后，提问改用上一版；停用须提前公告；删除后数据无法恢复，名称不再使用。"
        "四级及以上须由两位数据专员完成。原因对使用者公开。",
        "After a wrong version is withdrawn, questions use the one before. A retirement is announced ahead. "
        "What is erased cannot be had back, and the name is not used again. From grade 4 on it takes two "
        "officers. Those who use the dataset read the reason.",
    ),
    "step.withdraw": ("撤回版本", "Withdraw a version"),
    "step.retire": ("停用数据集", "Retire the dataset"),
    "step.erase": ("删除数据", "Erase the rows"),
    "step_state.proposed": ("待复核", "waits for a second officer"),
    "step_state.erasing": ("正在删除", "being erased"),
    "step_state.done": ("已完成", "done"),
    "step_state.dropped": ("已取消", "taken back"),
    "what_to_do": ("操作", "What to do"),
    "version_number": ("版本号（撤回时填写）", "Version (to withdraw)"),
    "last_day": ("最后一日（停用时填写）", "Last day (to retire)"),
    "propose": ("提交", "Submit"),
    "agree_to_step": ("同意", "Agree"),
    "take_back": ("取消", "Take back"),
    "open_work": (
        "未结束的运行 {runs} 个，待审核 {reviews} 个",
        "{runs} runs not over, {reviews} reviews wait",
    ),
    "demands": ("需求清单", "Demands"),
    "demands_are": (
        "目录中没有的数据，可在此向部门提出需求。需求与答复对所有登录用户公开。",
        "Ask a department here for data that the catalogue has not. Everybody who is logged in reads what is "
        "asked and answered.",
    ),
    "demand_title": ("需要什么数据", "Which data"),
    "make_demand": ("提出需求", "Ask for it"),
    "answer_demand": ("答复", "Answer"),
    "answer_in_words": ("答复说明", "Answer in words"),
    "met_by": ("对应的数据集（已满足时填写）", "The dataset that meets it (if it is met)"),
    "demand.open": ("待答复", "open"),
    "demand.planned": ("计划中", "planned"),
    "demand.met": ("已满足", "met"),
    "demand.declined": ("不予提供", "declined"),
    "urgent": ("不兼容变更的紧急原因", "Why a breaking change is urgent"),
    "notes_are": (
        "对所有人公开，请勿写入数据中的内容。",
        "Everybody reads them: write nothing that stands in the rows.",
    ),
    "urgent_is": (
        "若此版会使授权持有者的提问失效且未提前公告，须说明原因；原因会记入日志。",
        "Needed where this version breaks questions of those who have a grant, and was not announced: the "
        "reason is logged.",
    ),
}
