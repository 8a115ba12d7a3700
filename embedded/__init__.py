"""The stack behind `make run`: Spark Connect and Airflow on this machine, with the standard library only."""
