"""The definitions of the pipeline, for `spark-pipelines` and for Databricks: to import this file declares it."""

from pyspark import pipelines
from pyspark.sql import SparkSession

from pipelines.declaration import declare

declare(pipelines, SparkSession.active())
