"""SPL stake pool accounts, from bytes: the pool (`StakePool`) and its reserve, as the program writes them.

Layout: solana-program/stake-pool ``program/src/state.rs`` (Borsh, so the offsets after an ``Option`` or a
``FutureEpoch`` move; the account is 611 bytes and what follows the last field is left-over, not checked). Official,
Jito's and Sanctum's deployments share it.

verified: program (the accounts of jupSOL were written by the deployed program; DepositSol's effect on them re-read).
Refused: pool tokens of Token-2022 (transfer fees and hooks are not modelled), accounts of unknown deployments.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from phantom_arbiter.dex.account_bytes import AccountReader

SPL_STAKE_POOL_PROGRAM: Final = "SPoo1Ku8WFXoNDMHPsrGSTSG1Y47rzgn41SLUNakuHy"
"""The official deployment, Jito's and BlazeStake's too."""
SANCTUM_SPL_PROGRAM: Final = "SP12tWFxD9oJsVWNavTTBZvMbA6gkAmxtVgxdqvyvhY"
SANCTUM_SPL_MULTI_PROGRAM: Final = "SPMBzsVUuoHA4Jm6KunbsotaahvVikZs1JyTW6iJvbn"
STAKE_POOL_PROGRAMS: Final = frozenset({SPL_STAKE_POOL_PROGRAM, SANCTUM_SPL_PROGRAM, SANCTUM_SPL_MULTI_PROGRAM})
STAKE_PROGRAM: Final = "Stake11111111111111111111111111111111111111"
TOKEN_PROGRAM: Final = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"

STAKE_POOL_BYTES: Final = 611
STAKE_ACCOUNT_BYTES: Final = 200
TOKEN_ACCOUNT_BYTES: Final = 165
MINT_BYTES: Final = 82
_STAKE_POOL: Final = 1
_STAKE_INITIALIZED: Final = 1
_TOKEN_INITIALIZED: Final = 1
_PERCENT: Final = 100


class Fee(Struct, frozen=True, gc=False):
    """A fraction of an amount; a zero denominator is no fee."""

    numerator: int
    denominator: int

    def of(self, atoms: int) -> int:
        """The fee on an amount, rounded up as ``Fee::apply`` does."""
        return -(-atoms * self.numerator // self.denominator) if self.denominator else 0

    @property
    def fraction(self) -> float:
        """For screening in floats."""
        return self.numerator / self.denominator if self.denominator else 0.0


class FutureFee(Struct, frozen=True, gc=False):
    """A fee that is decided but not in force; it takes effect after ``epochs_left`` (1 or 2) epoch boundaries."""

    epochs_left: int
    fee: Fee


class StakePoolAccount(Struct, frozen=True, gc=False):
    """A stake pool. Amounts are lamports and pool-token atoms, referral shares per cent of the deposit fee.

    ``total_lamports`` is the truth of ``last_update_epoch`` only. ``sol_deposit_authority`` and
    ``sol_withdraw_authority``: where set, that key must sign, so nobody else deposits or withdraws SOL.
    """

    program: str
    manager: str
    staker: str
    stake_deposit_authority: str
    withdraw_bump: int
    validator_list: str
    reserve_stake: str
    pool_mint: str
    manager_fee_account: str
    total_lamports: int
    pool_token_supply_atoms: int
    last_update_epoch: int
    lockup_until_s: int
    lockup_until_epoch: int
    lockup_custodian: str
    epoch_fee: Fee
    next_epoch_fee: FutureFee | None
    preferred_deposit_validator: str | None
    preferred_withdraw_validator: str | None
    stake_deposit_fee: Fee
    stake_withdrawal_fee: Fee
    next_stake_withdrawal_fee: FutureFee | None
    stake_referral_percent: int
    sol_deposit_authority: str | None
    sol_deposit_fee: Fee
    sol_referral_percent: int
    sol_withdraw_authority: str | None
    sol_withdrawal_fee: Fee
    next_sol_withdrawal_fee: FutureFee | None
    last_epoch_pool_token_supply_atoms: int
    last_epoch_total_lamports: int


def decode_stake_pool(data: bytes, owner: str) -> StakePoolAccount:
    """A ``StakePool`` account; raises AccountError for another owner, length, account type or a field out of range."""
    reader = AccountReader("stake pool", data, owner, STAKE_POOL_PROGRAMS, frozenset({STAKE_POOL_BYTES}))
    reader.expect("account_type", 1, _STAKE_POOL)
    return StakePoolAccount(
        program=owner,
        manager=reader.address("manager"),
        staker=reader.address("staker"),
        stake_deposit_authority=reader.address("stake_deposit_authority"),
        withdraw_bump=reader.unsigned("stake_withdraw_bump_seed", 1),
        validator_list=reader.address("validator_list"),
        reserve_stake=reader.address("reserve_stake"),
        pool_mint=reader.address("pool_mint"),
        manager_fee_account=reader.address("manager_fee_account"),
        total_lamports=_past_token_program(reader).unsigned("total_lamports"),
        pool_token_supply_atoms=reader.unsigned("pool_token_supply"),
        last_update_epoch=reader.unsigned("last_update_epoch"),
        lockup_until_s=reader.signed("lockup.unix_timestamp", 8),
        lockup_until_epoch=reader.unsigned("lockup.epoch"),
        lockup_custodian=reader.address("lockup.custodian"),
        epoch_fee=_fee(reader, "epoch_fee"),
        next_epoch_fee=_future_fee(reader, "next_epoch_fee"),
        preferred_deposit_validator=reader.optional_address("preferred_deposit_validator"),
        preferred_withdraw_validator=reader.optional_address("preferred_withdraw_validator"),
        stake_deposit_fee=_fee(reader, "stake_deposit_fee"),
        stake_withdrawal_fee=_fee(reader, "stake_withdrawal_fee"),
        next_stake_withdrawal_fee=_future_fee(reader, "next_stake_withdrawal_fee"),
        stake_referral_percent=_percent(reader, "stake_referral_fee"),
        sol_deposit_authority=reader.optional_address("sol_deposit_authority"),
        sol_deposit_fee=_fee(reader, "sol_deposit_fee"),
        sol_referral_percent=_percent(reader, "sol_referral_fee"),
        sol_withdraw_authority=reader.optional_address("sol_withdraw_authority"),
        sol_withdrawal_fee=_fee(reader, "sol_withdrawal_fee"),
        next_sol_withdrawal_fee=_future_fee(reader, "next_sol_withdrawal_fee"),
        last_epoch_pool_token_supply_atoms=reader.unsigned("last_epoch_pool_token_supply"),
        last_epoch_total_lamports=reader.unsigned("last_epoch_total_lamports"),
    )


def check_reserve_stake(data: bytes, owner: str) -> None:
    """Raises AccountError unless the bytes are an undelegated stake account, as a pool's reserve is."""
    reader = AccountReader("reserve stake", data, owner, frozenset({STAKE_PROGRAM}), frozenset({STAKE_ACCOUNT_BYTES}))
    reader.expect("state", 4, _STAKE_INITIALIZED)


def decode_token_balance(data: bytes, owner: str, mint: str) -> int:
    """Atoms held by an SPL Token account of ``mint``; raises AccountError (Token-2022 accounts are refused)."""
    reader = AccountReader("token account", data, owner, frozenset({TOKEN_PROGRAM}), frozenset({TOKEN_ACCOUNT_BYTES}))
    held = reader.address("mint")
    if held != mint:
        raise reader.misfit("mint", held, mint)
    reader.raw("owner", 32)
    atoms = reader.unsigned("amount")
    reader.raw("delegate", 36)
    reader.expect("state", 1, _TOKEN_INITIALIZED)
    return atoms


def decode_mint_supply(data: bytes, owner: str) -> int:
    """The supply of an SPL Token mint in atoms; raises AccountError (Token-2022 mints are refused)."""
    reader = AccountReader("mint", data, owner, frozenset({TOKEN_PROGRAM}), frozenset({MINT_BYTES}))
    reader.raw("mint_authority", 36)
    supply = reader.unsigned("supply")
    reader.raw("decimals", 1)
    reader.expect("is_initialized", 1, 1)
    return supply


def _past_token_program(reader: AccountReader) -> AccountReader:
    program = reader.address("token_program_id")
    if program != TOKEN_PROGRAM:
        raise reader.misfit(
            "token_program_id", program, f"SPL Token {TOKEN_PROGRAM}; no other token program is modelled"
        )
    return reader


def _fee(reader: AccountReader, field: str) -> Fee:
    denominator, numerator = reader.unsigned(field), reader.unsigned(field)
    if denominator and numerator > denominator:
        raise reader.misfit(field, f"{numerator}/{denominator}", "at most 1")
    return Fee(numerator, denominator)


def _future_fee(reader: AccountReader, field: str) -> FutureFee | None:
    epochs_left = reader.unsigned(field, 1)
    if epochs_left > 2:  # FutureEpoch: None, One, Two
        raise reader.misfit(field, epochs_left, "0, 1 or 2")
    return FutureFee(epochs_left, _fee(reader, field)) if epochs_left else None


def _percent(reader: AccountReader, field: str) -> int:
    value = reader.unsigned(field, 1)
    if value > _PERCENT:
        raise reader.misfit(field, value, "0 to 100")
    return value
