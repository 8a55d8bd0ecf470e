"""A browser page with what the tests watch: its problems, its socket's messages, and the order of those and the DOM."""

from __future__ import annotations

import json
from typing import Any, Final, Literal

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, WebSocketRoute, expect

from tests.e2e.live_server import LiveServer

Width = Literal[1400, 390]
HEIGHTS: Final[dict[Width, int]] = {1400: 900, 390: 844}
PAGES: Final = {
    "overview": "Overview",
    "funding": "Funding",
    "lst": "LST",
    "scalp": "Scalp",
    "arb": "Arb",
    "risk": "Risk",
    "lab": "Lab",
    "log": "Log",
}
TITLES: Final = {
    "funding": "Funding (Delta Neutral)",
    "lst": "LST (De-Pegger)",
    "scalp": "Scalp",
    "arb": "Arb (Trip Hopper)",
}

# Runs before the page's own script. One list holds frames, sent messages and changes of the page, in their order.
RECORDER: Final = """
window.recorded = [];
window.lastFrame = {};
const Native = window.WebSocket;
window.WebSocket = class extends Native {
  constructor(...given) {
    super(...given);
    this.addEventListener("message", (event) => {
      const frame = JSON.parse(event.data);
      window.lastFrame[frame.type] = frame.data;
      const data = frame.type === "COMMAND_RESULT" ? frame.data : null;
      window.recorded.push({ kind: "frame", type: frame.type, data });
    });
  }
  send(text) {
    window.recorded.push({ kind: "sent", data: JSON.parse(text) });
    super.send(text);
  }
};
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`CSP violation: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""


class Tab:
    """One browser page on a server. `close` fails the test where the page complained."""

    def __init__(self, browser: Browser, server: LiveServer, width: Width = 1400, theme: str = "dark") -> None:
        self.server = server
        self.context: BrowserContext = browser.new_context(
            viewport={"width": width, "height": HEIGHTS[width]},
            timezone_id="UTC",
            locale="en-GB",
            reduced_motion="reduce",
        )
        self.page: Page = self.context.new_page()
        self.problems: list[str] = []
        self.forgiven: tuple[str, ...] = ()
        self.page.add_init_script(RECORDER)
        if theme == "light":
            self.page.add_init_script("localStorage.setItem('phantom-theme', 'light')")
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.problems.append(f"uncaught: {error}"))

    def open(self, name: str = "overview") -> Tab:
        """Load the page and wait for its first data."""
        self.page.goto(f"{self.server.url}#/{name}")
        self.expect_live()
        return self

    def go(self, name: str) -> Tab:
        """To another page, by its link."""
        self.page.get_by_role("navigation", name="Pages").get_by_role("link", name=PAGES[name]).click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text(PAGES[name])
        return self

    def close(self) -> None:
        """Close, and fail where there was a console error, an uncaught exception or a breach of the policy."""
        self.context.close()
        left = [problem for problem in self.problems if not any(part in problem for part in self.forgiven)]
        assert left == []

    def expect_live(self) -> None:
        """The connection stands, and every panel has its data."""
        expect(self.page.get_by_role("banner")).to_contain_text("Connected")
        expect(self.page.locator("[aria-busy=true]")).to_have_count(0)

    def panel(self, title: str) -> Locator:
        """A panel by its heading."""
        return self.page.get_by_role("region", name=title, exact=True)

    def expect_state(self, engine: str, state: str) -> None:
        """The state that the overview's card of an engine shows."""
        expect(self.panel(TITLES[engine]).locator("header")).to_contain_text(state)

    def button(self, name: str) -> Locator:
        """A button by its exact name."""
        return self.page.get_by_role("button", name=name, exact=True)

    def recorded(self) -> list[dict[str, Any]]:
        """Frames, sent messages and noted changes so far, in their order."""
        return list(self.page.evaluate("window.recorded"))

    def sent_actions(self) -> list[str]:
        """The actions of the messages sent so far."""
        return [entry["data"]["action"] for entry in self.recorded() if entry["kind"] == "sent"]

    def note_changes(self, locator: Locator, name: str) -> None:
        """Note in the recording each change of an element's text."""
        locator.evaluate(
            """(element, name) => {
              const note = () => {
                const text = element.textContent;
                if (window.recorded.findLast((one) => one.kind === name)?.data !== text)
                  window.recorded.push({ kind: name, data: text });
              };
              note();
              new MutationObserver(note).observe(element, { subtree: true, childList: true, characterData: true });
            }""",
            name,
        )

    def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(f"console {message.type}: {message.text} {message.location.get('url', '')}")


class Held:
    """Stands between a page and its server: while held, the server's messages wait (all, or those of some types)."""

    def __init__(self, tab: Tab) -> None:
        self._page: WebSocketRoute | None = None
        self._waiting: list[str | bytes] | None = None
        self._types: frozenset[str] | None = None
        tab.page.route_web_socket(lambda url: url.startswith("ws://127.0.0.1"), self._route)

    def hold(self, *types: str) -> None:
        """From now on, messages of these types wait; of every type where none is named."""
        self._waiting, self._types = [], frozenset(types) or None

    def release(self) -> None:
        """Hand over what waits, in its order, and hold no more."""
        waiting, self._waiting = self._waiting or [], None
        assert self._page is not None
        for message in waiting:
            self._page.send(message)

    def has(self, kind: str) -> bool:
        """Whether a message of that type waits."""
        return any(_type(message) == kind for message in self._waiting or [])

    def _route(self, page: WebSocketRoute) -> None:
        self._page = page
        server = page.connect_to_server()
        server.on_message(self._from_server)

    def _from_server(self, message: str | bytes) -> None:
        assert self._page is not None
        if self._waiting is not None and (self._types is None or _type(message) in self._types):
            self._waiting.append(message)
        else:
            self._page.send(message)


def _type(message: str | bytes) -> str:
    return str(json.loads(message)["type"])
