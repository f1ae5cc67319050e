"""The words of the pages that explain decisions, each in Chinese and in English."""

DECISION_MESSAGES: dict[str, tuple[str, str]] = {
    "decisions": ("被拒绝的操作", "Refused deeds"),
    "decisions_are": (
        "规则拒绝的操作，最新的在前：您自己的；数据专员还可看到涉及本部门对象的；审计人员可看到全部。每一项都有说明。",
        "What the rules refused, the newest first: your own; for data officers also what was asked of their "
        "department\u2019s objects; for auditors all. Each is explained.",
    ),
    "no_decisions": ("没有被拒绝的操作。", "Nothing was refused."),
    "asked_to": ("请求的操作", "Asked to"),
    "decision_why": ("为什么", "Why"),
    "decision_why_of": ("说明（记录 {entry}）", "Explain entry {entry}"),
    "decision_allowed": ("允许", "allowed"),
    "decision_refused": ("拒绝", "refused"),
    "rule_text": ("规则原文", "Text of the rule"),
    "rules_changed": (
        "此后规则已有变更。下列规则为现行文本。",
        "The rules have changed since. Their text here is the present one.",
    ),
    "rules_deciding": ("由哪条规则决定", "Which rule decided"),
    "rules_could": ("可以允许此操作的规则", "Rules that can allow it"),
    "what_would_change": ("怎样才会允许", "What would have to be different"),
    "ways_are": (
        "以下每一项单独满足即可（已用规则重新判定）：",
        "Each of these is enough by itself (the rules were asked again with it):",
    ),
    "and_then": ("，并且", ", and "),
    "full_stop": ("。", "."),
    "decided_on": ("依据的情况", "What was decided on"),
    "decided_on_is": (
        "只列出您可以查看的内容，均为作出决定时的情况。",
        "What you may see of it, as it was when it was decided.",
    ),
    "attribute_of": ("属于", "Of"),
    "attribute_name": ("项目", "What"),
    "attribute_value": ("内容", "Value"),
    "attribute.principal": ("人员", "the person"),
    "attribute.resource": ("对象", "the object"),
    "attribute.context": ("当时", "the moment"),
    "what_if": ("询问规则", "Ask the rules"),
    "what_if_is": (
        "某人现在能否对某对象进行某项操作，以及为什么。数据专员可询问本部门的对象，审计人员可询问任何对象，账号管理人员可询问不属于任何部门的对象。",
        "Whether somebody may do something with an object now, and why. Data officers ask of their "
        "department\u2019s objects, auditors of any, and those who look after accounts of what is no "
        "department\u2019s.",
    ),
    "what_if_person": ("谁", "Who"),
    "what_if_person_hint": (
        "登录名；未登录的任何人写 public",
        "a login name, or public for anybody without an account",
    ),
    "what_if_action": ("做什么", "Does what"),
    "what_if_object": ("对象", "With what"),
    "what_if_object_hint": (
        "名称或编号，如 health.visits 或 12",
        "its name or number, as health.visits or 12",
    ),
    "what_if_team": ("为哪个团队", "For which team"),
    "what_if_team_hint": ("仅用于申请数据集", "only where somebody asks for a dataset"),
    "what_if_ask": ("询问", "Ask"),
    "what_if_answer": ("规则的回答", "What the rules say"),
    "what_if_no_decision": (
        "这不是决定：没有人提出过此请求，日志中也没有记录。",
        "This is no decision: nobody asked for it, and the log has no entry of it.",
    ),
}
