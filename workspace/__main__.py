"""`python -m workspace`."""

import os
import sys
from pathlib import Path

# Airflow puts its DAG folder on sys.path; outside Airflow it is done here and nowhere else.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "dags"))
# As Airflow's own commands do, so that connections kept in its database are found too.
os.environ["_AIRFLOW_PROCESS_CONTEXT"] = "server"
# What a person should read is printed; Airflow's logs would stand between, on the same standard output.
os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "CRITICAL"

if __name__ == "__main__":
    from catalog.reading import CatalogError

    try:
        from workspace.cli import main
    except CatalogError as error:
        print(f"error: the catalog is wrong: {error}", file=sys.stderr)
        sys.exit(2)
    sys.exit(main())
