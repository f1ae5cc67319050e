"""What can go wrong at a source, as codes with words in both languages.

A source's own message may quote values of its rows. It is kept in `database_words` for a person who reads
with their own account on their own machine; the puller passes on the code, and the name of a column at most.
"""

from typing import NamedTuple

from sandbox.errors import Unavailable


class Failure(NamedTuple):
    message: str
    remedy: str
    zh: str
    remedy_zh: str


FAILURES: dict[str, Failure] = {
    "source_unreachable": Failure(
        "The source cannot be reached.",
        "Check that it runs, and that the puller's network leads to it.",
        "无法连接数据源。",
        "请检查其是否运行，以及采集程序的网络能否到达。",
    ),
    "source_login_refused": Failure(
        "The source refuses the login.",
        "For the operator: check the account and the secret of the source in policies/sources.yaml.",
        "数据源拒绝登录。",
        "请运营人员检查 policies/sources.yaml 中该数据源的账号和密钥。",
    ),
    "source_secret_missing": Failure(
        "The puller does not find the secret of the source.",
        "For the operator: give the puller the variable or file that policies/sources.yaml names.",
        "采集程序找不到该数据源的密钥。",
        "请运营人员提供 policies/sources.yaml 所写的变量或文件。",
    ),
    "source_tls": Failure(
        "No secure connection to the source can be made: its certificate is not accepted, or it has no TLS.",
        "For the operator: name the authority's certificate (`ca`), or turn TLS on at the source.",
        "无法与数据源建立安全连接：证书不被接受，或数据源未启用 TLS。",
        "请运营人员写明签发机构的证书（ca），或在数据源启用 TLS。",
    ),
    "source_address_refused": Failure(
        "The source's name leads to an address that is not reached.",
        "For the operator: a name may not lead to this machine or to a cloud's metadata service.",
        "数据源的名称指向不允许访问的地址。",
        "请运营人员检查：名称不得指向本机或云平台的元数据服务。",
    ),
    "source_redirected": Failure(
        "The source refers to another host.",
        "For the operator: name that host as a source of its own, if data may come from it.",
        "数据源转向了另一台主机。",
        "如可从该主机取数，请运营人员将其登记为单独的数据源。",
    ),
    "source_timeout": Failure(
        "The source did not give everything in time.",
        "Read fewer rows, or let the operator raise `seconds` of the source.",
        "数据源未在限定时间内给出全部数据。",
        "请减少读取的行，或请运营人员调大该数据源的 seconds。",
    ),
    "source_cut": Failure(
        "The connection to the source broke off in the middle.",
        "Nothing is lost: the next pull reads everything again.",
        "与数据源的连接中途断开。",
        "没有数据丢失：下次采集会重新读取。",
    ),
    "source_table_missing": Failure(
        "The source has no such table or column.",
        "Check the names of the table or the query; perhaps they were changed there.",
        "数据源中没有该表或该列。",
        "请检查表名或查询；可能已在数据源中更改。",
    ),
    "source_object_missing": Failure(
        "The source has no such object.",
        "Check the object's name; perhaps it was not written yet.",
        "数据源中没有该对象。",
        "请检查对象名称；可能尚未写入。",
    ),
    "source_no_rights": Failure(
        "The source's account may not read this.",
        "Let the source's administrator grant the account the right to read it, and nothing else.",
        "该账号无权读取。",
        "请数据源管理员授予该账号读取权限，且仅授予读取权限。",
    ),
    "source_since_column": Failure(
        "The column by which new rows are found is missing at the source, or of another type there.",
        "It must be a whole number, a date or a moment there, as in the policy; else pull everything.",
        "用于增量采集的列在数据源中不存在，或类型不符。",
        "该列在数据源中须与策略一致，为整数、日期或时间；否则请全量采集。",
    ),
    "source_refuses_query": Failure(
        "The source refuses the query.",
        "Write one SELECT that only reads, with a different name for each column, and try it at the source.",
        "数据源拒绝该查询。",
        "请写一条只读的 SELECT，各列名称互不相同，并先在数据源试运行。",
    ),
    "source_unreadable_column": Failure(
        "A column holds bytes, which are no value of a table.",
        "Leave the column out of the query, or write it as text there.",
        "有一列是二进制内容，不是表格的值。",
        "请在查询中去掉该列，或将其转成文本。",
    ),
    "source_not_text": Failure(
        "A text of the source is not Unicode.",
        "Correct it at the source, or convert it in the query.",
        "数据源中的文本不是 Unicode。",
        "请在数据源改正，或在查询中转换。",
    ),
    "source_unknown": Failure(
        "The puller's list of sources has no such source.",
        "For the operator: give vault and puller the same policies/sources.yaml.",
        "采集程序的数据源列表中没有该数据源。",
        "请运营人员让保险库与采集程序使用同一份 policies/sources.yaml。",
    ),
    "source_failed": Failure(
        "Reading the source failed.",
        "Try it again; if it fails again, the operator finds the class of the fault in the puller's log.",
        "读取数据源失败。",
        "请重试；如再次失败，运营人员可在采集程序的日志中查看故障类别。",
    ),
}


class SourceFailure(Unavailable):
    """A failure of `FAILURES`. `column`: the name of the column that it is about."""

    def __init__(self, code: str, *, column: str = "", database_words: str = "", internal: str = "") -> None:
        known = FAILURES[code]
        message, zh = known.message, known.zh
        if column:
            message, zh = f"{column}: {message}", f"{column}：{zh}"
        super().__init__(
            message, code=code, remedy=known.remedy, zh=zh, remedy_zh=known.remedy_zh, internal=internal
        )
        self.column = column
        self.database_words = database_words
