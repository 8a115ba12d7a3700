"""Where Great Expectations keeps what it makes: suites and results, and the data docs site that shows them."""

from great_expectations.data_context.types.base import (
    DataContextConfig,
    FilesystemStoreBackendDefaults,
    ProgressBarsConfig,
)

from jobs.settings import Settings

SITE = "expectations"
PAGES = "jobs.quality.gx_pages"


def configuration(settings: Settings) -> DataContextConfig:
    """The context of a run: data sources in memory; suites, results and pages on disk."""
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
