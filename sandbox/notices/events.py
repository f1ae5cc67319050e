"""Of what notices are, in words: each event with the kind of notice it is and what it says of its thing.

The kinds are what somebody switches mails of off and on. The words name a thing by its number or its name in
the catalogue; what was decided, typed or counted stands on its page and nowhere else.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Words(NamedTuple):
    zh: str
    en: str


class Told(NamedTuple):
    """`zh`, `en`: with {thing} where the thing is named."""

    kind: str
    zh: str
    en: str


KINDS: Mapping[str, Words] = {
    "requests": Words("待审批的申报", "Access requests to decide"),
    "access": Words("我方的申报和授权", "Your requests and grants"),
    "reviews": Words("待审核的输出", "Outputs to review"),
    "outputs": Words("我的密封运行和输出", "Your sealed runs and outputs"),
    "department_data": Words("本部门的数据集", "Datasets of your department"),
    "dataset_changes": Words("所用数据集的变化", "Changes of datasets that you use"),
    "problems": Words("疑义和需求", "Reported problems and demands"),
    "orders_received": Words("待审批的订单", "Orders to decide"),
    "orders": Words("我方的订单和许可", "Your orders and licences"),
    "quotas": Words("额度和上限", "Quotas and limits"),
    "invoices": Words("账单", "Invoices"),
    "releases": Words("所购产品的版次", "Releases of products that you hold"),
    "competitions": Words("大赛", "Competitions"),
    "companies": Words("企业信息", "Records of companies"),
    "taken_on": Words("我接办的事项", "What you have taken on"),
    "account": Words("我的账号", "Your account"),
    "risks": Words("风险监测", "Risk watch"),
    "operation": Words("系统运行", "Operation of the system"),
}

EVENTS: Mapping[str, Told] = {
    "request.made": Told("requests", "收到申报 {thing}", "Access request {thing} was received"),
    "request.refused": Told("access", "申报 {thing} 未获批准", "Access request {thing} was refused"),
    "grant.approved": Told(
        "access", "申报获批，授权 {thing} 开始", "Grant {thing} began: your request was approved"
    ),
    "grant.revoked": Told("access", "授权 {thing} 被终止", "Grant {thing} was revoked"),
    "grant.expired": Told("access", "授权 {thing} 已到期", "Grant {thing} expired"),
    "grant.expiring": Told("access", "授权 {thing} 即将到期", "Grant {thing} expires soon"),
    "release.requested": Told("reviews", "有输出等待审核：{thing}", "Outputs wait for review: {thing}"),
    "release.changed": Told(
        "reviews",
        "团队修改了待审核输出的说明：{thing}",
        "A team changed what it says of outputs in review: {thing}",
    ),
    "release.withdrawn": Told(
        "reviews", "团队撤回了放行申请：{thing}", "A team took outputs back from review: {thing}"
    ),
    "review.seat_given_on": Told(
        "reviews", "审核需要另一位审核人：{thing}", "A review needs another reviewer: {thing}"
    ),
    "review.overdue": Told("reviews", "审核已逾期：{thing}", "A review is overdue: {thing}"),
    "output.released": Told(
        "outputs", "密封运行 {thing} 的文件已放行", "Files of the sealed run {thing} were released"
    ),
    "output.returned": Told(
        "outputs",
        "密封运行 {thing} 的文件须修改后再放行",
        "Files of the sealed run {thing} came back for a change",
    ),
    "output.refused": Told(
        "outputs", "密封运行 {thing} 的文件未获放行", "Files of the sealed run {thing} were refused"
    ),
    "run.finished": Told("outputs", "密封运行 {thing} 已结束", "The sealed run {thing} ended"),
    "run.interrupted": Told("outputs", "密封运行 {thing} 中断", "The sealed run {thing} was interrupted"),
    "run.cancelled": Told("outputs", "密封运行 {thing} 已取消", "The sealed run {thing} was cancelled"),
    "dataset.published": Told(
        "department_data", "{thing} 发布了新版本", "A version of {thing} was published"
    ),
    "version.opened": Told(
        "department_data", "{thing} 的安全审查已通过", "{thing} passed its opening review"
    ),
    "version.opening_refused": Told(
        "department_data", "{thing} 的安全审查未通过", "The opening review of {thing} was refused"
    ),
    "version.opening_overdue": Told(
        "department_data", "{thing} 的安全审查已逾期", "The opening review of {thing} is overdue"
    ),
    "pull.suspended": Told(
        "department_data", "{thing} 的自动采集已暂停", "The pull of {thing} was suspended"
    ),
    "lifecycle.proposed": Told(
        "department_data",
        "有人提出终止 {thing} 或其版本",
        "It was proposed to end {thing} or a version of it",
    ),
    "responsibility.handed_over": Told(
        "department_data", "同事的职责已移交给您", "What a colleague answered for was handed over to you"
    ),
    "waiting.handed_over": Told(
        "taken_on", "同事将 {thing} 转交给您办理", "A colleague handed {thing} over to you"
    ),
    "waiting.passed_on": Told(
        "taken_on",
        "您代理的同事已离任，{thing} 由您办理",
        "{thing} passed to you, the deputy of a colleague",
    ),
    "waiting.taken_on": Told("taken_on", "同事接手了您的 {thing}", "A colleague took {thing} over from you"),
    "waiting.late": Told("taken_on", "{thing} 已逾期，仍待办理", "{thing} is late, and still waits"),
    "version.announced": Told(
        "dataset_changes", "{thing} 公告了新版本", "A coming version of {thing} was announced"
    ),
    "version.announcement_dropped": Told(
        "dataset_changes", "{thing} 的一项公告已撤销", "An announcement of {thing} was taken back"
    ),
    "version.withdrawn": Told(
        "dataset_changes", "{thing} 的一个版本已撤回", "A version of {thing} was withdrawn"
    ),
    "dataset.retired": Told("dataset_changes", "{thing} 将停用", "{thing} was given its last day"),
    "dataset.erasing": Told(
        "dataset_changes", "{thing} 的数据已停止使用并将删除", "{thing} ended, and its rows are erased"
    ),
    "problem.reported": Told("problems", "收到数据疑义 {thing}", "Problem {thing} was reported"),
    "problem.answered": Told("problems", "数据疑义 {thing} 已答复", "Problem {thing} was answered"),
    "demand.made": Told("problems", "收到数据需求 {thing}", "Demand {thing} was received"),
    "demand.answered": Told("problems", "数据需求 {thing} 已答复", "Demand {thing} was answered"),
    "order.placed": Told("orders_received", "收到订单 {thing}", "Order {thing} was received"),
    "order.declined": Told(
        "orders_received",
        "买方谢绝了订单 {thing} 的新条件",
        "The buyer declined your offer for order {thing}",
    ),
    "order.withdrawn": Told("orders_received", "买方撤回了订单 {thing}", "The buyer took order {thing} back"),
    "order.approved": Told("orders", "订单 {thing} 获批", "Order {thing} was approved"),
    "order.refused": Told("orders", "订单 {thing} 未获批准", "Order {thing} was refused"),
    "order.offered": Told(
        "orders", "卖方就订单 {thing} 提出了新条件", "The seller offered other terms for order {thing}"
    ),
    "licence.revoked": Told("orders", "许可 {thing} 被终止", "Licence {thing} was revoked"),
    "licence.suspended": Told("orders", "许可 {thing} 已暂停", "Licence {thing} was suspended"),
    "licence.resumed": Told("orders", "许可 {thing} 已恢复", "Licence {thing} was resumed"),
    "licence.notice_given": Told(
        "orders", "许可 {thing} 将提前终止", "Notice was given that licence {thing} ends early"
    ),
    "licence.ended": Told("orders", "许可 {thing} 已由买方终止", "Licence {thing} was ended by its buyer"),
    "licence.expired": Told("orders", "许可 {thing} 已到期", "Licence {thing} expired"),
    "licence.expiring": Told("orders", "许可 {thing} 即将到期", "Licence {thing} expires soon"),
    "licence.near_quota": Told(
        "quotas",
        "许可 {thing} 本月额度已用去 80% 以上",
        "Licence {thing} used more than 80% of its month's quota",
    ),
    "company.near_limit": Told(
        "quotas", "企业本月的上限已用去 80% 以上", "Your company used more than 80% of a limit of this month"
    ),
    "invoice.final": Told("invoices", "账单 {thing} 已定稿", "Invoice {thing} is final"),
    "invoice.paid": Told("invoices", "账单 {thing} 已付清", "Invoice {thing} is paid"),
    "invoice.due_again": Told("invoices", "账单 {thing} 再次待付", "Invoice {thing} is due again"),
    "invoice.credited": Told(
        "invoices", "账单 {thing} 已开具红字", "A credit note was issued for invoice {thing}"
    ),
    "invoice.overdue": Told("invoices", "账单 {thing} 已逾期", "Invoice {thing} is overdue"),
    "product.released": Told("releases", "产品 {thing} 有新版次", "The product {thing} has a new release"),
    "product.breaking_release": Told(
        "releases",
        "产品 {thing} 公告了不兼容的版次，请检查您的程序",
        "The product {thing} announced a breaking release: check your program",
    ),
    "product.release_dropped": Told(
        "releases", "产品 {thing} 撤回了一个版次", "The product {thing} took a release back"
    ),
    "product.withdrawn": Told("releases", "产品 {thing} 已下架", "The product {thing} was withdrawn"),
    "competition.opened": Told("competitions", "大赛 {thing} 已开始", "The competition {thing} opened"),
    "competition.phase_opened": Told(
        "competitions", "大赛 {thing} 的一个阶段已开始", "A phase of the competition {thing} began"
    ),
    "competition.phase_closed": Told(
        "competitions", "大赛 {thing} 的一个阶段已结束", "A phase of the competition {thing} ended"
    ),
    "competition.judging": Told(
        "competitions", "大赛 {thing} 停止接收提交", "The competition {thing} takes no more entries"
    ),
    "competition.final_opened": Told(
        "competitions", "大赛 {thing} 的决赛已开启", "The final of the competition {thing} was opened"
    ),
    "competition.result_published": Told(
        "competitions", "大赛 {thing} 公示了结果", "The result of the competition {thing} was published"
    ),
    "competition.closed": Told("competitions", "大赛 {thing} 已结束", "The competition {thing} closed"),
    "competition.cancelled": Told(
        "competitions", "大赛 {thing} 已取消", "The competition {thing} was cancelled"
    ),
    "competition.entry_scored": Told(
        "competitions",
        "您在大赛 {thing} 的提交已评分",
        "An entry of yours in the competition {thing} was scored",
    ),
    "competition.entry_failed": Told(
        "competitions",
        "您在大赛 {thing} 的提交评分失败",
        "An entry of yours in the competition {thing} failed",
    ),
    "competition.entry_not_run": Told(
        "competitions",
        "您在大赛 {thing} 的提交未能运行",
        "An entry of yours in the competition {thing} was not run",
    ),
    "competition.team_disqualified": Told(
        "competitions",
        "您在大赛 {thing} 的团队被取消资格",
        "Your team in the competition {thing} was disqualified",
    ),
    "competition.team_reinstated": Told(
        "competitions",
        "您在大赛 {thing} 的团队恢复资格",
        "Your team in the competition {thing} was reinstated",
    ),
    "competition.merger_proposed": Told(
        "competitions",
        "大赛 {thing} 中有团队请求并入您的团队",
        "A team of the competition {thing} asks to join yours",
    ),
    "competition.teams_merged": Told(
        "competitions", "您在大赛 {thing} 的团队已合并", "Your team in the competition {thing} was merged"
    ),
    "competition.announcement_posted": Told(
        "competitions",
        "大赛 {thing} 发布了公告",
        "The organiser of the competition {thing} announced something",
    ),
    "competition.question_posted": Told(
        "competitions", "大赛 {thing} 的讨论中有新问题", "A question was asked in the competition {thing}"
    ),
    "competition.answer_posted": Told(
        "competitions",
        "您在大赛 {thing} 的问题有了回答",
        "Your question in the competition {thing} was answered",
    ),
    "competition.post_hidden": Told(
        "competitions",
        "您在大赛 {thing} 的帖子被主办方隐藏",
        "A post of yours in the competition {thing} was hidden by its organiser",
    ),
    "competition.post_restored": Told(
        "competitions",
        "您在大赛 {thing} 的帖子已恢复",
        "A post of yours in the competition {thing} is shown again",
    ),
    "competition.appealed": Told(
        "competitions", "大赛 {thing} 收到申诉", "An appeal was made in the competition {thing}"
    ),
    "competition.appeal_decided": Told(
        "competitions", "大赛 {thing} 的申诉已有结论", "Your appeal in the competition {thing} was decided"
    ),
    "competition.juror_appointed": Told(
        "competitions", "您被聘为大赛 {thing} 的评委", "You were appointed a juror of the competition {thing}"
    ),
    "competition.juror_removed": Told(
        "competitions",
        "您不再担任大赛 {thing} 的评委",
        "You are no longer a juror of the competition {thing}",
    ),
    "certificate.expiring": Told(
        "competitions",
        "您的培训证书即将到期：正在使用的授权不受影响，再次申报须先续期",
        "Your training certificate runs out soon: grants that run go on, new requests need a new one",
    ),
    "certificate.issued": Told("competitions", "您获得了培训证书", "You were given a training certificate"),
    "company.entered": Told(
        "companies", "企业 {thing} 的信息等待核验", "The record of {thing} waits to be verified"
    ),
    "company.registered": Told(
        "companies", "企业 {thing} 已注册，等待核验", "{thing} registered, and waits to be verified"
    ),
    "company.verified": Told("companies", "企业信息已通过核验", "The record of your company was verified"),
    "company.refused": Told("companies", "企业信息未通过核验", "The record of your company was refused"),
    "invitation.accepted": Told(
        "companies", "有人接受邀请加入了企业", "Somebody accepted your invitation into the company"
    ),
    "account.roles_changed": Told("account", "您的角色已变更", "Your roles were changed"),
    "account.password_changed": Told("account", "您的密码已重新设置", "Your password was changed"),
    "account.factor_removed": Told(
        "account", "您的一个第二因素已移除", "A second factor of yours was removed"
    ),
    "account.identity_connected": Told(
        "account",
        "您的账号已绑定身份认证平台的身份",
        "An identity was connected: it logs in to your account",
    ),
    "team.joined": Told("account", "您已加入团队 {thing}", "You were put into the team {thing}"),
    "team.left": Told("account", "您已不在团队 {thing} 中", "You were taken out of the team {thing}"),
    "risk.budget_burn": Told(
        "risks",
        "风险监测：授权 {thing} 的预算将提前用完",
        "Risk watch: the budget of grant {thing} will be used up early",
    ),
    "risk.budget_promised": Told(
        "risks", "风险监测：{thing} 的预算所剩不多", "Risk watch: little of the budget of {thing} is left"
    ),
    "risk.refused_attempts": Told(
        "risks", "风险监测：团队 {thing} 多次被拒", "Risk watch: many attempts of team {thing} were refused"
    ),
    "risk.many_questions": Told(
        "risks",
        "风险监测：团队 {thing} 的查询异常多",
        "Risk watch: team {thing} asked unusually many questions",
    ),
    "risk.near_capacity": Told(
        "risks",
        "风险监测：团队 {thing} 接近输出审核的信息量上限",
        "Risk watch: team {thing} is near the limit of what reviews may tell",
    ),
    "risk.overdue_problem": Told(
        "risks",
        "风险监测：数据疑义 {thing} 逾期未答复",
        "Risk watch: problem {thing} was not answered in time",
    ),
    "risk.overdue_update": Told(
        "risks", "风险监测：{thing} 逾期未更新", "Risk watch: no new version of {thing} came in time"
    ),
    "licence.new_network": Told(
        "risks",
        "风险监测：许可 {thing} 的密钥从新的网络调用",
        "Risk watch: a key of licence {thing} was called from a new network",
    ),
    "mail.failed": Told(
        "operation", "寄给 {thing} 的邮件多次失败，已放弃", "Mails to {thing} failed and were given up"
    ),
}

OWN_ACTS = frozenset({"account.password_changed", "account.factor_removed", "account.identity_connected"})
"""Of which the actor is told, too: it may have been somebody else with their session."""


def thing_of(about: str) -> str:
    """How a thing is named: "request:12" is #12, a dataset its name, a run the start of its id, and
    "risk:health/grant:12" the grant."""
    noun, _, name = about.partition(":")
    if noun == "risk":
        return thing_of(name.partition("/")[2])
    if noun in {"run", "review"}:
        return name[:8]
    return f"#{name}" if name.isdigit() else name


def words_for(event: str, about: str, language: str) -> str:
    """What a notice says, in "zh" or "en"."""
    told = EVENTS[event]
    return (told.zh if language == "zh" else told.en).format(thing=thing_of(about))


PAGES: Mapping[str, str] = {
    "grant": "/requests",
    "review": "/reviews/{name}",
    "run": "/runs/{name}",
    "dataset": "/datasets/{name}",
    "opening": "/openings/{name}",
    "pull": "/pulls",
    "problem": "/problems",
    "demand": "/demands",
    "order": "/orders/{name}",
    "licence": "/licences/{name}",
    "invoice": "/invoices/{name}",
    "product": "/products/{name}",
    "competition": "/competitions/{name}",
    "account": "/me",
    "team": "/me",
    "responsibility": "/responsibilities",
    "mail": "/status",
    "risk": "/risks",
}


OF_DISCUSSION = frozenset(
    f"competition.{event}" for event in ("question_posted", "answer_posted", "post_hidden", "post_restored")
)


def page_of(event: str, about: str) -> str:
    """The page of the thing, for whoever is told: a path of the portal."""
    noun, _, name = about.partition(":")
    if noun == "request":
        decides = EVENTS[event].kind in {"requests", "taken_on"}
        return f"/queue/requests/{name}" if decides else "/requests"
    if event in OF_DISCUSSION:
        return f"/competitions/{name}/discussion"
    if event in {"certificate.issued", "certificate.expiring"}:
        return "/course"
    if noun == "company":
        verifies = event in {"company.entered", "company.registered"} or EVENTS[event].kind == "taken_on"
        return "/companies" if verifies else "/company"
    return PAGES[noun].format(name=name)
