"""Pages of the Great Expectations site, rendered without scripts and without external resources.

The stock pages load a dozen scripts and styles from five public networks. These would run inside the Airflow UI with
the user's login, and without the internet the site's index is empty. The stock pages also print sampled values
unescaped, so that a value could contain a script.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from great_expectations.core import RunIdentifier
from great_expectations.data_context.types.resource_identifiers import (
    ExpectationSuiteIdentifier,
    ValidationResultIdentifier,
)
from great_expectations.render.renderer.site_builder import DefaultSiteIndexBuilder, DefaultSiteSectionBuilder
from great_expectations.render.view import DefaultJinjaIndexPageView, DefaultJinjaPageView
from jinja2 import ChoiceLoader, FileSystemLoader, pass_context
from markupsafe import escape

from jobs.pages import render
from jobs.state import listed_validations

_TEMPLATES = Path(__file__).parent / "templates/data_docs"


class PageView(DefaultJinjaPageView):  # type: ignore[misc]
    """A page of a validation or a suite; those of `templates/data_docs/` come before the stock templates."""

    def __init__(self, **options: object) -> None:
        super().__init__(**options)
        ours = FileSystemLoader([_TEMPLATES, render.FOLDER])
        self.env.loader = ChoiceLoader([ours, self.env.loader])

    @pass_context
    def render_content_block(self, context: Any, block: Any, *options: Any, **named: Any) -> Any:
        """Render a block as Great Expectations does, with strings escaped."""
        if isinstance(block, str):
            return str(escape(block))
        if isinstance(block, list):
            block = [str(escape(each)) if isinstance(each, str) else each for each in block]
        return super().render_content_block(context, block, *options, **named)


class IndexView(PageView, DefaultJinjaIndexPageView):  # type: ignore[misc]
    """The list of all validations and suites."""

    _template = "page.j2"


class _Only:
    """A store that has no other keys than some."""

    def __init__(self, store: Any, keys: Sequence[Any]) -> None:
        self._store, self._keys = store, keys

    def list_keys(self) -> Sequence[Any]:
        """Return these keys."""
        return self._keys

    def get(self, key: Any) -> Any:
        """Return what the store has under a key."""
        return self._store.get(key)


class SectionBuilder(DefaultSiteSectionBuilder):  # type: ignore[misc]
    """Builds the pages that it is asked for, without a look at all that could have one."""

    def build(self, resource_identifiers: Sequence[Any] | None = None) -> None:
        """Build the pages of those resources that are of this section."""
        kind = ExpectationSuiteIdentifier if self.name == "expectations" else ValidationResultIdentifier
        own = [key for key in resource_identifiers or () if isinstance(key, kind)]
        self.source_store: Any = _Only(self.source_store, own)
        super().build(own)


class IndexBuilder(DefaultSiteIndexBuilder):  # type: ignore[misc]
    """Builds the list of the newest validations from that which the checks keep, and of all suites."""

    def _build_validation_and_profiling_result_site_keys(self, skip_and_clean_missing: bool) -> list[Any]:
        return []

    def _add_validations_to_index_links(self, index_links_dict: Any, _: Any) -> None:
        store = self.data_context.stores[self.source_stores["validations"]].store_backend
        listed = listed_validations.within(Path(store.full_base_directory).parents[1])
        for each in listed_validations.read(listed) or ():
            run = RunIdentifier(run_name=each.run_name, run_time=each.run_time)
            self.add_resource_info_to_index_links_dict(
                index_links_dict=index_links_dict,
                expectation_suite_name=each.suite,
                section_name="validations",
                batch_identifier=each.batch,
                run_id=run,
                validation_success=each.success,
                run_time=run.run_time,
                run_name=each.run_name,
                asset_name=each.asset,
                batch_kwargs={},
                batch_spec={},
            )
