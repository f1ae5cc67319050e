"""The words of the pages about logging in, one's own account, and the people of the city."""

ACCOUNT_MESSAGES: dict[str, tuple[str, str]] = {
    "one_time_code": ("动态口令或恢复码", "One-time code or recovery code"),
    "code_when_held": (
        "尝试次数过多时，同时输入密码和动态口令仍可登录。",
        "After too many attempts, the password and a code together still log you in.",
    ),
    "log_in_with_passkey": ("使用通行密钥登录", "Log in with a passkey"),
    "passkey_stopped": (
        "未取得通行密钥，请重试或用密码登录。",
        "No passkey was given. Try again, or use your password.",
    ),
    "second_step": ("第二步验证", "Second step"),
    "second_step_is": (
        "密码正确。请输入验证器应用中的六位动态口令，或一个恢复码。",
        "The password was right. Type the six digits of your authenticator app, or a recovery code.",
    ),
    "another_way_to_log_in": ("用其他方式登录", "Log in another way"),
    "refusal.wrong_code": (
        "动态口令或恢复码错误、已使用或已过期。请等待下一个动态口令，或使用恢复码。",
        "The code is wrong, was used already, or ran out. Wait for the next one, or use a recovery code.",
    ),
    "refusal.wrong_passkey": (
        "该通行密钥无法登录，请更换或用密码登录。",
        "This passkey opens no account here. Use another, or your password.",
    ),
    "refusal.bad_passkey": (
        "浏览器发送的内容不是本站的通行密钥。请刷新页面并使用本站地址。",
        "What the browser sent is no passkey for this city. Load the page again.",
    ),
    "refusal.old_challenge": (
        "页面已过期或已使用过。请刷新页面。",
        "The page is too old, or was used already. Load it again.",
    ),
    "refusal.passkey_exists": (
        "该通行密钥已登记，或数量已达上限。",
        "This passkey is registered already, or there are too many.",
    ),
    "refusal.password_guessable": (
        "密码中含有账号名，或不同的字符太少。请更换。",
        "The password holds the account's name, or too few different characters. Choose another.",
    ),
    "refusal.password_kinds": (
        "密码较短时须含大写字母、小写字母、数字、符号中的三种；也可使用 15 个以上字符。",
        "A short password needs three of: small letters, capital letters, digits, other characters. "
        "Or take 15 characters or more.",
    ),
    "refusal.password_used_before": (
        "您最近使用过此密码。请更换。",
        "You had this password already. Choose another.",
    ),
    "refusal.password_expired": (
        "密码已超过使用期限，请设置新密码。",
        "The password is too old. Choose a new one.",
    ),
    "refusal.link_over": (
        "此链接已失效。请向发送人索取新的链接。",
        "This link is good no more. Ask whoever sent it for a new one.",
    ),
    "security": ("登录安全", "Security"),
    "security_required": (
        "您的角色要求第二因素。添加之前，不能使用其他功能。",
        "A role of yours requires a second factor. Until there is one, nothing else is open to you.",
    ),
    "totp": ("动态口令（验证器应用）", "One-time codes (authenticator app)"),
    "totp_on": ("已于 {since} 启用", "In use since {since}"),
    "totp_scan": (
        "用验证器应用扫描图中的码，或输入密钥，然后填写应用显示的六位数字。",
        "Scan this with your authenticator app, or type the secret into it. "
        "Then type the six digits that it shows.",
    ),
    "totp_secret": ("密钥", "Secret"),
    "totp_begin": ("添加动态口令", "Add one-time codes"),
    "totp_confirm": ("确认", "Confirm"),
    "factor_remove": ("移除", "Remove"),
    "passkeys": ("通行密钥", "Passkeys"),
    "passkeys_are": (
        "用指纹、面容或设备密码登录，无需输入密码，也不会被钓鱼网站骗走。",
        "Log in with a fingerprint, a face or the device's own lock, without a password. "
        "No false site can steal it.",
    ),
    "passkeys_not_here": (
        "通行密钥需要域名：请通过 localhost 或正式域名访问。",
        "Passkeys need a domain: open the portal at localhost or at its public name.",
    ),
    "passkey_name": ("名称，如“办公室电脑”", "Name, such as office laptop"),
    "passkey_add": ("添加通行密钥", "Add a passkey"),
    "passkey_used": ("最近使用", "Last used"),
    "recovery_codes": ("恢复码", "Recovery codes"),
    "recovery_left": ("还有 {count} 个未使用", "{count} are left"),
    "recovery_renew": ("生成新的恢复码", "Make new recovery codes"),
    "recovery_shown": (
        "请立即保存，离开本页后无法再次查看。每个只能使用一次。",
        "Keep them now: they are never shown again. Each is good once.",
    ),
    "invitation": ("加入磁湖", "Join Cihu"),
    "new_password_link": ("设置新密码", "Choose a new password"),
    "invitation_is": (
        "账号 {account}。此链接只能使用一次，有效期至 {until}。",
        "Account {account}. This link is good once, until {until}.",
    ),
    "invitation_accept": ("设置密码", "Set the password"),
    "display_name": ("姓名", "Name"),
    "people": ("人员", "People"),
    "invite": ("邀请", "Invite"),
    "invite_is": (
        "创建账号并生成一次性链接，请自行交给本人，由其设置密码。",
        "This makes an account and a link that is good once. Hand it to the person, who chooses a password.",
    ),
    "invite_all": ("邀请文件中所有人", "Invite everybody in the file"),
    "invited": ("邀请链接", "Links"),
    "invited_is": (
        "请立即复制并交给本人，离开本页后无法再次查看。",
        "Copy them now and hand them over: they are never shown again.",
    ),
    "link_until": ("有效期至 {until}", "until {until}"),
    "link_renew": ("重置密码并生成新链接", "Take the password away and make a new link"),
    "link_withdraw": ("撤回未使用的链接", "Withdraw the open link"),
    "people_file": ("CSV 文件", "CSV file"),
    "people_file_is": (
        "首行为表头，每行一人，多个角色或团队用空格分隔；有任何错误则全部不导入。表头：",
        "A header, then a line a person; several roles or teams are separated by spaces. "
        "With any fault nobody is invited. Header:",
    ),
    "organisations": ("单位", "Organisations"),
    "organisation_create": ("新增单位", "Add an organisation"),
    "group_id": ("标识", "Id"),
    "group_name": ("名称", "Name"),
    "group_members": ("{count} 人", "{count} members"),
    "team_create": ("新建团队", "Form a team"),
    "team_join": ("加入团队", "Add to a team"),
    "team_leave": ("移出团队", "Take out of the team"),
    "team_merge": ("合并团队", "Merge the team"),
    "team_into": ("并入", "into"),
    "team_merge_do": ("合并", "Merge"),
    "team_merged_into": ("已并入 {into}", "went over into {into}"),
    "roles_set": ("保存角色", "Save the roles"),
    "account_status": ("状态", "State"),
    "account_status.live": ("正常", "live"),
    "account_status.invited": ("待接受邀请", "invited"),
    "account_status.disabled": ("已停用", "disabled"),
    "has_second_factor": ("已启用第二因素", "second factor"),
    "account_enable": ("启用并生成新链接", "Enable, with a new link"),
    "account_disable": ("停用", "Disable"),
    "account_unlock": ("解除登录锁定", "Unlock logins"),
    "factors_remove": ("移除全部第二因素", "Remove all second factors"),
    "role.system_administrator": ("系统管理员", "system administrator"),
    "role.security_administrator": ("安全管理员", "security administrator"),
    "role.audit_administrator": ("审计管理员", "audit administrator"),
    "my_data": ("系统保存的关于我的信息", "What the system holds about me"),
    "my_data_get": ("下载（JSON）", "Download (JSON)"),
}
