"""The words on the pages of notices, each in Chinese and in English. What a notice says:
`sandbox/notices/events.py`."""

NOTICE_MESSAGES: dict[str, tuple[str, str]] = {
    "part_mails": ("邮件", "Mails"),
    "mails_sent": ("正在发送", "are sent"),
    "mails_not_sent": ("未发送：没有运行邮件程序", "are not sent: no courier runs"),
    "notices": ("通知", "Notices"),
    "notices_unread": ("{number} 条未读", "{number} unread"),
    "notices_are": (
        "这里是最近 90 天内与您有关的变化。通知只说明发生了什么，内容请在相应页面查看。",
        "What changed for you in the last 90 days. A notice says that it happened; its page says what.",
    ),
    "notices_none": ("没有通知。", "There are no notices."),
    "notices_none_unread": ("没有未读通知。", "There are no unread notices."),
    "notices_kind": ("种类", "Kind"),
    "notices_every_kind": ("全部种类", "Every kind"),
    "notices_only_unread": ("只看未读", "Unread only"),
    "notices_show": ("范围", "Show"),
    "notices_read_too": ("全部", "All"),
    "notices_mark_all": ("全部标为已读", "Mark all as read"),
    "notice_open": ("查看", "Open"),
    "notice_open_this": ("查看：{words}", "Open: {words}"),
    "notice_new": ("未读", "new"),
    "notice_settings": ("通知设置", "Notice settings"),
    "notice_settings_are": (
        "收件箱始终收到全部通知。您可以选择哪些通知同时发送邮件。",
        "The inbox has every notice. Choose of which you want a mail, too.",
    ),
    "notice_mail_for": ("发送邮件的通知", "Send me mails of"),
    "notice_daily": ("每天汇总为一封邮件", "One mail a day with all of them"),
    "notice_save": ("保存", "Save"),
    "notice_said.saved": ("设置已保存。", "The settings are saved."),
    "notice_said.sent": (
        "确认链接已发送到该地址。请在 24 小时内打开链接。",
        "A link was sent to this address. Open it within 24 hours.",
    ),
    "notice_said.dropped": (
        "地址已删除，不再发送邮件。",
        "The address was removed: no more mails.",
    ),
    "notice_said.verified": (
        "地址已确认，开始发送邮件。",
        "The address is confirmed: mails go there.",
    ),
    "notice_address": ("邮箱地址", "E-mail address"),
    "notice_address_is": (
        "确认后才会向该地址发送邮件。邮件只写明通知本身，不含任何内容。",
        "Mails are sent there once you confirmed it. They say what the notice says, and nothing else.",
    ),
    "notice_mail_language": ("邮件语言", "Language of the mails"),
    "notice_address_now": ("邮件发送到 {address}。", "Mails go to {address}."),
    "notice_address_waits": (
        "{address} 尚未确认：请打开邮件中的链接。",
        "{address} is not confirmed yet: open the link in its mail.",
    ),
    "notice_address_set": ("发送确认链接", "Send the link"),
    "notice_address_drop": ("不再接收邮件并删除地址", "No more mails: remove the address"),
    "notice_verify": ("确认邮箱地址", "Confirm your e-mail address"),
    "notice_verify_is": (
        "确认后，通知将发送到收到此链接的邮箱。",
        "Notices will be sent to the mailbox in which you found this link.",
    ),
    "notice_verify_do": ("确认", "Confirm"),
    "notice_leave": ("不再接收通知邮件", "No more mails of notices"),
    "notice_leave_is": (
        "确认后不再发送通知邮件。收件箱中的通知不受影响。",
        "No mails are sent any more. The notices in the inbox stay.",
    ),
    "notice_leave_do": ("不再接收邮件", "No more mails"),
    "notice_left": ("如果链接有效，今后不再发送邮件。", "If the link was good, no mails are sent any more."),
    "notice_not_sending": (
        "本系统目前不发送邮件。设置会保留，待运营人员启用邮件后生效。",
        "This city sends no mails now. Your settings are kept for when its operator switches mails on.",
    ),
}
