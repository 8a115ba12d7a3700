"""`silver.device_changes`: the registry's change feed."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from catalog.tables import DEVICE_FIELDS
from jobs.delta.frames import any_of
from jobs.value_reading import STRICT, is_misfit, json_text, reading, strings_of

IMAGE = {name: kind for name, kind in DEVICE_FIELDS.items() if name != "device_id"}


def clean_device_changes(rows: DataFrame) -> DataFrame:
    """A change with the device's image after it, or before it when it deletes the device.

    The values of the image are read like those of a line of `devices`; `_is_mistyped` where one does not fit, a name
    differs in case only, or the image is no object.
    """
    is_deleted = F.col("operation") == "DELETE"
    # What a device was before it changed is no image of the change.
    image = F.coalesce("after", F.when(is_deleted, F.col("before")))
    read = rows.withColumns(
        {"_strings": F.from_json(image, strings_of(IMAGE), STRICT), "_image": F.try_parse_json(image)}
    )
    texts = {name: json_text(name, kind, F.col("_strings"), "_image") for name, kind in IMAGE.items()}
    values = {name: reading(texts[name], kind) for name, kind in IMAGE.items()}
    is_mistyped = any_of(
        [_is_no_object(image), *(is_misfit(texts[name], kind) for name, kind in IMAGE.items())]
    )
    return read.withColumns({**values, "changed_at": F.col("operation_date"), "_is_mistyped": is_mistyped})


def _is_no_object(image: Column) -> Column:
    """Whether an image is no JSON object, or has a field whose name is that of a column in another case."""
    is_object = F.coalesce(F.schema_of_variant("_image").startswith("OBJECT"), F.lit(False))
    is_other = F.exists(
        F.json_object_keys(image), lambda name: ~name.isin(*IMAGE) & F.lower(name).isin(*IMAGE)
    )
    return image.isNotNull() & (~is_object | F.coalesce(is_other, F.lit(False)))
