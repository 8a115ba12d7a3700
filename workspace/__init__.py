"""Deploy to a Databricks workspace, and find out what it lacks."""
