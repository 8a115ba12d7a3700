"""The compute side: stages of a night as functions from frames to frames."""

import sys

# Only Iceberg's catalogs need it, and find it (`jobs/iceberg/catalogs.py`). Great Expectations imports it when it is
# there, without any use for it here: a second for each check. None is how Python says that a module is not there.
sys.modules.setdefault("sqlalchemy", None)  # type: ignore[arg-type]
