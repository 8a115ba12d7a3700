"""`transactions`: card and account transactions, two instants a second. One row per transaction."""

from jobs.generate.values import Values

# On 0 to 1; what dbldatagen's exponential distribution comes to, which scales each batch by its largest value.
RATE = 10
FRAUD = 0.015


def _exponential(values: Values, name: str) -> str:
    """A double in [0, 1), exponential with mean 1 / RATE, cut off at 1."""
    return f"(-ln(1 - {values.uniform(name)} * (1 - exp(-{RATE}D))) / {RATE}D)"


def columns(values: Values) -> dict[str, tuple[str, str]]:
    """70 % purchases, 1.5 % fraud; a fraud's risk score is 0.7 to 1, that of others 0 to 0.4."""
    risk = f"IF(is_fraud, {values.between('risk', 0.7, 1)}, {values.between('risk', 0, 0.4)})"
    return {
        "txn_id": ("bigint", "night_index * 10000000000L + row + 1"),
        "account_id": ("bigint", f"100000 + floor(100000 * {_exponential(values, 'account')})"),
        "merchant_id": ("bigint", values.integer("merchant", 50_000, 59_999)),
        "txn_type": (
            "string",
            values.pick("type", ("purchase", "refund", "transfer", "withdrawal"), weights=(70, 10, 12, 8)),
        ),
        "amount": ("decimal(10,2)", f"round(1 + 9999 * {_exponential(values, 'amount')}, 2)"),
        "currency": ("string", values.pick("currency", ("USD", "EUR", "GBP"), weights=(70, 20, 10))),
        "channel": (
            "string",
            values.pick("channel", ("online", "in_store", "mobile", "atm"), weights=(35, 25, 30, 10)),
        ),
        "is_fraud": ("boolean", values.chance("fraud", FRAUD)),
        "risk_score": ("double", f"round({risk}, 4)"),
        "timestamp": ("timestamp", "timestamp_millis(_second_at * 1000 + 500 * floor(2 * _within))"),
    }
