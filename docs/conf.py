"""How the site is built: `make docs`, or `python -m sphinx -W docs build/docs`.

The chapters of the book are notebooks in Markdown: the build runs their cells, and shows what came out. So a number or
a picture on the site is what today's code says. Everything trains on the digits that come with scikit-learn, so that
it needs no network and comes out the same everywhere.
"""

import os
import sys
from pathlib import Path

import inkling

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_extensions"))

# What the cells and consoles of a page find: this environment's programs, quiet ones, and no copy of MNIST.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
os.environ["IPYTHONDIR"] = str(HERE / "_ipython")
os.environ.pop("INKLING_DATA", None)

project = "Inkling"
author = "the Inkling authors"
copyright = f"the Inkling authors, version {inkling.__version__}"  # noqa: A001
release = inkling.__version__
language = "en"

extensions = [
    "commands",
    "console",
    "mathml",
    "myst_nb",
    "plain_docstrings",
    "sphinx.ext.autodoc",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_design",
]
exclude_patterns = ["_*", "*.py", "notebooks/*/*.png"]
nitpicky = True
templates_path: list[str] = []

# Pages
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath", "smartquotes", "attrs_inline", "attrs_block"]
myst_heading_anchors = 4
myst_links_external_new_tab = False
nb_execution_mode = "force"  # a page whose code has not changed may still show what the library said before
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_merge_streams = True
nb_output_stderr = "show"
suppress_warnings = ["mystnb.unknown_mime_type"]

# The reference
autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_preserve_defaults = True
python_display_short_literal_types = True

# Looks
html_theme = "furo"
html_title = "Inkling"
html_static_path = ["_static"]
html_css_files = ["book.css"]
html_js_files = [("whole_pictures.js", {"defer": "defer"})]
html_math_renderer = "mathml"
html_copy_source = False
html_show_sphinx = False
html_search_scorer = str(HERE / "_search" / "scorer.js")
html_show_search_summary = False  # the browser would have to fetch the pages, which it may not from a disk
html_theme_options = {
    "navigation_with_keys": True,
    "light_css_variables": {
        "color-brand-primary": "#00629b",
        "color-brand-content": "#00629b",
        "color-background-primary": "#ffffff",
        "color-background-secondary": "#f7f6f3",
        "font-stack": "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif",
    },
    "dark_css_variables": {
        "color-brand-primary": "#7cc4f0",
        "color-brand-content": "#7cc4f0",
        "color-background-primary": "#14171b",
        "color-background-secondary": "#1c2026",
        "color-sidebar-caption-text": "#9ca0a5",
    },
}
pygments_style = "default"  # its colours can be read on their background (WCAG AA)
pygments_dark_style = "github-dark"
copybutton_prompt_text = r"\$ "
copybutton_prompt_is_regexp = True
copybutton_only_copy_prompt_lines = True
