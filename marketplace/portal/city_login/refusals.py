"""Why a log-in through an identity provider fails, in people's words. What exactly was wrong with a
provider's answer goes to the portal's own log, never to the page."""

from sandbox.errors import NotAuthenticated

REFUSALS: dict[str, tuple[str, str, str, str]] = {
    "city_login_expired": (
        "This log-in is too old, was used already, or was begun in another browser.",
        "Begin again.",
        "本次登录已过期、已使用过，或是在其他浏览器中开始的。",
        "请重新登录。",
    ),
    "city_login_denied": (
        "The identity provider did not log you in, or you stopped it there.",
        "Begin again, or log in with your password.",
        "身份认证平台未完成登录，或您已取消。",
        "请重试，或使用密码登录。",
    ),
    "city_provider_unreachable": (
        "The identity provider does not answer.",
        "Try again later, or log in with your password.",
        "身份认证平台暂时无法连接。",
        "请稍后再试，或使用密码登录。",
    ),
    "city_provider_fault": (
        "The identity provider's answer cannot be trusted, so nobody was logged in.",
        "Log in with your password, and tell the operator.",
        "身份认证平台的答复未通过核验，未登录。",
        "请使用密码登录，并告知运营人员。",
    ),
    "city_person_unknown": (
        "No account here is connected with this identity.",
        "Log in with your password and connect it on the page Security, or ask for an invitation.",
        "该身份尚未绑定本站账号。",
        "请用密码登录后在“登录安全”页绑定，或申请邀请。",
    ),
    "city_person_changed": (
        "The identity provider now names another person by this identity.",
        "Log in with your password, and tell whoever looks after accounts.",
        "身份认证平台中，该身份所对应的人员已变更。",
        "请使用密码登录，并告知账号管理人员。",
    ),
    "city_already_connected": (
        "This identity belongs to another account, or this account has one of this provider already.",
        "Disconnect the other first.",
        "该身份已绑定其他账号，或本账号已绑定该平台的另一身份。",
        "请先解除原有绑定。",
    ),
    "city_form_too_long": (
        "What you typed is too long to be kept while you log in there.",
        "Log in with your password here, and nothing is lost.",
        "您填写的内容过长，无法在跳转登录时保留。",
        "请在本页用密码登录，内容不会丢失。",
    ),
    "city_no_log_out": (
        "This identity provider cannot be asked to log you out.",
        "Close the browser, or log out at the provider.",
        "该身份认证平台不支持从本站退出。",
        "请关闭浏览器，或到该平台退出。",
    ),
}
"""By code: message and remedy in English, then in Chinese."""

MESSAGES = {
    f"refusal.{code}": (f"{zh}{fix}", f"{en} {mend}") for code, (en, mend, zh, fix) in REFUSALS.items()
}


class CityLoginRefused(NotAuthenticated):
    """Nobody was logged in. `internal`: what exactly, for the operator. `account`: whose it would have been,
    where that is known."""

    code = "city_login_refused"

    def __init__(self, code: str, internal: str = "", *, account: str = "") -> None:
        message, remedy, zh, remedy_zh = REFUSALS[code]
        super().__init__(message, code=code, remedy=remedy, zh=zh, remedy_zh=remedy_zh, internal=internal)
        self.account = account


def untrusted(why: str) -> CityLoginRefused:
    """The provider's answer fails a check."""
    return CityLoginRefused("city_provider_fault", why)
