"""How Sphinx builds these pages: ``sphinx-build -W docs docs/_build``, with the extra docs."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # for tests.ops.cases
sys.path.insert(0, str(Path(__file__).parent))

import symgrad

project = "symgrad"
author = "symgrad developers"
copyright = author  # noqa: A001  the name that Sphinx wants
version = release = symgrad.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "pages", "notebook"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"symgrad {release}"


myst_heading_anchors = 3
napoleon_google_docstring = False
napoleon_use_rtype = False
autodoc_typehints = "none"
autodoc_member_order = "bysource"
add_module_names = False
default_role = "code"
nitpicky = False
html_math_renderer = "mathml"
myst_enable_extensions = ["dollarmath"]
napoleon_use_ivar = True  # attributes stand in the text of their class, and as members once
suppress_warnings = ["ref.python"]  # words such as "shape" in lists of parameters are no references
