"""Formulas as MathML, which every browser draws by itself: no script, no font from elsewhere, readable offline.

Docutils translates the LaTeX; Sphinx asks for a renderer, and this is the one.
"""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, Any

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util import logging

if TYPE_CHECKING:
    from sphinx.application import Sphinx


PLAINER = {r"\\[Bb]igg?(?![a-z])": "", r"\\textstyle": "", r"\\dots(?![a-z])": r"\\ldots ", r"\\mathrel\{\+\}=": "+="}
"""What the notebooks' formulas say to MathJax, and docutils does not know: mostly sizes, which MathML finds itself."""

logger = logging.getLogger(__name__)


def inline(translator: Any, node: nodes.math) -> None:
    translator.body.append(translated(node, as_block=False))
    raise nodes.SkipNode


def block(translator: Any, node: nodes.math_block) -> None:
    translator.body.append(f'<div class="math">{translated(node, as_block=True)}</div>')
    raise nodes.SkipNode


def translated(node: nodes.Element, *, as_block: bool) -> str:
    """The formula as MathML; a warning, and the formula as it was written, where docutils doesn't know a command."""
    formula = node.astext()
    for known, plain in PLAINER.items():
        formula = re.sub(known, plain, formula)
    try:
        return str(tex2mathml(formula, as_block=as_block))
    except MathError as error:
        logger.warning("%s: %s", error, node.astext(), location=node)
        return f"<code>{escape(node.astext())}</code>"


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_html_math_renderer("mathml", inline_renderers=(inline, None), block_renderers=(block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
