"""The words of the hub's pages in both languages, and how they reach its templates.

JupyterHub's pages are in English and know no person's language. The templates in `templates/` take the place
of those that a person of the city can meet.
"""

from typing import Any

from sandbox.hub.language import LANGUAGES, OTHERWISE, language_of

WORDS: dict[str, dict[str, str]] = {
    "en": {
        "city": "Cihu",
        "workspace": "Workspace",
        "portal": "Back to the portal",
        "log_out": "Log out",
        "needs_script": "The workspace needs JavaScript. Switch it on, please.",
        "opening": "Your workspace is opening",
        "opened_soon": "This takes a few seconds. The page goes on by itself.",
        "steps": "What happened",
        "requested": "The workspace was asked for.",
        "starting": "The notebook server starts. Your files are as you left them.",
        "ready": "It is ready.",
        "failed": "The workspace did not open.",
        "give_up": "Do not wait",
        "giving_up": "It is being stopped …",
        "not_given_up": "It could not be stopped. Reload the page.",
        "open": "Open the workspace",
        "running": "Your workspace is open.",
        "closed": "Your workspace is closed. Your notebooks and files are kept.",
        "stop": "Close the workspace",
        "what_stops": "Kernels end with it and their variables are gone. Notebooks and files are kept.",
        "stopping": "Your workspace is closing",
        "again_soon": "You can open it again in a moment. The page goes on by itself.",
        "try_again": "Try again",
        "error": "This did not work",
        "missing": "There is no such page",
        "logged_out": "You are logged out.",
        "dialog_error": "Error",
        "ok": "OK",
    },
    "zh": {
        "city": "磁湖",
        "workspace": "工作空间",
        "portal": "返回门户",
        "log_out": "退出登录",
        "needs_script": "工作空间需要 JavaScript，请启用。",
        "opening": "正在打开您的工作空间",
        "opened_soon": "需要几秒钟，页面会自动继续。",
        "steps": "进展",
        "requested": "已请求打开工作空间。",
        "starting": "正在启动笔记本服务。您的文件保持原样。",
        "ready": "已就绪。",
        "failed": "工作空间没有打开。",
        "give_up": "不再等待",
        "giving_up": "正在停止……",
        "not_given_up": "未能停止，请刷新页面。",
        "open": "打开工作空间",
        "running": "您的工作空间已打开。",
        "closed": "您的工作空间已关闭，笔记本和文件均已保留。",
        "stop": "关闭工作空间",
        "what_stops": "内核会随之结束，变量将丢失；笔记本和文件会保留。",
        "stopping": "正在关闭您的工作空间",
        "again_soon": "稍后即可重新打开，页面会自动继续。",
        "try_again": "重试",
        "error": "操作未成功",
        "missing": "没有此页面",
        "logged_out": "您已退出登录。",
        "dialog_error": "错误",
        "ok": "确定",
    },
}


def page_words(language: str) -> dict[str, str]:
    """By key; of Chinese where nothing says which language."""
    return WORDS[language if language in LANGUAGES else OTHERWISE]


def speak_languages(portal_url: str) -> None:
    """From now on every template of the hub has `language`, `t` (words by key) and `portal_url`."""
    from jupyterhub.handlers.base import BaseHandler

    without = BaseHandler.template_namespace.fget

    def template_namespace(handler: Any) -> dict[str, Any]:
        spoken = language_of(handler.request) or OTHERWISE
        said = {"language": spoken, "t": page_words(spoken), "portal_url": portal_url}
        return {**without(handler), **said}

    BaseHandler.template_namespace = property(template_namespace)
