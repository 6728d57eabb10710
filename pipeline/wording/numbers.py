"""Numbers as people read them."""

from pipeline.statistics.intervals import Interval

NOTHING = "\N{EN DASH}"
"""In a table, where there is no number."""

_MINUS = "\N{MINUS SIGN}"


def percent(share: float) -> str:
    """A share with one decimal: 0.798 is `79.8%`."""
    return f"{share:.1%}".replace("-", _MINUS)


def percent_range(interval: Interval) -> str:
    """The ends of an interval of shares: `75.1 to 84.2%`."""
    return f"{100 * interval.low:.1f} to {percent(interval.high)}"


def percent_interval(interval: Interval) -> str:
    """A share with its interval: `79.8% (95% interval 75.1 to 84.2%)`."""
    return f"{percent(interval.value)} (95% interval {percent_range(interval)})"


def decimal(value: float, decimals: int = 2) -> str:
    """A number with a true minus."""
    # What rounds to nothing has no sign.
    return f"{round(value, decimals) or 0:.{decimals}f}".replace("-", _MINUS)


def signed(value: float, decimals: int) -> str:
    """A number with its sign, and a true minus."""
    return ("+" if round(value, decimals) > 0 else "") + decimal(value, decimals)


def points(difference: float) -> str:
    """A difference of shares in percentage points, with its sign: `+3.1`."""
    return signed(100 * difference, 1)


def points_range(interval: Interval) -> str:
    """The ends of an interval of differences, in percentage points: `+0.6 to +6.2`."""
    return f"{points(interval.low)} to {points(interval.high)}"


def count(number: int) -> str:
    """A whole number with its thousands apart: `1,209,063`."""
    return f"{number:,}"


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number and its noun, in the plural (by default with an s) where there is not just one."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def probability(p: float) -> str:
    """A p value that no line break parts: `p = 0.87`, `p < 0.001`."""
    decimals = 2 if p >= 0.1 else 3
    text = f"p = {p:.{decimals}f}" if p >= 0.001 else "p < 0.001"
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def duration(seconds: float) -> str:
    """A time in its two largest units: `8 s`, `3 min 20 s`, `2 h 5 min`."""
    whole = max(1, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole >= 3600:
        hours, minutes = divmod(round(whole / 60), 60)
        return f"{hours} h" + (f" {minutes} min" if minutes else "")
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min" + (f" {rest} s" if rest else "")
