"""A device as the registry describes it, for tests that bring one; whoever brings it adds its `device_id`."""

DEVICE = {
    "device_serial": "DEV-00000007",
    "device_type": "Camera",
    "manufacturer": "Acme",
    "model": "C1",
    "firmware_version": "1.0.1",
    "install_date": "2023-01-15",
    "location_id": 17,
    "latitude": 37.77,
    "longitude": -122.41,
    "status": "Online",
}
