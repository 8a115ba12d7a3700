"""Gold and the platform's own tables, read without Spark: for programs over HTTP, and for pages in Airflow."""
