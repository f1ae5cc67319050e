"""A person at a real browser: one window of a Chromium, which notices whatever goes wrong on a page."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response, expect

from live_city import PASSWORD, LiveCity

WIDE, NARROW = {"width": 1200, "height": 900}, {"width": 390, "height": 844}
LOCAL = {"data", "blob", "about"}
BAD_STATUS = 400
NO_FAULT = "net::ERR_ABORTED"  # the browser itself gave up a request, because the page was left

# what is visible and in no language but ASCII letters; names, ids and code are marked as such, or known
UNTRANSLATED = r"""(known) => {
  const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const parent = node.parentElement, text = node.textContent.trim();
    if (!text || parent.closest('code, pre, script, style, option, [translate=no], [lang=en]')) continue;
    if (!parent.checkVisibility()) continue;
    const words = (text.match(/[A-Za-z][a-z-]{2,}/g) || []).filter((word) => !known.includes(word));
    if (words.length && !(/\p{Script=Han}/u.test(text) && words.length < 3)) found.push(text);
  }
  for (const each of document.querySelectorAll('[placeholder], [aria-label]')) {
    const text = each.getAttribute('placeholder') || each.getAttribute('aria-label');
    if (!/\p{Script=Han}/u.test(text)) found.push(text);
  }
  return found;
}"""

UNLABELLED = """() => [...document.querySelectorAll('input:not([type=hidden]), select, textarea, meter')]
  .filter((each) => !(each.labels && each.labels.length) && !each.getAttribute('aria-label'))
  .map((each) => each.outerHTML)"""

UNNAMED = """() => [...document.querySelectorAll('a, button, summary')]
  .filter((each) => !each.innerText.trim() && !each.getAttribute('aria-label') && each.checkVisibility())
  .map((each) => each.outerHTML)"""

OVERFLOWING = """() => { const wide = document.documentElement.clientWidth;
  return document.documentElement.scrollWidth <= wide ? [] : [...document.querySelectorAll('body *')]
    .filter((each) => each.getBoundingClientRect().right > wide + 1).slice(0, 5).map((each) => each.outerHTML.slice(0, 120)); }"""  # noqa: E501

# controls and words that lie on each other: of two that are visible, neither within the other
OVERLAPPING = """() => {
  const looked = 'a, button, summary, input:not([type=hidden]), select, textarea, .badge, h1, h2, legend';
  const shown = [...document.querySelectorAll(looked)].filter((each) => each.checkVisibility() && !each.matches('.skip'))
    .map((each) => [each, each.getClientRects()[0]]).filter(([, at]) => at);
  const found = [];
  for (const [place, [one, a]] of shown.entries()) for (const [other, b] of shown.slice(place + 1)) {
    const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (wide > 2 && high > 4 && !one.contains(other) && !other.contains(one))
      found.push([one, other].map((each) => each.outerHTML.slice(0, 80)));
  }
  return found.slice(0, 5); }"""  # noqa: E501


@dataclass
class Window:
    """`expected` are the refusals that belong to the test:
    the end of an address, and the status of its answer."""

    city: LiveCity
    page: Page
    faults: list[str] = field(default_factory=list)
    expected: dict[str, int] = field(default_factory=dict)

    @property
    def portal(self) -> str:
        return self.city.where.portal

    def goto(self, path: str) -> None:
        self.page.goto(self.portal + path)

    def log_in(self, account: str) -> None:
        """As a person does it, with the keyboard alone: the field gets the focus when the page is drawn."""
        self.goto("/login")
        # a page may be loaded before it is drawn for the first time, and keys without a focus are lost
        expect(self.page.locator("input[name=account]")).to_be_focused()
        self.page.keyboard.type(account)
        self.page.keyboard.press("Tab")
        self.page.keyboard.type(PASSWORD)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(self.portal + "/")

    def watch(self) -> None:
        places = self.city.where
        hosts = {urlsplit(url).netloc for url in (places.portal, places.hub)}

        def asked(request: Request) -> None:
            parts = urlsplit(request.url)
            if parts.scheme not in LOCAL and parts.netloc not in hosts:
                self.faults.append(f"a request to {request.url}")

        def failed(request: Request) -> None:
            if request.failure != NO_FAULT:
                self.faults.append(f"{request.url} failed: {request.failure}")

        def answered(response: Response) -> None:
            if response.status >= BAD_STATUS and response.status != self.expected_at(response.url):
                self.faults.append(f"{response.url} was answered with {response.status}")

        def said(message: ConsoleMessage) -> None:
            where = message.location.get("url", "")
            if message.type == "error" and f"status of {self.expected_at(where)}" not in message.text:
                self.faults.append(f"the console says {message.text} at {where}")

        self.page.on("request", asked)
        self.page.on("requestfailed", failed)
        self.page.on("response", answered)
        self.page.on("console", said)

        def broke(error: object) -> None:
            told = f"a script failed: {error}"
            # its console line names the address
            if not (404 in self.expected.values() and "404 Not Found" in told):
                self.faults.append(told)

        self.page.on("pageerror", broke)

    def expected_at(self, url: str) -> int | None:
        return next(
            (status for end, status in self.expected.items() if urlsplit(url).path.endswith(end)), None
        )


@contextmanager
def open_window(
    browser: Browser, city: LiveCity, *, language: str = "zh-CN", narrow: bool = False
) -> Iterator[Window]:
    """A browser of its own, with no cookies; whatever went wrong in it fails the test at its end."""
    with browser.new_context(
        locale=language,
        viewport=NARROW if narrow else WIDE,  # type: ignore[arg-type]
        timezone_id="Asia/Shanghai",
    ) as context:
        context.set_default_timeout(15_000)
        window = Window(city, context.new_page())
        window.watch()
        yield window
        assert not window.faults, window.faults
