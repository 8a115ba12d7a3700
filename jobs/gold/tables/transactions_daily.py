"""`gold.transactions_daily`: what was paid each day, and how much of it was fraud or risky."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.gold.aggregates import count_if, mean


def build_transactions_daily(transactions: DataFrame) -> DataFrame:
    """One row per day, currency and channel; amounts in the currency, rates and scores from 0 to 1."""
    is_fraud = F.coalesce(F.col("is_fraud"), F.lit(False))
    rows = transactions.withColumns(
        {
            "_fraud": F.when(is_fraud, F.lit(1)).otherwise(F.lit(0)),
            "_fraud_amount": F.when(is_fraud, F.col("amount")).otherwise(F.lit(0)),
        }
    )
    return rows.groupBy("event_date", "currency", "channel").agg(
        F.count("*").alias("txn_count"),
        F.sum("amount").cast("decimal(28,2)").alias("total_amount"),
        mean("amount").alias("avg_amount"),
        count_if("is_fraud").alias("fraud_count"),
        F.sum("_fraud_amount").cast("decimal(28,2)").alias("fraud_amount"),
        mean("_fraud").alias("fraud_rate"),
        mean("risk_score").alias("avg_risk_score"),
        F.max("risk_score").alias("max_risk_score"),
    )
