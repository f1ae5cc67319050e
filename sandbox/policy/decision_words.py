"""Holds the words for what the gate is asked: actions, kinds of objects, attributes and roles, in English and
Chinese. A test finds an action or an attribute of the Cedar schema that has none."""

from collections.abc import Mapping
from typing import NamedTuple


class Words(NamedTuple):
    en: str
    zh: str


ACTIONS: Mapping[str, Words] = {
    "announce": Words("announce something on every page", "在所有页面发布公告"),
    "answer_demand": Words("answer a demand", "答复数据需求"),
    "answer_order": Words("answer what was offered back for an order", "答复订单的还价"),
    "answer_problem": Words("answer a reported problem", "答复数据问题"),
    "approve_order": Words("approve an order", "审批订单"),
    "ask": Words("ask under a grant", "在授权下提问"),
    "ask_what_if": Words("ask what the rules would decide", "询问规则会如何决定"),
    "assign_roles": Words("assign the roles of an account", "分配账号的角色"),
    "buy_quality": Words("pay privacy loss for a quality report", "以隐私损失换取质量报告"),
    "buy_stand_in": Words("pay privacy loss for stand-in rows", "以隐私损失换取替代数据"),
    "change_answer_page": Words("change a page of answers", "修改回答页"),
    "change_member": Words("change a member of a company", "变更企业成员"),
    "cosign_log": Words("hand in a cosignature", "提交联署"),
    "decide_payment_change": Words("decide on a change of a payment", "审批付款变更"),
    "decide_request": Words("decide on an access request", "审批使用申报"),
    "end_company": Words("end a company", "终止企业"),
    "end_licence": Words("end a licence", "终止许可"),
    "end_own_company": Words("end their own company", "终止本企业"),
    "enter_company": Words("enter what is known of a company", "填写企业资料"),
    "enter_competition": Words("take part in a competition", "参加大赛"),
    "explain_decision": Words("have a decision explained", "查看决定的说明"),
    "export_company": Words("export what is kept of a company", "导出企业数据"),
    "export_log": Words("export entries of the log", "导出日志记录"),
    "hold_competition": Words("hold a competition", "举办大赛"),
    "leave_company": Words("leave a company", "退出企业"),
    "list_product": Words("list a product", "上架产品"),
    "lower_company_limits": Words("lower the limits of a company", "调低企业限额"),
    "make_demand": Words("ask a department for data", "向部门提出数据需求"),
    "make_key": Words("make a key", "创建密钥"),
    "make_live_service_account": Words("make a live service account", "创建正式服务账号"),
    "make_sandbox_key": Words("make a test key", "创建测试密钥"),
    "manage_account": Words("manage an account", "管理账号"),
    "manage_dataset": Words("announce, withdraw, retire or erase a dataset", "公告、撤回、停用或删除数据集"),
    "manage_groups": Words("manage organisations and teams", "管理机构和团队"),
    "manage_members": Words("manage the members of a company", "管理企业成员"),
    "manage_notices": Words("manage notices", "管理通知"),
    "manage_service_accounts": Words("manage service accounts", "管理服务账号"),
    "offer_back": Words("offer something else back for an order", "对订单还价"),
    "open_privacy_account": Words("open the privacy account of a licence", "开立许可的隐私账户"),
    "open_workspace": Words("open a workspace", "打开工作区"),
    "order": Words("order a product", "订购产品"),
    "pin_licence": Words("pin a licence to a release", "将许可固定到某一发布"),
    "predict_model": Words("predict by a model", "使用模型预测"),
    "propose_payment_change": Words("propose a change of a payment", "提出付款变更"),
    "publish": Words("publish a dataset", "发布数据集"),
    "publish_offer": Words("publish an offer", "发布报价"),
    "read_health": Words("see the health of the service", "查看系统运行状况"),
    "read_log": Words("read the log and its proofs", "查看日志及其证明"),
    "read_notices": Words("read notices", "查看通知"),
    "read_openings": Words("read what an entry of the log says", "查看日志记录的内容"),
    "read_people": Words("see the accounts", "查看账号"),
    "read_quality": Words("read a quality report", "查看质量报告"),
    "read_request_facts": Words("see the facts of an access request", "查看使用申报的情况"),
    "read_review_statistics": Words("see the statistics of reviews", "查看审核统计"),
    "read_risks": Words("see the risk watch", "查看风险监测"),
    "read_rows_publicly": Words("read rows without an account", "免登录读取数据"),
    "read_scoreboard": Words("see how departments work", "查看部门考核"),
    "read_scoreboard_counts": Words("see the counts of a department", "查看部门的数量"),
    "read_statement": Words("read a bank's statement", "读取银行对账单"),
    "read_trail": Words("see the audit trail of an object", "查看对象的审计轨迹"),
    "reconcile": Words("reconcile months", "核对月份账目"),
    "record_backup": Words("record a backup", "登记备份"),
    "register_model": Words("register a model", "登记模型"),
    "release_product": Words("release other data of a product", "发布产品的新数据"),
    "renew_licence": Words("renew a licence", "续期许可"),
    "report_problem": Words("report a problem of a dataset", "报告数据集的问题"),
    "request_access": Words("ask for a dataset", "申请数据集"),
    "restore_key": Words("restore a key", "恢复密钥"),
    "retire_model": Words("retire a model", "停用模型"),
    "retire_product": Words("retire a product", "停用产品"),
    "review": Words("review files that are to leave", "审核待放行的文件"),
    "revoke": Words("end a grant", "撤销授权"),
    "revoke_key": Words("revoke a key", "吊销密钥"),
    "revoke_licence": Words("revoke a licence", "吊销许可"),
    "revoke_service_account": Words("revoke a service account", "吊销服务账号"),
    "run": Words("run a sealed program under a grant", "在授权下运行密封程序"),
    "run_invoices": Words("make invoices", "生成账单"),
    "search_log": Words("search the log", "检索日志"),
    "secure_account": Words("secure an account", "保护账号安全"),
    "see": Words("see a dataset in the catalogue", "在目录中查看数据集"),
    "see_answer_page": Words("see a page of answers", "查看回答页"),
    "see_product_publicly": Words("see a product without an account", "免登录查看产品"),
    "see_publicly": Words("see a dataset without an account", "免登录查看数据集"),
    "sell_openly": Words("sell rows of a dataset openly", "公开出售数据集的数据"),
    "set_company_limits": Words("set the limits of a company", "设定企业限额"),
    "set_maintenance": Words("set maintenance", "设置维护"),
    "set_purchase_order": Words("set the purchase order of an invoice", "填写账单的采购单号"),
    "settle_invoice": Words("settle an invoice", "结清账单"),
    "suspend_licence": Words("suspend a licence", "暂停许可"),
    "trace_watermark": Words("trace a watermark", "追踪水印"),
    "trade": Words("trade", "进行交易"),
    "verify_company": Words("verify a company", "核实企业"),
    "view_bill": Words("see the bill of a licence", "查看许可的账单"),
    "view_company_limits": Words("see the limits of a company", "查看企业限额"),
    "view_invoice": Words("see an invoice", "查看账单"),
    "view_payment_changes": Words("see changes of payments", "查看付款变更"),
    "view_shares": Words("see the shares of an invoice", "查看账单的分成"),
    "view_team_income": Words("see the income of a team", "查看团队收入"),
    "withdraw_product": Words("withdraw a product", "下架产品"),
}

KINDS: Mapping[str, Words] = {
    "Account": Words("account", "账号"),
    "AnswerPage": Words("page of answers", "回答页"),
    "Company": Words("company", "企业"),
    "Competition": Words("competition", "大赛"),
    "Dataset": Words("dataset", "数据集"),
    "Decision": Words("decision", "决定"),
    "Demand": Words("demand", "数据需求"),
    "Grant": Words("grant", "授权"),
    "Invoice": Words("invoice", "账单"),
    "Invoices": Words("invoices", "账单"),
    "Licence": Words("licence", "许可"),
    "Log": Words("log", "日志"),
    "LogEntry": Words("entry of the log", "日志记录"),
    "LogTrail": Words("audit trail", "审计轨迹"),
    "Member": Words("member", "成员"),
    "Model": Words("model", "模型"),
    "Operations": Words("running of the service", "系统运行"),
    "Order": Words("order", "订单"),
    "Payment": Words("payment", "付款"),
    "People": Words("accounts", "账号"),
    "Product": Words("product", "产品"),
    "Request": Words("access request", "使用申报"),
    "Review": Words("review", "审核"),
    "Reviews": Words("reviews", "审核"),
    "Risks": Words("risk watch", "风险监测"),
    "Scoreboard": Words("scoreboard", "部门考核"),
    "Team": Words("team", "团队"),
    "Watermarks": Words("watermarks", "水印"),
    "WhatIf": Words("question about the rules", "对规则的询问"),
}

ATTRIBUTES: Mapping[str, Words] = {
    "actor": Words("who did it", "行为人"),
    "authors": Words("authors", "作者"),
    "dataset": Words("dataset", "数据集"),
    "department": Words("department that answers for it", "主管部门"),
    "expires_at": Words("ends at", "到期时间"),
    "grade": Words("grade", "级别"),
    "granted": Words("a team of theirs has a live grant", "所在团队持有有效授权"),
    "hidden": Words("hidden from who asked", "对请求人隐藏"),
    "kind": Words("kind of account", "账号类型"),
    "let_in_by": Words("who made the link for them", "链接的创建人"),
    "now": Words("time", "时间"),
    "open": Words("declared open", "声明开放"),
    "opening": Words("kind of opening", "开放类型"),
    "organisation": Words("organisation", "机构"),
    "organisations": Words("organisations of the authors and the team", "作者及团队所属机构"),
    "person": Words("whose account it is", "账号所属人员"),
    "possible": Words("what the grade allows", "级别允许的方式"),
    "proposed_by": Words("who proposed it", "提出人"),
    "purpose": Words("purpose", "用途"),
    "roles": Words("roles", "角色"),
    "separated": Words("accounts are the three administrators' alone", "账号仅由三员管理"),
    "status": Words("state", "状态"),
    "team": Words("team", "团队"),
    "teams": Words("teams", "团队"),
    "way": Words("how the answer leaves", "结果流出方式"),
}

ROLE_WORDS: Mapping[str, Words] = {
    "officer": Words("data officer", "数据专员"),
    "analyst": Words("analyst", "分析人员"),
    "owner": Words("owner of a company", "企业负责人"),
    "buyer": Words("buyer", "采购人员"),
    "developer": Words("developer", "开发人员"),
    "finance": Words("finance", "财务人员"),
    "operator": Words("operator", "运营人员"),
    "auditor": Words("auditor", "审计人员"),
    "system_administrator": Words("system administrator", "系统管理员"),
    "security_administrator": Words("security administrator", "安全管理员"),
    "audit_administrator": Words("audit administrator", "审计管理员"),
}

VALUES: Mapping[str, Words] = {
    "another": Words("another one", "其他状态"),
    "announced": Words("announced", "已公告"),
    "conditional": Words("conditional", "有条件开放"),
    "dp": Words("a private answer", "隐私保护的回答"),
    "draft": Words("draft", "草稿"),
    "ended": Words("ended", "已终止"),
    "expired": Words("expired", "已到期"),
    "listed": Words("listed", "在架"),
    "live": Words("live", "有效"),
    "none": Words("none", "无"),
    "open": Words("open", "无条件开放"),
    "open_sale": Words("rows", "逐行数据"),
    "person": Words("person", "个人"),
    "public": Words("without an account", "未登录"),
    "reviewed": Words("a reviewed file", "经审核的文件"),
    "revoked": Words("revoked", "已撤销"),
    "sandbox": Words("sandbox", "测试"),
    "service": Words("service", "服务"),
    "suspended": Words("suspended", "已暂停"),
}
"""Of states and ways; others are shown as they are."""

CHANGES: Mapping[str, Words] = {
    "principal.roles add": Words("{person} had the role {value}", "{person}具有{value}角色"),
    "principal.roles remove": Words("{person} did not have the role {value}", "{person}不具有{value}角色"),
    "principal.organisation set resource.department": Words(
        "{person} belonged to the department that answers for it", "{person}属于其主管部门"
    ),
    "principal.organisation set resource.organisation": Words(
        "{person} belonged to the organisation whose it is", "{person}属于其所属机构"
    ),
    "principal.organisation set": Words("{person} belonged to another organisation", "{person}属于其他机构"),
    "principal.teams add": Words("{person} were in the team {value}", "{person}在团队{value}中"),
    "principal.teams add resource.team": Words(
        "{person} were in the team whose it is", "{person}在其所属团队中"
    ),
    "principal.teams add context.team": Words(
        "{person} were in the team for which it was asked", "{person}在所申请的团队中"
    ),
    "principal.teams remove": Words("{person} were not in the team {value}", "{person}不在团队{value}中"),
    "principal.teams remove resource.team": Words(
        "{person} were not in the team whose it is", "{person}不在其所属团队中"
    ),
    "principal.teams remove context.team": Words(
        "{person} were not in the team for which it was asked", "{person}不在所申请的团队中"
    ),
    "principal.kind set": Words(
        "the account of {person} were one of a {value}", "{person}的账号类型为{value}"
    ),
    "principal.id set": Words("somebody else did it", "由其他人操作"),
    "principal.id set resource.id": Words("whoever it is about did it", "由其本人操作"),
    "principal.id set resource.actor": Words("whoever did the deed asked", "由行为人本人查看"),
    "resource.expires_at set": Words("it had an end that has not come", "其期限尚未届满"),
    "resource.grade set": Words("its grade were {value}", "其级别为{value}"),
    "resource.let_in_by set": Words("nobody had made a link for them", "没有人为其创建过链接"),
    "resource.open set": Words("it were declared open: {value}", "其声明开放：{value}"),
    "resource.roles empty": Words("that member had no role of an official", "该成员不具有公职角色"),
    "resource.opening set": Words("its kind of opening were {value}", "其开放类型为{value}"),
    "resource.status set": Words("its state were {value}", "其状态为{value}"),
    "resource.way set": Words("it left as {value}", "其以{value}的方式流出"),
    "context.granted set": Words(
        "a team of theirs had a live grant: {value}", "所在团队持有有效授权：{value}"
    ),
    "context.now set resource.expires_at": Words("it were asked before it ends", "在到期之前提出"),
    "context.separated set": Words(
        "accounts were the three administrators' alone: {value}", "账号仅由三员管理：{value}"
    ),
    "context.team set": Words("it were asked for the team {value}", "为团队{value}申请"),
    "context.way set": Words("it left as {value}", "结果以{value}的方式流出"),
}
"""By `of.attribute how like`; without `like` where none of its own is given."""

YES, NO = Words("yes", "是"), Words("no", "否")

ASKED_OF = (
    "Dataset",
    "Request",
    "Grant",
    "Competition",
    "Model",
    "Account",
    "People",
    "Log",
    "Operations",
    "Reviews",
    "Risks",
    "Scoreboard",
)
"""The kinds of objects of which it can be asked what would be decided: the vault knows their attributes."""
