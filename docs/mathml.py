"""Equations as MathML, written at build time: the pages need no script and no network.

An equation that cannot be converted is a warning, and so an error of the build.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

from experiments.site.equation import known

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_logger = logging.getLogger(__name__)


def _written(self: Any, node: nodes.Element, as_block: bool) -> None:
    source = known(node.astext())
    try:
        self.body.append(tex2mathml(source, as_block=as_block))
    except MathError as error:
        _logger.warning("equation not converted: %s: %s", error, source, location=node)
    raise nodes.SkipNode


def _inline(self: Any, node: nodes.Element) -> None:
    _written(self, node, as_block=False)


def _block(self: Any, node: nodes.Element) -> None:
    self.body.append(self.starttag(node, "div", CLASS="math"))
    if node["number"]:
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
        self.add_permalink_ref(node, "Link to this equation")
        self.body.append("</span>")
    try:
        _written(self, node, as_block=True)
    finally:  # _written ends by raising SkipNode
        self.body.append("</div>")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the renderer under the name `mathml`."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
