"""The fleet page: what gold says of rooms, devices, sites and the nights themselves, as charts in Airflow's menu."""
