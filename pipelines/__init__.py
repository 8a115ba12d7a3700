"""The catalog's tables as a declarative pipeline, made by the functions of the jobs and held to the same suites."""
