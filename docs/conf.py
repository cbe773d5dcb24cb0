"""Sphinx settings: pages are MyST, code cells are executed, warnings are errors."""

import os
import sys
from importlib.metadata import version as installed_version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # for the extension beside this file

# Cells train small models: on one thread they are as fast, and their sums have one order whatever
# the number of cores. A kernel inherits this.
os.environ.setdefault("OMP_NUM_THREADS", "1")

project = "seqtheory"
author = "The seqtheory developers"
project_copyright = author
release = version = installed_version("seqtheory")
language = "en-GB"

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "mathml"]
exclude_patterns = ["_build", "**.ipynb_checkpoints"]
suppress_warnings: list[str] = []
default_role = "code"

html_theme = "furo"
html_title = "seqtheory"
html_copy_source = False
html_math_renderer = "mathml"

myst_enable_extensions = ["amsmath", "attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_execution_in_temp = True
nb_merge_streams = True

# Public names are listed by each module's __all__; what has no docstring is not public.
autodoc_default_options = {"members": True, "show-inheritance": False}
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_attr_annotations = False
napoleon_use_rtype = False
# Our Returns and Yields are prose, since the annotation already gives the type.
napoleon_custom_sections = ["Returns", "Yields"]
