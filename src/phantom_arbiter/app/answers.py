"""From the kernel's answer to a command to the one message its sender gets."""

from __future__ import annotations

from typing import Final

from phantom_arbiter.core.commands import DriftDeposit, DriftWithdraw
from phantom_arbiter.core.instruments import Instrument, Universe
from phantom_arbiter.core.intents import Intent, Swap
from phantom_arbiter.core.outcome import CommandOutcome
from phantom_arbiter.core.preview import AccountFigures, Previewed
from phantom_arbiter.core.units import power_of_ten
from phantom_arbiter.dashboard.frames import CommandResult
from phantom_arbiter.dashboard.order_rows import cost_usd, gate_row
from phantom_arbiter.dashboard.panels import PreviewFigures, PreviewRow
from phantom_arbiter.dashboard.requests import CommandRequest

NS_PER_MS: Final = 1_000_000
TRANSFERS: Final = frozenset(str(act.__struct_config__.tag) for act in (DriftDeposit, DriftWithdraw))


def answer(request: CommandRequest, code: str, message: str) -> CommandResult:
    """An answer of the application's own; "ok" is success."""
    action = str(type(request.command).__struct_config__.tag)
    return CommandResult(id=request.id, action=action, success=code == "ok", code=code, message=message)


def kernel_answer(request: CommandRequest, outcome: CommandOutcome, universe: Universe) -> CommandResult:
    """The kernel's answer, with the preview where one was asked for."""
    return CommandResult(
        id=request.id,
        action=str(type(request.command).__struct_config__.tag),
        success=outcome.success,
        code=outcome.code,
        message=outcome.message,
        preview=preview_row(outcome.previewed, universe) if outcome.previewed is not None else None,
    )


def preview_row(previewed: Previewed, universe: Universe) -> PreviewRow:
    """A preview in whole units."""
    draft = previewed.draft
    spot_asset, spot_amount = _spot_leg(draft.intent, universe, draft.market)
    market = universe.instruments[draft.market]
    unit = power_of_ten(market.quote_decimals if draft.act in TRANSFERS else market.base_decimals)
    return PreviewRow(
        of=draft.act,
        market=draft.market,
        size=draft.size_atoms / unit,
        min_size=draft.min_atoms / unit,
        max_size=draft.max_atoms / unit,
        step=draft.step_atoms / unit,
        spot_asset=spot_asset,
        spot_amount=spot_amount,
        before=_figures(draft.before, market),
        after=_figures(draft.after, market),
        words=draft.words,
        hash=draft.hash,
        expires_ts=draft.expires_ns // NS_PER_MS,
        cost_usd=cost_usd(draft.intent.cost),
        total_cost_usd=draft.intent.cost.total_micros / 1e6,
        break_even_days=draft.break_even_days,
        net_apr=draft.net_apr,
        gates=tuple(gate_row(gate) for gate in previewed.gates),
        refused=gate_row(previewed.refused) if previewed.refused is not None else None,
    )


def _spot_leg(intent: Intent, universe: Universe, market: str) -> tuple[str | None, float | None]:
    """What the swap buys with the market's quote asset, or sells for it."""
    swap = next((leg for leg in intent.legs if isinstance(leg, Swap)), None)
    if swap is None:
        return None, None
    buys = swap.in_asset == universe.instruments[market].quote
    asset, atoms = (swap.out_asset, swap.expected_out_atoms) if buys else (swap.in_asset, swap.in_atoms)
    return asset, atoms / power_of_ten(universe.assets[asset].decimals)


def _figures(figures: AccountFigures, market: Instrument) -> PreviewFigures:
    base, quote = power_of_ten(market.base_decimals), power_of_ten(market.quote_decimals)
    free, liquidation = figures.free_collateral_atoms, figures.liquidation_px
    return PreviewFigures(
        spot=figures.spot_atoms / base,
        perp=figures.perp_atoms / base,
        delta=figures.delta_atoms / base,
        collateral_usd=figures.collateral_atoms / quote,
        free_collateral_usd=free / quote if free is not None else None,
        health=figures.health,
        liq_price=market.price(liquidation) if liquidation is not None else None,
        leverage=figures.leverage,
    )
