"""The words of the pages of auditors and operators, each in Chinese and in English."""

OPERATIONS_MESSAGES: dict[str, tuple[str, str]] = {
    "log_search": ("检索日志", "Search the log"),
    "log_search_is": (
        "按人员、对象、类型和时间检索，可逐页查看；每条记录都有凭证。仅供审计人员使用。",
        "By person, object, kind and time. Every entry has its receipt. For auditors.",
    ),
    "log_person": ("人员", "Person"),
    "log_person_hint": (
        "登录名：其行为，以及提及此人的记录",
        "a login name: what they did, and what names them",
    ),
    "log_object": ("对象", "Object"),
    "log_object_hint": (
        "如 dataset:health.visits、grant:12、team:lake",
        "such as dataset:health.visits, grant:12, team:lake",
    ),
    "log_find": ("检索", "Search"),
    "log_found": ("检索结果", "What was found"),
    "log_says": ("记录内容", "What the entry says"),
    "log_erased": ("内容已依法删除", "What it said was erased"),
    "log_export": ("导出", "Export"),
    "log_export_is": (
        "导出全部检索结果（最多 20000 条，新的在前）。每行都是带证明和签名检查点的凭证；导出行为本"
        "身也记入日志。核验命令：",
        "All that was found (at most 20,000 entries, the newest first). Each line is a receipt with "
        "its proof "
        "and the signed checkpoint. An entry of the log says that you took it. To verify it:",
    ),
    "log_as_ndjson": ("导出 NDJSON", "Export as NDJSON"),
    "log_as_csv": ("导出 CSV", "Export as CSV"),
    "log_trail": ("审计轨迹", "Audit trail"),
    "log_trail_is": (
        "日志中提及该对象的全部记录，新的在前。点击编号可查看凭证。",
        "Every entry of the log that names this object, the newest first. Its number leads to its receipt.",
    ),
    "log_trail_others": (
        "由其他单位人员完成的，此处不显示其姓名。",
        "Who did it is not named where they belong to another organisation.",
    ),
    "show_trail": ("审计轨迹", "Audit trail"),
    "witnesses": ("见证与检查点", "Witnesses and checkpoints"),
    "witnesses_are": (
        "见证方是其他机构：核验日志的签名检查点只是旧日志的延续，然后在检查点上联署。这样，任何人都无法向"
        "两方出示两份不同的日志。",
        "A witness is another organisation. It verifies that each signed checkpoint only continues the log, "
        "and co-signs it. So nobody can show two different logs to two people.",
    ),
    "known_witnesses": ("本日志的见证方", "The witnesses of this log"),
    "no_witness": (
        "本日志尚无已知的见证方，因此没有检查点得到联署。",
        "This log knows no witness yet, so no checkpoint is co-signed.",
    ),
    "witness": ("见证方", "Witness"),
    "cosigned_size": ("最近联署的记录数", "Entries co-signed last"),
    "cosigned_at": ("联署时间", "Co-signed at"),
    "cosigned_nothing": ("尚未联署", "nothing co-signed yet"),
    "cosigned_by": ("联署该检查点的见证方", "Witnesses that co-signed the checkpoint"),
    "cosigned_by_nobody": (
        "尚无。见证方下次核验之后，请重新获取凭证。",
        "None yet. Get the receipt again after the witnesses looked next.",
    ),
    "entries_since": ("此后新增的记录", "Entries since"),
    "quorum_none": (
        "策略没有规定须由哪些见证方联署。",
        "The policy does not say which witnesses must co-sign.",
    ),
    "quorum_is": (
        "“{name}”联署之后，检查点才算得到见证。",
        "A checkpoint is witnessed when “{name}” has co-signed it.",
    ),
    "quorum_group": (
        "{name}：{members} 中至少 {needed} 个。",
        "{name}: at least {needed} of {members}.",
    ),
    "witnessed_up_to": ("已得到见证的记录数", "Entries that are witnessed"),
    "not_witnessed": ("没有", "none"),
    "be_witness": ("成为见证方", "Be a witness"),
    "be_witness_is": (
        "在另一家机构的机器上运行以下命令，无需账号。请先从可信的来源取得日志的公钥，再把第一条命令显示的公钥"
        "发给运营人员。第二条命令须定期运行；若日志分叉，命令会停止联署，并保存两份签名检查点作为证据。",
        "Run this on a machine of another organisation; it needs no account. Get the log's public key from "
        "somebody whom you trust first, and send the key that the first command prints to the operator. Run "
        "the second command regularly. If the log forks, it stops co-signing, and keeps both signed "
        "checkpoints as evidence.",
    ),
    "follow_is": (
        "只想核验、不联署的人可以定期运行：",
        "Whoever only wants to verify runs this from time to time:",
    ),
    "not_covered": ("尚未被签名检查点覆盖的记录", "Entries that no signed checkpoint covers yet"),
    "checkpoint_chain": ("最近的检查点", "The newest checkpoints"),
    "checkpoint_chain_is": (
        "打开本页时，系统用一致性证明逐一核验每个检查点是否为前一个的延续。用以前的密钥签名的检查"
        "点无法在此核验。",
        "When you open this page, the proof of consistency from each checkpoint to the next is verified. "
        "What "
        "an earlier key signed cannot be verified here.",
    ),
    "checkpoint_continues": ("是否延续前一个检查点", "Continues the one before"),
    "checkpoint_holds": ("是，已核验", "yes, verified"),
    "checkpoint_fails": ("未能证明", "not proven"),
    "no_checkpoints": ("还没有签名检查点。", "No checkpoint was signed yet."),
    "scoreboard": ("部门考核", "Department scoreboard"),
    "scoreboard_is": (
        "各部门按编号排列，不作排名。其他部门只显示百分比和天数，按完整月份统计，且两项各有至少 {least} "
        "件才显示；数量只显示本部门的。所有数字均来自办件和日志，不含任何数据。",
        "Departments stand by their ids; this is no ranking. Of other departments there is a percentage "
        "and a number of days, of whole months, where at least {least} decisions stand behind each of "
        "them. Counts are of your own department. "
        "Everything comes from work and the log, nothing from data.",
    ),
    "scoreboard_window": ("时间范围", "Time"),
    "last_days": ("最近 {days} 天", "the last {days} days"),
    "no_departments": ("还没有部门发布数据集。", "No department has published a dataset yet."),
    "score_department": ("部门", "Department"),
    "on_time": ("按期办理", "Decided in time"),
    "score_days": ("申报办理天数（中位数）", "Days to decide on a request (median)"),
    "opened_datasets": ("已开放的数据集", "Open datasets"),
    "score_requests": ("申报", "Requests"),
    "score_requests_of": ("已办 {decided}，待办 {waiting}", "{decided} decided, {waiting} wait"),
    "score_late": ("逾期办理", "Decided late"),
    "score_overdue": ("逾期未更新", "Updates overdue"),
    "score_of": ("{part} / {all}", "{part} of {all}"),
    "score_quality": ("质量得分（平均）", "Quality score (mean)"),
    "too_few": ("数量过少，不显示", "too few to show"),
    "operations": ("维护与公告", "Maintenance and announcements"),
    "maintenance": ("维护", "Maintenance"),
    "maintenance_is": (
        "维护期间，每个页面都显示说明；任何变更都被拒绝（503，maintenance），查看照常，已开始的密"
        "封运行继续完成，排队的在维护后开始，被拒绝的调用不收费。",
        "During maintenance every page shows the text. What changes something is refused (503, maintenance). "
        "Reading goes on, sealed runs that began finish, those that wait begin after it, and a refused call "
        "costs nothing.",
    ),
    "maintenance_set": ("设定维护", "Set maintenance"),
    "maintenance_end": ("结束维护", "End maintenance"),
    "maintenance_now": (
        "系统正在维护，预计 {until} 结束，期间不能进行任何变更。",
        "The service is under maintenance until {until}. Nothing can be changed; reading goes on.",
    ),
    "maintenance_coming": (
        "系统将于 {start} 至 {until} 维护，期间不能进行任何变更。",
        "There will be maintenance from {start} until {until}. Nothing can be changed then.",
    ),
    "notice_zh": ("中文说明", "Text in Chinese"),
    "notice_en": ("英文说明", "Text in English"),
    "notice_from": ("开始（北京时间；留空表示立即）", "From (the city\u2019s time; empty: now)"),
    "notice_until": ("结束（北京时间）", "Until (the city\u2019s time)"),
    "notice_state.coming": ("尚未开始", "Coming"),
    "notice_state.now": ("进行中", "Now"),
    "notice_state.over": ("已结束", "Over"),
    "notice_state.withdrawn": ("已撤回", "Withdrawn"),
    "announcements": ("公告", "Announcements"),
    "announcements_are": (
        "公告显示在每个页面顶部，直至结束；每个人都可以在自己的会话中关闭它。",
        "Every page shows an announcement until its end. Each person may dismiss it for their session.",
    ),
    "announce": ("发布公告", "Announce"),
    "announcement_withdraw": ("撤回", "Withdraw"),
    "announcement": ("公告", "Announcement"),
    "dismiss": ("关闭公告", "Dismiss"),
    "audience": ("谁能看到", "Who sees it"),
    "audience.all": ("所有人", "everybody"),
    "audience.teams": ("团队成员", "members of teams"),
    "audience.companies": ("企业成员", "people of companies"),
    "audience.officers": ("数据专员", "data officers"),
    "health": ("运行状况", "Health"),
    "health_is": (
        "各组成部分的状态和处理办法。本页不含任何数据。",
        "Each part, how it is, and what to do where it is not well. Nothing of data is on this page.",
    ),
    "health_whole.ok": ("一切正常。", "All is well."),
    "health_whole.warning": ("有需要留意的事项。", "Something needs your attention."),
    "health_whole.unknown": ("有状态不明的部分。", "The state of a part is not known."),
    "health_whole.bad": ("有故障，需要处理。", "Something is wrong and needs you now."),
    "health_state.ok": ("正常", "well"),
    "health_state.warning": ("留意", "attention"),
    "health_state.unknown": ("不明", "not known"),
    "health_state.bad": ("故障", "wrong"),
    "health_parts": ("组成部分", "Parts"),
    "health_part": ("部分", "Part"),
    "health_remedy": ("处理办法", "What to do"),
    "health_queues": ("待办与队列", "What waits"),
    "health_queue": ("队列", "Queue"),
    "health_waiting": ("数量", "Number"),
    "health_failures": ("最近七天的失败", "What failed in the last seven days"),
    "health_times": ("次数", "Times"),
    "no_failures": ("最近七天没有失败。", "Nothing failed in the last seven days."),
    "health_disks": ("磁盘", "Disks"),
    "health_free": ("剩余", "Free"),
    "health_free_of": ("{free} GiB（共 {all} GiB）", "{free} of {all} GiB"),
    "health_certificates": ("证书", "Certificates"),
    "no_certificates": (
        "没有使用 HTTPS 的地址（仅限本机）。",
        "No address uses HTTPS: the service is for this machine alone.",
    ),
    "health_backups": ("备份", "Backups"),
    "health_backups_are": (
        "备份由运营方自己的程序完成并登记；“已验证”表示曾在别处恢复并核查。",
        "The operator\u2019s own program makes backups and records them. Verified: restored elsewhere, and "
        "looked at.",
    ),
    "health_backed_up": ("内容", "What"),
    "health_made": ("最近备份", "Made last"),
    "health_verified": ("最近验证", "Verified last"),
    "backup.database": ("数据库", "Database"),
    "backup.store": ("对象存储", "Object store"),
    "backup.keys": ("密钥", "Keys"),
    "health_part.portal": ("门户", "Portal"),
    "health_part.portal.database": ("数据库（门户）", "Database, from the portal"),
    "health_part.portal.store": ("对象存储（门户）", "Object store, from the portal"),
    "health_part.portal.disk": ("磁盘（门户）", "Disk of the portal"),
    "health_part.vault": ("保险库", "Vault"),
    "health_part.vault.disk": ("磁盘（保险库）", "Disk of the vault"),
    "health_part.vault.database": ("数据库（保险库）", "Database, from the vault"),
    "health_part.vault.store": ("对象存储（保险库）", "Object store, from the vault"),
    "health_part.vault.engine": ("计算引擎", "Engine"),
    "health_part.vault.runs": ("密封运行", "Sealed runs"),
    "health_part.hub": ("工作空间服务", "Workspace hub"),
    "health_part.puller": ("数据源采集", "Pulls of sources"),
    "health_part.store": ("对象存储", "Object store"),
    "waits.runs_queued": ("排队的密封运行", "Sealed runs in the queue"),
    "waits.runs_running": ("进行中的密封运行", "Sealed runs that run"),
    "waits.requests": ("待审批的申报", "Access requests"),
    "waits.reviews": ("待审核的输出", "Reviews of outputs"),
    "waits.openings": ("待完成的安全审查", "Reviews before opening"),
    "waits.problems": ("待答复的疑义", "Reported problems"),
    "waits.orders": ("待决定的订单", "Orders"),
    "refusal.maintenance": ("系统正在维护，暂时不能进行任何变更。", "The service is under maintenance."),
}
