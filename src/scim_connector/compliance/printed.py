"""Reports and samples as one HTML page that prints well and needs nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from scim_connector.compliance import sample as samples
from scim_connector.compliance.reports.report import instant

if TYPE_CHECKING:
    from scim_connector.compliance.reports import Report
    from scim_connector.compliance.sample import Sample

_TEMPLATES: Final = Environment(
    loader=PackageLoader("scim_connector.compliance"),
    autoescape=select_autoescape(),
    undefined=StrictUndefined,
)


def report(made: Report, *, style: str = "", style_address: str = "") -> str:
    """A report as a page; its style lies inside it or at an address."""
    return _page("report.html", style, style_address, report=made)


def sample(made: Sample, *, style: str = "", style_address: str = "") -> str:
    """A sample: an overview, and a page for each person."""
    return _page(
        "sample.html",
        style,
        style_address,
        sample=made,
        lines=list(samples.lines(made)),
        made_at=instant(made.made_at),
    )


def _page(name: str, style: str, style_address: str, **words: Any) -> str:
    template = _TEMPLATES.get_template(name)
    # The style is a file of ours; escaped it would be none.
    return template.render(
        style=Markup(style),  # noqa: S704
        style_address=style_address,
        **words,
    )
