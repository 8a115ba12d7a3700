"""The units of readings, which gold does not repeat: silver takes readings in no others (its suite says so)."""

UNITS = {
    "temperature": "°C",
    "humidity": "%",
    "pressure": "hPa",
    "power": "kWh",
    "vibration": "mm/s",
}
