"""`silver.device_changes`: the registry's change feed."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from catalog.tables import DEVICE_FIELDS
from jobs.delta.frames import any_of
from jobs.value_reading import is_misfit, json_text, reading, strings_of

IMAGE = {name: kind for name, kind in DEVICE_FIELDS.items() if name != "device_id"}


def clean_device_changes(rows: DataFrame) -> DataFrame:
    """A change with the device's image after it, or before it when it deletes the device.

    The values of the image are read like those of a line of `devices`; `_is_mistyped` where one does not fit.
    """
    image = F.coalesce("after", "before")
    read = rows.withColumns(
        {"_strings": F.from_json(image, strings_of(IMAGE)), "_image": F.try_parse_json(image)}
    )
    texts = {name: json_text(name, kind, F.col("_strings"), "_image") for name, kind in IMAGE.items()}
    values = {name: reading(texts[name], kind) for name, kind in IMAGE.items()}
    is_mistyped = any_of(is_misfit(texts[name], kind) for name, kind in IMAGE.items())
    return read.withColumns({**values, "changed_at": F.col("operation_date"), "_is_mistyped": is_mistyped})
