"""Money is exact: what is finer than a coin is refused, and parts add up to the whole."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money import Money, round_amount, split, total

CURRENCIES = st.sampled_from(["USD", "JPY", "KWD"])


def test_amounts_take_the_coins_of_their_currency() -> None:
    assert str(Money(Decimal("9.990"), "USD").amount) == "9.99"
    assert str(Money(Decimal("1200.000"), "JPY").amount) == "1200"
    assert str(Money(Decimal("1.5"), "KWD").amount) == "1.500"


@pytest.mark.parametrize(
    ("amount", "currency"),
    [("0.001", "USD"), ("0.5", "JPY"), ("0.0001", "KWD"), ("NaN", "USD"), ("Infinity", "USD"), ("1e12", "USD")],
)
def test_what_is_no_amount_is_refused(amount: str, currency: str) -> None:
    with pytest.raises(ValueError, match=r"not an amount|finer than"):
        Money(Decimal(amount), currency)


def test_currencies_do_not_mix() -> None:
    with pytest.raises(ValueError, match="do not add up"):
        Money(Decimal(1), "USD") + Money(Decimal(1), "EUR")


def test_rounding_is_half_up() -> None:
    assert round_amount(Decimal("0.125"), "USD") == Decimal("0.13")
    assert round_amount(Decimal("0.5"), "JPY") == Decimal(1)
    assert round_amount(Decimal("2.5"), "JPY") == Decimal(3)


def test_minor_units_go_there_and_back() -> None:
    assert Money.from_minor(4995, "USD") == Money(Decimal("49.95"), "USD")
    assert Money(Decimal("49.95"), "USD").minor == 4995
    assert Money(Decimal(500), "JPY").minor == 500


def test_coins_left_go_to_the_largest_remainders() -> None:
    ten = Money(Decimal("10.00"), "USD")

    assert [str(part.amount) for part in split(ten, [Decimal(1)] * 3)] == ["3.34", "3.33", "3.33"]
    assert [str(part.amount) for part in split(ten, [Decimal(0), Decimal(0)])] == ["10.00", "0.00"]


@pytest.mark.parametrize("weights", [[], [Decimal(1), Decimal(-1)]])
def test_split_refuses_weights_that_mean_nothing(weights: list[Decimal]) -> None:
    with pytest.raises(ValueError, match="at least one weight"):
        split(Money(Decimal(1), "USD"), weights)


@given(st.integers(-(10**9), 10**9), CURRENCIES, st.lists(st.decimals(0, 10**6, places=2), min_size=1, max_size=20))
def test_parts_add_up_to_the_whole(units: int, currency: str, weights: list[Decimal]) -> None:
    whole = Money.from_minor(units, currency)

    parts = split(whole, weights)

    assert total(parts, currency) == whole
    if any(weights):
        exact = [whole.amount * weight / sum(weights) for weight in weights]
        coin = Money.from_minor(1, currency).amount
        assert all(abs(part.amount - share) < coin for part, share in zip(parts, exact, strict=True))
