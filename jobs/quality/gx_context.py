"""Where Great Expectations keeps what it makes.

Data sources live in memory, since a frame cannot be opened again from a file; suites, results and pages are
kept on disk, under `great_expectations/` and `data-docs/expectations/` of the lake.
"""

from great_expectations.data_context.types.base import (
    DataContextConfig,
    FilesystemStoreBackendDefaults,
    ProgressBarsConfig,
)

from jobs.settings import Settings

SITE = "expectations"
PAGES = "jobs.quality.gx_pages"


def configuration(settings: Settings) -> DataContextConfig:
    """The configuration of a run's context, with the data docs site."""
    view = {"module_name": PAGES, "class_name": "PageView"}
    section = {"module_name": PAGES, "class_name": "SectionBuilder", "view": view}
    site = {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "store_backend": {
            "class_name": "TupleFilesystemStoreBackend",
            "base_directory": str(settings.docs / SITE),
        },
        "site_index_builder": {
            "module_name": PAGES,
            "class_name": "IndexBuilder",
            "view": view | {"class_name": "IndexView"},
        },
        "site_section_builders": {
            "expectations": section,
            "validations": section,
            "profiling": "none",
        },
    }
    return DataContextConfig(
        store_backend_defaults=FilesystemStoreBackendDefaults(
            root_directory=str(settings.home / "great_expectations")
        ),
        data_docs_sites={SITE: site},
        analytics_enabled=False,
        progress_bars=ProgressBarsConfig(globally=False, metric_calculations=False),
    )
