"""`silver.device_changes`: the registry's change feed."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from catalog.json_path import containers
from catalog.tables import DEVICE_FIELDS, SOURCES
from jobs.delta.frames import any_of
from jobs.json_texts import STRICT, is_in_the_way, json_text, strings_of, whole_characters
from jobs.value_reading import is_misfit, reading

IMAGE = {name: kind for name, kind in DEVICE_FIELDS.items() if name != "device_id"}
# An image is an object as a line of `devices` is, with the names that these have.
PATHS = {name: SOURCES["devices"].paths[name] for name in IMAGE}


def clean_device_changes(rows: DataFrame) -> DataFrame:
    """A change with the device's image after it, or before it when it deletes the device.

    The values of the image are read like those of a line of `devices`; `_is_mistyped` where one does not fit, a name
    differs in case only, or the image is no object.
    """
    is_deleted = F.col("operation") == "DELETE"
    # What a device was before it changed is no image of the change.
    image = whole_characters(F.coalesce("after", F.when(is_deleted, F.col("before"))))
    strings = strings_of(path for name, kind in IMAGE.items() if kind == "STRING" for path in PATHS[name])
    read = rows.withColumns(
        {"_strings": F.from_json(image, strings, STRICT), "_image": F.try_parse_json(image)}
    )
    texts = {
        name: F.coalesce(*[json_text(path, kind, F.col("_strings"), "_image") for path in PATHS[name]])
        for name, kind in IMAGE.items()
    }
    values = {name: reading(texts[name], kind) for name, kind in IMAGE.items()}
    ways = containers(path for paths in PATHS.values() for path in paths)
    is_mistyped = any_of(
        [
            _is_no_object(image),
            *(is_in_the_way(path, kind, "_image") for path, kind in ways.items() if path.steps),
            *(is_misfit(texts[name], kind) for name, kind in IMAGE.items()),
        ]
    )
    return read.withColumns({**values, "changed_at": F.col("operation_date"), "_is_mistyped": is_mistyped})


def _is_no_object(image: Column) -> Column:
    """Whether an image is no JSON object, or has a field whose name is that of a column in another case."""
    is_object = F.coalesce(F.schema_of_variant("_image").startswith("OBJECT"), F.lit(False))
    names = {str(path.steps[0]) for paths in PATHS.values() for path in paths}
    small = {name.lower() for name in names}
    is_other = F.exists(
        F.json_object_keys(image), lambda name: ~name.isin(*names) & F.lower(name).isin(*small)
    )
    return image.isNotNull() & (~is_object | F.coalesce(is_other, F.lit(False)))
