"""The built-in market's exact pools as account bytes: the inverse of the decoders in `dex`.

Layouts: those decoders' own. What no decoder reads (bumps, growth, rewards, authorities) is zero; ticks are written as
dynamic arrays, whose length grows with their ticks. A writer knows one pool's addresses, which are hashes of its name.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from typing import Any, Final

from msgspec import Struct

from phantom_arbiter.core.events import AccountRead
from phantom_arbiter.dex import (
    meteora_damm_v2_accounts,
    meteora_dlmm_accounts,
    pump_swap_accounts,
    stake_pool_accounts,
    whirlpool_accounts,
)
from phantom_arbiter.dex.addresses import address_bytes, base58
from phantom_arbiter.dex.meteora_damm_v2 import DammV2Pool
from phantom_arbiter.dex.meteora_dlmm import BINS_PER_ARRAY, BinArray, DlmmPool
from phantom_arbiter.dex.pump_swap import PumpSwapPool
from phantom_arbiter.dex.stake_pool import StakePool
from phantom_arbiter.dex.stake_pool_accounts import Fee
from phantom_arbiter.dex.whirlpool import TICKS_PER_ARRAY, Whirlpool

RENT_LAMPORTS: Final = 10_000_000
"""What an account holds; no quote reads it but a stake pool's reserve."""


def raw_address(name: str) -> bytes:
    """An address of the built-in market: 32 bytes that nobody has the key to."""
    return sha256(f"built-in market/{name}".encode()).digest()


_text = cache(base58)
"""Addresses are few, and written with every fact."""


def _read(address: bytes | str, owner: str, data: bytes, lamports: int = RENT_LAMPORTS) -> AccountRead:
    return AccountRead(address if isinstance(address, str) else _text(address), owner, lamports, data)


class AccountWriter(Struct, frozen=True):
    """Writes the accounts of the pool whose main account is at ``key``. States are of the pool's own type."""

    key: bytes

    @property
    def address(self) -> str:
        """The main account."""
        return _text(self.key)

    def accounts(self, state: Any) -> tuple[AccountRead, ...]:
        """All accounts of a state."""
        del state
        raise TypeError(f"{type(self).__name__} must say which accounts it writes")

    def changed(self, _before: Any, state: Any) -> tuple[AccountRead, ...]:
        """At least those that differ from the state before."""
        return self.accounts(state)


class WhirlpoolWriter(AccountWriter, frozen=True):
    """An Orca Whirlpool: its pool account, and dynamic tick arrays, which no swap changes."""

    mint_a: bytes
    mint_b: bytes

    def accounts(self, state: Whirlpool) -> tuple[AccountRead, ...]:
        """The pool and its tick arrays."""
        return (self._pool(state), *(self._array(state, start) for start in sorted(state.known.starts)))

    def changed(self, _before: Whirlpool, state: Whirlpool) -> tuple[AccountRead, ...]:
        """The pool."""
        return (self._pool(state),)

    def _pool(self, state: Whirlpool) -> AccountRead:
        data = bytearray(whirlpool_accounts.POOL_BYTES)
        data[:8] = bytes((63, 149, 209, 12, 225, 128, 99, 9))
        struct.pack_into(
            "<HHHH16s16siQQ32s32s16x32s32s", data, 41,
            *(state.tick_spacing, state.tick_spacing, state.fee_ppm, state.protocol_fee_bps),
            *(state.liquidity.to_bytes(16, "little"), state.sqrt_price_x64.to_bytes(16, "little"), state.tick),
            *(state.protocol_fee_owed_a_atoms, state.protocol_fee_owed_b_atoms),
            *(self.mint_a, raw_address(f"{self.address}/a"), self.mint_b, raw_address(f"{self.address}/b")),
        )  # fmt: skip
        return _read(self.key, whirlpool_accounts.PROGRAM_ID, bytes(data))

    def _array(self, state: Whirlpool, start: int) -> AccountRead:
        nets = dict(zip(state.known.ticks, state.known.liquidity_nets, strict=True))
        bitmap, ticks = 0, b""
        for place in range(TICKS_PER_ARRAY):
            net = nets.get(start + place * state.tick_spacing)
            if net is None:
                ticks += b"\0"
                continue
            bitmap |= 1 << place
            gross = max(1, abs(net)).to_bytes(16, "little")
            ticks += b"\1" + net.to_bytes(16, "little", signed=True) + gross + bytes(80)
        head = bytes((17, 216, 246, 142, 225, 199, 218, 56)) + struct.pack("<i", start) + self.key
        data = head + bitmap.to_bytes(16, "little") + ticks
        return _read(raw_address(f"{self.address}/{start}"), whirlpool_accounts.PROGRAM_ID, data)


class DlmmWriter(AccountWriter, frozen=True):
    """A Meteora DLMM pair and its bin arrays; swaps change the pair and the arrays that they touch."""

    def accounts(self, state: DlmmPool) -> tuple[AccountRead, ...]:
        """The pair and its arrays."""
        return (self._pair(state), *(self._array(array) for array in state.arrays.values()))

    def changed(self, before: DlmmPool, state: DlmmPool) -> tuple[AccountRead, ...]:
        """The pair and the arrays that differ."""
        arrays = (array for index, array in state.arrays.items() if before.arrays[index] != array)
        return (self._pair(state), *(self._array(array) for array in arrays))

    def _pair(self, state: DlmmPool) -> AccountRead:
        fees, volatility = state.fees, state.volatility
        data = bytearray(meteora_dlmm_accounts.PAIR_SIZE)
        data[:8] = meteora_dlmm_accounts.PAIR_DISCRIMINATOR
        reach = meteora_dlmm_accounts.MAX_BIN_ID
        struct.pack_into(
            "<HHHHIIii2xBBB", data, 8,
            *(fees.base_factor, fees.filter_period_s, fees.decay_period_s, fees.reduction_bps),
            *(fees.variable_fee_control, fees.max_volatility, -reach, reach),
            *(fees.base_fee_power, 0, fees.collect_fee_mode),
        )  # fmt: skip
        struct.pack_into(
            "<IIi4xq", data, 40,
            *(volatility.accumulator, volatility.reference, volatility.index_reference, volatility.last_update_s),
        )  # fmt: skip
        struct.pack_into("<iHB", data, 76, state.active_id, fees.bin_step_bps, 0)
        data[88:152] = state.token_x_mint + state.token_y_mint
        data[584:712] = state.bitmap.to_bytes(128, "little")
        data[882] = meteora_dlmm_accounts.PAIR_VERSIONS[-1]
        return _read(self.key, meteora_dlmm_accounts.PROGRAM, bytes(data))

    def _array(self, array: BinArray) -> AccountRead:
        head = struct.pack("<qB7x32s", array.index, meteora_dlmm_accounts.ORDERS_VERSION, self.key)
        bins = b"".join(
            struct.pack("<QQ16s112x", bin_.amount_x_atoms, bin_.amount_y_atoms, bin_.price_x64.to_bytes(16, "little"))
            for bin_ in array.bins
        )
        data = meteora_dlmm_accounts.ARRAY_DISCRIMINATOR + head + bins
        assert len(array.bins) == BINS_PER_ARRAY
        return _read(raw_address(f"{self.address}/{array.index}"), meteora_dlmm_accounts.PROGRAM, data)


class DammWriter(AccountWriter, frozen=True):
    """A Meteora DAMM v2 pool with a constant fee: one account."""

    def accounts(self, state: DammV2Pool) -> tuple[AccountRead, ...]:
        """The pool."""
        data = bytearray(meteora_damm_v2_accounts.POOL_BYTES)
        data[:8] = bytes((241, 154, 109, 4, 17, 177, 109, 188))
        struct.pack_into("<Q", data, 8, state.schedule.cliff_fee_e9)
        mints_and_vaults = (state.token_a_mint, state.token_b_mint, state.token_a_vault, state.token_b_vault)
        data[168:296] = b"".join(mints_and_vaults)
        for offset, value in (
            (360, state.liquidity),
            (424, state.sqrt_min_price_x64),
            (440, state.sqrt_max_price_x64),
            (456, state.sqrt_price_x64),
        ):
            data[offset : offset + 16] = value.to_bytes(16, "little")
        data[480], data[484], data[486], data[696] = 1, state.fee_only_in_b, 1, 1  # the last two: newest fees, layout
        struct.pack_into("<QQ", data, 680, state.reserve_a_atoms, state.reserve_b_atoms)
        return (_read(self.key, meteora_damm_v2_accounts.PROGRAM_ID, bytes(data)),)


class PumpSwapWriter(AccountWriter, frozen=True):
    """A PumpSwap pool that pump did not create, with flat fees; swaps change its two vaults."""

    def accounts(self, state: PumpSwapPool) -> tuple[AccountRead, ...]:
        """The pool, both configurations, the mint and the vaults."""
        return (*self._fixed(state), *self._vaults(state))

    def changed(self, _before: PumpSwapPool, state: PumpSwapPool) -> tuple[AccountRead, ...]:
        """The vaults."""
        return self._vaults(state)

    def _vaults(self, state: PumpSwapPool) -> tuple[AccountRead, ...]:
        return (
            self._vault(state.base_vault, state.base_mint, state.base_reserve_atoms),
            self._vault(state.quote_vault, state.quote_mint, state.quote_reserve_atoms),
        )

    def _vault(self, address: bytes, mint: bytes, atoms: int) -> AccountRead:
        data = mint + self.key + struct.pack("<Q", atoms) + bytes(36) + b"\1" + bytes(56)
        return _read(address, pump_swap_accounts.TOKEN_PROGRAM_ID, data)

    def _fixed(self, state: PumpSwapPool) -> Iterator[AccountRead]:
        pool = bytes.fromhex("f19a6d0411b16dbc") + struct.pack("<BH", 255, 0) + raw_address("creator")
        pool += state.base_mint + state.quote_mint + raw_address("lp mint") + state.base_vault + state.quote_vault
        yield _read(self.key, pump_swap_accounts.PROGRAM_ID, pool.ljust(300, b"\0"))
        program = bytes.fromhex("95089ccaa0fcb0d9").ljust(949, b"\0")
        yield _read(pump_swap_accounts.GLOBAL_CONFIG_ADDRESS, pump_swap_accounts.PROGRAM_ID, program)
        rates = state.tiers[0].rates
        bps = (rates.lp_bps, rates.protocol_bps, rates.creator_bps)
        fees = bytes.fromhex("8f3492bbdb7b4c9b") + b"\xff" + raw_address("admin") + struct.pack("<3QI", *bps, 1)
        fees += bytes(16) + struct.pack("<3Q", *bps)
        owner = pump_swap_accounts.FEE_PROGRAM_ID
        yield _read(pump_swap_accounts.FEE_CONFIG_ADDRESS, owner, fees.ljust(4073, b"\0"))
        mint = bytes(36) + struct.pack("<QBB", state.base_supply_atoms, 6, 1) + bytes(36)
        yield _read(state.base_mint, pump_swap_accounts.TOKEN_PROGRAM_ID, mint)


class StakePoolWriter(AccountWriter, frozen=True):
    """An SPL stake pool and its reserve."""

    def accounts(self, state: StakePool) -> tuple[AccountRead, ...]:
        """The pool and its reserve, whose lamports tell what can be withdrawn."""
        reserve = bytes((1, 0, 0, 0)).ljust(stake_pool_accounts.STAKE_ACCOUNT_BYTES, b"\0")
        stake = stake_pool_accounts.STAKE_PROGRAM
        return (self._pool(state), _read(state.account.reserve_stake, stake, reserve, state.reserve_lamports))

    def _pool(self, state: StakePool) -> AccountRead:
        """Options are all none, the fees on stake zero."""
        account = state.account
        none = b"\0"
        authorities = (account.manager, account.staker, account.stake_deposit_authority)
        parts = [b"\1", *map(address_bytes, authorities), bytes((account.withdraw_bump,))]
        named = (account.validator_list, account.reserve_stake, account.pool_mint, account.manager_fee_account)
        parts += [*map(address_bytes, named), address_bytes(stake_pool_accounts.TOKEN_PROGRAM)]
        amounts = (account.total_lamports, account.pool_token_supply_atoms, account.last_update_epoch)
        parts += [struct.pack("<QQQqQ", *amounts, 0, 0), address_bytes(account.lockup_custodian)]
        parts += [_fee(account.epoch_fee), none, none, none, _fee(account.stake_deposit_fee)]
        parts += [_fee(account.stake_withdrawal_fee), none, bytes((account.stake_referral_percent,))]
        parts += [none, _fee(account.sol_deposit_fee), bytes((account.sol_referral_percent,))]
        parts += [none, _fee(account.sol_withdrawal_fee), none]
        last = (account.last_epoch_pool_token_supply_atoms, account.last_epoch_total_lamports)
        data = b"".join(parts) + struct.pack("<QQ", *last)
        data = data.ljust(stake_pool_accounts.STAKE_POOL_BYTES, b"\0")
        return _read(self.key, stake_pool_accounts.SPL_STAKE_POOL_PROGRAM, data)


def _fee(fee: Fee) -> bytes:
    return struct.pack("<QQ", fee.denominator, fee.numerator)
