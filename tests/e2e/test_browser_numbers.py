"""What stands on the screen is what the server said, with the right sign and in the right words.

Numbers move while they are read, so each check waits for one instant at which page and message agree: a wrong number
never agrees.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.e2e.browsing import TITLES, Tab
from tests.e2e.conftest import OpenTab
from tests.e2e.live_server import LiveServer

pytestmark = pytest.mark.browser

# Panels by title, and texts as numbers: the page writes "−$1,234.50".
HELPERS = """
const panel = (title) => [...document.querySelectorAll("section[aria-labelledby]")]
  .find((one) => one.querySelector("h2").textContent === title);
const stat = (where, label) => [...where.querySelectorAll("dt")]
  .find((one) => one.textContent.trim() === label).nextElementSibling.textContent;
const value = (text) => Number(text.replace("−", "-").replace(/[^0-9.-]/g, ""));
const near = (one, other, by = 0.011) => Math.abs(one - other) <= by;
const last = window.lastFrame;
"""


def agrees(tab: Tab, check: str, given: Any = None) -> None:
    """Wait until the JavaScript ``check`` holds in the page."""
    tab.page.wait_for_function(f"(given) => {{ {HELPERS} {check} }}", arg=given, timeout=15_000)


def test_equity_is_the_sum_of_the_engines(market: LiveServer, open_tab: OpenTab) -> None:
    tab = open_tab(market).open()
    agrees(
        tab,
        """
        const header = document.querySelector("header");
        const capital = given.reduce((sum, title) => sum + value(stat(panel(title), "Capital")), 0);
        const today = given.reduce((sum, title) => sum + value(stat(panel(title), "P&L today")), 0);
        return near(value(stat(header, "Equity")), capital, 0.03) && near(value(stat(header, "Today")), today, 0.03)
          && near(value(stat(header, "Equity")), last.VAULT_UPDATE?.equity.equity_usd);
        """,
        list(TITLES.values()),
    )


def test_equity_is_the_balances_and_what_open_perps_have_gained(market: LiveServer, open_tab: OpenTab) -> None:
    tab = open_tab(market).open()
    agrees(
        tab,
        """
        const vaults = value(panel("Vault balances").querySelector("tfoot td:last-child").textContent);
        const gained = [...panel("Open positions").querySelectorAll("tbody tr")]
          .filter((row) => row.textContent.includes("perp ·"))
          .reduce((sum, row) => sum + value(row.querySelectorAll("td")[5].textContent), 0);
        return gained !== 0 && near(value(stat(document.querySelector("header"), "Equity")), vaults + gained, 0.05);
        """,
    )


def test_positions_are_valued_at_the_price_that_is_shown(market: LiveServer, open_tab: OpenTab) -> None:
    tab = open_tab(market).open("funding")
    agrees(
        tab,
        """
        const row = [...panel("Open positions").querySelectorAll("tbody tr")]
          .find((one) => one.textContent.startsWith("SOL-PERP"));
        if (row === undefined) return false;
        const cells = [...row.querySelectorAll("td")].map((cell) => value(cell.textContent));
        const [, size, worth, entry, now, pnl] = cells;
        return size < 0 && near(worth, -size * now, 0.05) && near(pnl, size * (now - entry), 0.1);
        """,
    )
    expect(tab.panel("Open positions").get_by_role("row", name=re.compile("SOL-PERP"))).not_to_contain_text(
        "it can't be liquidated"
    )


def test_health_and_hedge(market: LiveServer, open_tab: OpenTab) -> None:
    tab = open_tab(market).open("funding")
    agrees(
        tab,
        """
        const hedge = panel("Hedge"), told = last.FUNDING_UPDATE;
        if (told === undefined) return false;
        const meter = hedge.querySelector("[role=meter]");
        const spot = value(stat(hedge, "Spot, SOL")), perp = value(stat(hedge, "Perp, SOL"));
        const margin = value(stat(hedge, "Maintenance margin")), collateral = value(stat(hedge, "Collateral"));
        const health = Math.round(100 * (1 - margin / collateral));
        return near(Number(meter.getAttribute("aria-valuenow")), told.health, 0.51) && near(health, told.health, 1)
          && near(told.net_delta, spot + perp, 0.001) && perp < 0;
        """,
    )


def test_the_market_table_says_who_receives_by_the_hour_and_the_year(market: LiveServer, open_tab: OpenTab) -> None:
    tab = open_tab(market).open("funding")
    table = tab.page.get_by_role("table", name="Perp markets and their funding")
    expect(table.get_by_role("row").nth(1)).to_be_visible()
    told = market.get("api/drift/markets")["markets"]
    assert len(told) >= 3
    for one in told:
        assert one["apr"] == pytest.approx(one["rate"] * 24 * 365.25)
        assert one["direction"] == ("shorts" if one["rate"] >= 0 else "longs")
    agrees(
        tab,
        """
        const rows = [...panel("Perp markets").querySelectorAll("tbody tr")];
        return rows.length === given && rows.every((row) => {
          const cells = [...row.querySelectorAll("td")].map((cell) => cell.textContent);
          const hourly = value(cells[1]), yearly = value(cells[2]);
          const words = `You ${hourly < 0 ? "pay" : "receive"} ${Math.abs(hourly).toFixed(4)} %/h`;
          return near(yearly, hourly * 24 * 365.25, 0.5) && cells[0].includes(words)
            && cells[3] === (hourly < 0 ? "Longs" : "Shorts");
        });
        """,
        len(told),
    )


def test_the_best_markets_are_the_engines_best_candidates_after_costs(market: LiveServer, open_tab: OpenTab) -> None:
    tab = open_tab(market).open("funding")
    cards = tab.panel("Best markets").get_by_role("listitem")
    expect(cards).to_have_count(3)
    for text in cards.all_inner_texts():
        assert re.search(r"You (receive|pay) \d+\.\d{4} %/h \(\d+\.\d %/yr\)", text)
    agrees(
        tab,
        """
        const told = last.FUNDING_UPDATE?.cards ?? [];
        return told.length === 3 && [...panel("Best markets").querySelectorAll("li")].every((item, at) => {
          const card = told[at];
          const best = last.FUNDING_UPDATE.candidates.find((one) => one.market === card.symbol && one.net_apr !== null);
          return near(value(item.querySelector(".net").textContent.split("%")[0]), 100 * card.net_apr, 0.06)
            && best.net_apr === card.net_apr && best.cost_bps === card.cost_bps
            && best.break_even_days === card.break_even_days;
        });
        """,
    )


def test_funding_payments_add_up(market: LiveServer, open_tab: OpenTab) -> None:
    tab = open_tab(market).open("funding")
    agrees(
        tab,
        """
        const all = panel("Funding payments");
        const paid = [...all.querySelectorAll("tbody tr")].map((row) => value(row.lastElementChild.textContent));
        const total = value(all.querySelector("tfoot td").textContent);
        return paid.length > 0 && near(total, paid.reduce((sum, one) => sum + one, 0), 0.001);
        """,
    )


def test_a_discount_is_positive_below_fair_value(market: LiveServer, open_tab: OpenTab) -> None:
    tab = open_tab(market).open("lst")
    agrees(
        tab,
        """
        const rows = [...panel("Market against fair value").querySelectorAll("tbody tr")];
        return rows.length > 0 && rows.every((row) => {
          const [price, fair, discount] = [0, 1, 2].map((at) => value(row.querySelectorAll("td")[at].textContent));
          return near(discount, (1 - price / fair) * 1e4, 0.1);
        });
        """,
    )


def test_a_gate_says_its_value_its_limit_and_how_far_off(market: LiveServer, open_tab: OpenTab) -> None:
    tab = open_tab(market).open("arb")
    agrees(
        tab,
        """
        const rows = [...panel("Last refusals").querySelectorAll("tbody tr")]
          .filter((row) => row.querySelectorAll("td")[0].textContent === "Edge" || row.textContent.includes("Edge"));
        return rows.length > 0 && rows.every((row) => {
          const money = [...row.querySelectorAll(".num")].slice(0, 3).map((cell) => value(cell.textContent));
          return near(money[1] - money[0], money[2], 0.011);
        });
        """,
    )


def test_a_waterfall_goes_from_gross_to_net(market: LiveServer, open_tab: OpenTab) -> None:
    tab = open_tab(market).open("arb")
    agrees(
        tab,
        """
        const bars = [...panel("Cost waterfall").querySelectorAll("tbody tr")]
          .map((row) => value(row.lastElementChild.textContent));
        const net = bars.pop();
        return bars.length > 1 && near(net, bars.reduce((sum, one) => sum + one, 0), 0.001);
        """,
    )
