"""`silver.device_changes`: the registry's change feed."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from catalog.json_path import Path, containers
from catalog.tables import DEVICE_FIELDS, SOURCES
from jobs.delta.frames import map_of
from jobs.json_texts import STRICT, is_in_the_way, json_text, strings_of, whole_characters
from jobs.value_reading import is_misfit, reading

IMAGE = {name: kind for name, kind in DEVICE_FIELDS.items() if name != "device_id"}
# An image is an object as a line of `devices` is, with the names that these have.
PATHS = {name: SOURCES["devices"].paths[name] for name in IMAGE}
CLOCK = SOURCES["devices"].clock


def clean_device_changes(rows: DataFrame) -> DataFrame:
    """A change with the device's image after it, or before it when it deletes the device.

    The values of the image are read like those of a line of `devices`; `_misfits` names each that does not fit, each
    name that differs in case only, and an image that is no object.
    """
    is_deleted = F.col("operation") == "DELETE"
    # What a device was before it changed is no image of the change.
    image = whole_characters(F.coalesce("after", F.when(is_deleted, F.col("before"))))
    strings = strings_of(path for name, kind in IMAGE.items() if kind == "STRING" for path in PATHS[name])
    read = rows.withColumns(
        {"_strings": F.from_json(image, strings, STRICT), "_image": F.try_parse_json(image)}
    )
    values = {
        name: F.coalesce(*[reading(_text(path, kind), kind, CLOCK) for path in PATHS[name]])
        for name, kind in IMAGE.items()
    }
    read = read.withColumns({**values, "changed_at": F.col("operation_date")})
    return read.withColumn("_misfits", _misfits(image))


def _text(path: Path, kind: str) -> Column:
    return json_text(path, kind, F.col("_strings"), "_image")


def _misfits(image: Column) -> Column:
    """A reason for each value of an image that does not fit, under the field that has the image: ARRAY<STRING>."""
    is_object = F.coalesce(F.schema_of_variant("_image").startswith("OBJECT"), F.lit(False))
    found = {" is no object": image.isNotNull() & ~is_object}
    for path, kind in containers(path for paths in PATHS.values() for path in paths).items():
        if path.steps:
            found[f"{_within(path)} is no {kind}"] = is_in_the_way(path, kind, "_image")
    for name, kind in IMAGE.items():
        for path in PATHS[name]:
            is_lost = is_misfit(_text(path, kind), F.col(name))
            found[f"{_within(path)} is no {kind}"] = is_lost
    said = F.array(*[F.when(is_so, F.lit(reason)) for reason, is_so in found.items()])
    field = F.when(F.col("after").isNotNull(), F.lit("after")).otherwise(F.lit("before"))
    return F.transform(
        F.concat(F.array_compact(said), _in_another_case(image)), lambda reason: F.concat(field, reason)
    )


def _in_another_case(image: Column) -> Column:
    """A reason for each member of an image whose name is that of another in another case: ARRAY<STRING>."""
    meant = {str(path.steps[0]).lower(): str(path.steps[0]) for paths in PATHS.values() for path in paths}
    keys = F.coalesce(F.json_object_keys(image), F.array().cast("array<string>"))
    others = F.filter(keys, lambda name: ~name.isin(*meant.values()) & F.lower(name).isin(*meant))
    names = map_of(meant)
    return F.transform(
        others, lambda name: F.concat(F.lit("."), names[F.lower(name)], F.lit(" came as "), name)
    )


def _within(path: Path) -> str:
    """A path as it stands behind the name of the field that has the image."""
    return str(Path(("_", *path.steps))).removeprefix("_")
