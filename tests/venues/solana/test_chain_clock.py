import pytest
from msgspec.structs import replace

from phantom_arbiter.dex.pool import AccountError
from phantom_arbiter.dex.pools import Moment
from phantom_arbiter.venues.solana.chain_clock import decode_clock
from tests.unit.dex.account_facts import STRANGER
from tests.venues.solana.rpc_bodies import clock


def test_the_chains_time():
    assert decode_clock(clock(300, 1_700_000_000, 9)) == Moment(300, 1_700_000_000, 9)


@pytest.mark.parametrize(
    ("account", "field"),
    [
        (replace(clock(), address=STRANGER), "address"),
        (replace(clock(), owner=STRANGER), "owner"),
        (replace(clock(), data=clock().data[:-1]), "length"),
        (clock(unix_time_s=1_700_000_000_000), "unix_timestamp"),
        (clock(unix_time_s=-1), "unix_timestamp"),
    ],
)
def test_other_accounts_are_refused(account, field):
    with pytest.raises(AccountError) as refused:
        decode_clock(account)
    assert refused.value.field == field
