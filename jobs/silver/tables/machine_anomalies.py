"""`silver.machine_anomalies`: readings of factory machines that meet a rule of the maintenance engineers."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from catalog.tables import SILVER

# What each rule finds, and when. A value that is missing meets no rule.
RULES = {
    "slow response at high speed": "delay > 155 AND rotation_speed > 800",
    "too hot": "temperature > 101",
    "dense at low pressure": "density > 4.6 AND air_pressure < 840",
}


def derive_machine_anomalies(machine_sensors: DataFrame) -> DataFrame:
    """One row per machine reading that meets a rule or several."""
    met = [F.when(F.expr(condition), F.lit(rule)) for rule, condition in RULES.items()]
    anomalies = machine_sensors.withColumn("rules", F.array_compact(F.array(*met))).where("size(rules) > 0")
    return anomalies.select(*SILVER["machine_anomalies"].column_names)
