"""The words on an invoice, in Chinese and in English."""

from collections.abc import Mapping
from typing import Literal

Language = Literal["zh", "en"]

MESSAGES: Mapping[str, tuple[str, str]] = {
    "invoice": ("账单", "Invoice"),
    "status.draft": ("草稿，未定稿", "draft, not final"),
    "status.grace": ("核对期内，未定稿", "in its days of grace, not final"),
    "status.final": ("已定稿", "final"),
    "status.void": ("已作废", "void"),
    "number": ("编号", "Number"),
    "month": ("月份", "Month"),
    "customer": ("购买方", "Customer"),
    "seller": ("销售方", "Seller"),
    "credit_code": ("统一社会信用代码", "Unified social credit code"),
    "address": ("地址", "Address"),
    "phone": ("电话", "Phone"),
    "bank": ("开户行", "Bank"),
    "account": ("账号", "Account"),
    "purchase_order": ("采购单号", "Purchase order"),
    "final_at": ("定稿日期", "Final on"),
    "due_at": ("付款期限", "Due on"),
    "licence": ("许可", "Licence"),
    "product": ("产品", "Product"),
    "why": ("计费原因", "Reason"),
    "credit": ("冲减", "credit"),
    "adjustment": ("补记", "adjustment"),
    "lines": ("记录数", "Lines"),
    "calls": ("调用数", "Calls"),
    "quantity": ("数量", "Quantity"),
    "unit": ("单位", "Unit"),
    "amount": ("金额（元）", "Amount (yuan)"),
    "amount_fen": ("金额（分）", "Amount (fen)"),
    "total": ("合计", "Total"),
    "title": ("名称", "Title"),
    "model": ("模型或问题", "Model or question"),
    "percent": ("团队分成（%）", "Team's share (%)"),
    "rows": ("行数", "Rows"),
    "charged": ("已计费（元）", "Charged (yuan)"),
    "invoiced": ("已开账单（元）", "Invoiced (yuan)"),
    "share": ("团队应得（元）", "Team's part (yuan)"),
    "final_share": ("其中已定稿（元）", "Of which final (yuan)"),
    "line": ("计量记录", "Usage line"),
    "at": ("时间", "Time"),
    "price_fen": ("单价（分）", "Price (fen)"),
    "compensates": ("冲减的记录", "Credited line"),
    "request_id": ("请求编号", "Request"),
    "release": ("数据版次", "Release"),
    "log_index": ("存证序号", "Log entry"),
    "transfer": ("转账附言请写明账单编号", "Write the invoice's number into the memo of the transfer"),
    "not_tax": ("本账单不是税务发票", "This is not a tax invoice"),
    "digest": ("内容摘要（SHA-256）", "Digest (SHA-256)"),
    "reason.SAMPLE": ("样例", "sample"),
    "reason.FIXED": ("固定费用", "fixed fee"),
    "reason.GRACE": ("宽限期", "grace period"),
    "reason.FREE_QUOTA": ("免费额度", "free quota"),
    "reason.VARIABLE": ("按量", "by use"),
    "reason.MAX_REACHED": ("已达封顶", "maximum reached"),
    "reason.FREE": ("免费", "free"),
    "reason.TRIAL": ("试用", "trial"),
    "reason.TEST": ("测试密钥", "test key"),
    "reason.UNCONFIRMED": ("未确认送达", "not confirmed as sent"),
    "unit.call": ("次", "call"),
    "unit.successful_call": ("次（有结果）", "call with a result"),
    "unit.model_call": ("次（模型）", "call of a model"),
    "unit.row": ("行", "row"),
    "unit.byte": ("字节", "byte"),
    "unit.epsilon": ("单位隐私损失", "epsilon"),
    "unit.sample": ("次", "sample"),
    "unit.month": ("月", "month"),
    "unit.licence": ("项", "licence"),
}


def word(name: str, language: Language) -> str:
    """The word; a name that is not in the table is shown as it is."""
    known = MESSAGES.get(name)
    return known[language == "en"] if known else name.rpartition(".")[2]


def in_yuan(amount_fen: int) -> str:
    """Two decimals, without a sign of currency: 123456 is 1234.56."""
    sign, amount = ("-" if amount_fen < 0 else ""), abs(amount_fen)
    return f"{sign}{amount // 100}.{amount % 100:02d}"
