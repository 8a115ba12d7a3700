"""Pages of the Great Expectations site, rendered without scripts and without external resources.

The stock pages load a dozen scripts and styles from five public networks. These would run inside the Airflow UI with
the user's login, and without the internet the site's index is empty. The stock pages also print sampled values
unescaped, so that a value could contain a script.
"""

from pathlib import Path
from typing import Any

from great_expectations.render.view import DefaultJinjaIndexPageView, DefaultJinjaPageView
from jinja2 import ChoiceLoader, FileSystemLoader, pass_context
from markupsafe import escape

from jobs.pages import render

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
