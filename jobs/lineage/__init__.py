"""Lineage: OpenLineage events of what each step did, to a file beside its run result and to whichever backend."""
