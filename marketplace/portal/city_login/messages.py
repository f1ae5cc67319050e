"""The words of log-ins through identity providers."""

from marketplace.portal.city_login.refusals import MESSAGES

CITY_LOGIN_MESSAGES: dict[str, tuple[str, str]] = {
    **MESSAGES,
    "second_step_of_identity": (
        "身份已通过验证。请输入验证器应用中的六位动态口令，或一个恢复码。",
        "Your identity is confirmed. Type the six digits of your authenticator app, or a recovery code.",
    ),
    "log_in_with": ("使用{provider}登录", "Log in with {provider}"),
    "accept_with": ("使用{provider}接受邀请，不设密码", "Accept with {provider}, without a password"),
    "left_here": (
        "您已退出本站，但在{provider}可能仍处于登录状态。",
        "You are logged out here. You may still be logged in at {provider}.",
    ),
    "leave_there": ("退出{provider}", "Log out of {provider}"),
    "city_identities": ("身份认证平台", "Identity providers"),
    "city_identities_are": (
        "绑定后，您可以使用该平台的身份登录本账号。",
        "After you connect an identity, you can log in to this account with it.",
    ),
    "city_connected": ("{provider}：{since} 绑定", "{provider}: connected {since}"),
    "city_connect": ("绑定{provider}", "Connect {provider}"),
    "city_disconnect": ("解除与{provider}的绑定", "Disconnect {provider}"),
    "city_continue_title": ("前往身份认证平台", "Go on to the identity provider"),
    "city_continue.log in": (
        "请在{provider}登录。完成后将回到本站，您填写的内容会保留。",
        "Log in at {provider}. You then come back here, and what you typed is kept.",
    ),
    "city_continue.connect": (
        "请在{provider}登录。完成后，该身份即可登录您的账号。",
        "Log in at {provider}. That identity then opens your account.",
    ),
    "city_continue.accept": (
        "请在{provider}登录。完成后，该身份即可登录受邀的账号，不需要密码。",
        "Log in at {provider}. That identity then opens the invited account, and no password is needed.",
    ),
    "city_go": ("前往{provider}", "Go on to {provider}"),
}
