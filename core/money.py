"""Amounts with their currency beside them. Decimal only: a float can not say ten cents."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Self

# ISO 4217 minor units that are not two; the list a shop meets, see docs/adr/0004-money.md.
EXPONENTS = {
    **dict.fromkeys(
        (
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ),
        0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
MAX_AMOUNT = Decimal("99999999999.999")


def exponent(currency: str) -> int:
    """How many decimals ``currency`` (ISO 4217) has: 2 unless listed."""
    return EXPONENTS.get(currency, 2)


def round_amount(amount: Decimal, currency: str) -> Decimal:
    """``amount`` rounded half up to the smallest coin of ``currency``."""
    return amount.quantize(Decimal(1).scaleb(-exponent(currency)), ROUND_HALF_UP)


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An exact amount of one currency. Adding two currencies raises ValueError, as does an amount finer than the coin."""

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        if not self.amount.is_finite() or abs(self.amount) > MAX_AMOUNT:
            raise ValueError(f"{self.amount} is not an amount of money")
        coined = round_amount(self.amount, self.currency)
        if coined != self.amount:
            raise ValueError(f"{self.amount} is finer than the smallest coin of {self.currency}")
        object.__setattr__(self, "amount", coined)

    @classmethod
    def zero(cls, currency: str) -> Self:
        """Nothing, in ``currency``."""
        return cls(Decimal(0), currency)

    @classmethod
    def rounded(cls, amount: Decimal, currency: str) -> Self:
        """``amount`` rounded half up to the smallest coin."""
        return cls(round_amount(amount, currency), currency)

    @classmethod
    def from_minor(cls, units: int, currency: str) -> Self:
        """From the smallest coin: ``from_minor(4995, "USD")`` is 49.95."""
        return cls(Decimal(units).scaleb(-exponent(currency)), currency)

    @property
    def minor(self) -> int:
        """The amount in the smallest coin, as payment providers want it."""
        return int(self.amount.scaleb(exponent(self.currency)))

    def __add__(self, other: "Money") -> "Money":
        return Money(self.amount + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.amount - self._same(other), self.currency)

    def __mul__(self, times: int) -> "Money":
        return Money(self.amount * times, self.currency)

    def __bool__(self) -> bool:
        return self.amount != 0

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"

    def _same(self, other: "Money") -> Decimal:
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} do not add up")
        return other.amount


def total(parts: Iterable[Money], currency: str) -> Money:
    """The sum of ``parts``, zero of ``currency`` when there are none."""
    return sum(parts, Money.zero(currency))


def split(whole: Money, weights: Sequence[Decimal]) -> list[Money]:
    """``whole`` in parts proportional to ``weights`` (not negative) that add up to it exactly.

    Largest remainder (Hamilton): every part is rounded down to the coin and the coins left go to the largest remainders,
    the first winning ties. All weights zero: everything goes to the first part. Raises ValueError for no weights or a
    negative one.
    """
    if not weights or min(weights) < 0:
        raise ValueError("split needs at least one weight and none below zero")
    base = sum(weights)
    if base == 0:
        return [whole, *[Money.zero(whole.currency)] * (len(weights) - 1)]
    sign = -1 if whole.minor < 0 else 1
    exact = [abs(whole.minor) * weight / base for weight in weights]
    units = [int(share) for share in exact]
    order = sorted(range(len(weights)), key=lambda i: (units[i] - exact[i], i))
    for i in order[: abs(whole.minor) - sum(units)]:
        units[i] += 1
    return [Money.from_minor(sign * unit, whole.currency) for unit in units]
