"""The simulated fleet: attributes of devices and sites, as SQL expressions of their ids alone."""

from jobs.generate.values import Values

DEVICE_TYPES = (
    "Temperature Sensor",
    "Humidity Sensor",
    "Pressure Sensor",
    "Motion Detector",
    "Smart Meter",
    "GPS Tracker",
    "Camera",
    "HVAC Controller",
)
MANUFACTURERS = ("SensorCorp", "IoTech", "SmartDevices", "TelcoSystems")
FACILITIES = (
    ("San Francisco", 37.7749, -122.4194),
    ("Los Angeles", 34.0522, -118.2437),
    ("New York", 40.7128, -74.0060),
)
FIRMWARE = ("1.0.0", "1.0.1", "1.1.0", "2.0.0", "2.0.1")
STATUSES = ("Online", "Offline", "Maintenance", "Decommissioned")


def device_type(seed: int, device_id: str) -> str:
    """The type of a device."""
    return Values(seed, "fleet").pick("device_type", DEVICE_TYPES, device_id)


def is_faulty(seed: int, device_id: str) -> str:
    """Whether the device is one of the 1 % whose readings are mostly anomalies."""
    return Values(seed, "fleet").chance("faulty", 0.01, device_id)


def install_date(seed: int, device_id: str) -> str:
    """The day on which a device was installed."""
    days = Values(seed, "fleet").integer("install_date", 0, 1826, device_id)
    return f"date_add(DATE'2020-01-01', cast({days} as int))"


def facility(seed: int, location_id: str) -> str:
    """Index into FACILITIES of the facility around which the site lies, as text."""
    return Values(seed, "fleet").pick("facility", ("0", "1", "2"), location_id)


def coordinate(seed: int, axis: int, location_id: str) -> str:
    """Latitude (axis 1) or longitude (axis 2) of a site, degrees: within 0.05 of its facility."""
    centre = " ".join(f"WHEN '{index}' THEN {place[axis]}D" for index, place in enumerate(FACILITIES))
    offset = Values(seed, "fleet").between(f"axis{axis}", -0.05, 0.05, location_id)
    return f"round(CASE {facility(seed, location_id)} {centre} END + {offset}, 6)"


def image(seed: int, device_id: str, change: str, night_index: str) -> dict[str, str]:
    """Every attribute of a device after its n-th change (0 = as first registered); column -> expression."""
    fleet = Values(seed, "fleet")
    location_id = fleet.integer("location_id", 1, 500, device_id)
    digit = [f"pmod({fleet.hash(f'firmware.{part}', device_id)}, 10)" for part in "abc"]
    # Newer firmware gets likelier as the year goes on.
    newest = f"cast(least(4, floor({night_index} / 91.5D + 2 * {fleet.uniform('firmware', device_id, change)})) as int)"
    listed = ", ".join(f"'{version}'" for version in FIRMWARE)
    return {
        "device_id": device_id,
        "device_serial": f"concat('DEV-', lpad(cast(pmod({fleet.hash('serial', device_id)}, 100000000) as string), 8, '0'))",
        "device_type": device_type(seed, device_id),
        "manufacturer": fleet.pick("manufacturer", MANUFACTURERS, device_id),
        "model": f"concat('Model-', {device_id})",
        "firmware_version": f"CASE WHEN {change} = 0 THEN concat_ws('.', {', '.join(digit)}) "
        f"ELSE element_at(array({listed}), {newest} + 1) END",
        "install_date": install_date(seed, device_id),
        "location_id": location_id,
        "latitude": coordinate(seed, 1, location_id),
        "longitude": coordinate(seed, 2, location_id),
        "status": f"CASE WHEN {change} = 0 "
        f"THEN {fleet.pick('status', STATUSES, device_id, weights=(85, 8, 5, 2))} "
        f"ELSE {fleet.pick('status', STATUSES, device_id, change, weights=(70, 15, 10, 5))} END",
    }
