"""A Meteora DAMM v2 ``Pool`` account written field by field, after cp-amm's IDL."""

from __future__ import annotations

FIELDS = {
    "cliff_fee_numerator": (8, 8),
    "base_fee_mode": (16, 1),
    "number_of_period": (22, 2),
    "period_frequency": (24, 8),
    "fee_reduction_factor": (32, 8),
    "protocol_fee_percent": (48, 1),
    "compounding_fee_bps": (54, 2),
    "initialized": (56, 1),
    "max_volatility_accumulator": (64, 4),
    "variable_fee_control": (68, 4),
    "bin_step": (72, 2),
    "filter_period": (74, 2),
    "decay_period": (76, 2),
    "reduction_factor": (78, 2),
    "last_update_timestamp": (80, 8),
    "bin_step_u128": (88, 16),
    "sqrt_price_reference": (104, 16),
    "volatility_accumulator": (120, 16),
    "volatility_reference": (136, 16),
    "token_a_mint": (168, 32),
    "token_b_mint": (200, 32),
    "token_a_vault": (232, 32),
    "token_b_vault": (264, 32),
    "liquidity": (360, 16),
    "sqrt_min_price": (424, 16),
    "sqrt_max_price": (440, 16),
    "sqrt_price": (456, 16),
    "activation_point": (472, 8),
    "activation_type": (480, 1),
    "pool_status": (481, 1),
    "token_a_flag": (482, 1),
    "token_b_flag": (483, 1),
    "collect_fee_mode": (484, 1),
    "fee_version": (486, 1),
    "token_a_amount": (680, 8),
    "token_b_amount": (688, 8),
    "layout_version": (696, 1),
}
NOT_IN_THE_STATE = {"protocol_fee_percent"}
PLAIN = {
    "cliff_fee_numerator": 2_500_000,
    "protocol_fee_percent": 20,
    "liquidity": 10**12 << 64,
    "sqrt_min_price": 2**62,
    "sqrt_max_price": 2**66,
    "sqrt_price": 2**64,
    "activation_point": 1_000,
    "activation_type": 1,
    "fee_version": 1,
}
DYNAMIC = {
    "initialized": 1,
    "max_volatility_accumulator": 14_460_000,
    "variable_fee_control": 956,
    "bin_step": 1,
    "bin_step_u128": 1_844_674_407_370_955,
    "filter_period": 10,
    "decay_period": 120,
    "reduction_factor": 5_000,
    "last_update_timestamp": 990,
    "sqrt_price_reference": 2**64,
    "volatility_accumulator": 3_000_000,
    "volatility_reference": 100_000,
}


def pool_bytes(**fields: int) -> bytes:
    """A sound account of a price of 1 in the range 1/16 to 16, 10^12 atoms deep, but for the given fields."""
    data = bytearray(1112)
    data[:8] = bytes.fromhex("f19a6d0411b16dbc")
    for field, value in (PLAIN | fields).items():
        offset, size = FIELDS[field]
        data[offset : offset + size] = value.to_bytes(size, "little")
    return bytes(data)
