"""What the server of `forked` has done before it forks: slow imports, WordNet, the report's template."""

import cloning_world  # noqa: F401
import pandas  # noqa: F401
import scipy.cluster.hierarchy
import scipy.optimize  # noqa: F401
import tiny_world
import torchvision.models  # noqa: F401

import fdcore.cloning.training
import fdcore.report.page
import fdcore.work.investigate
from fdcore.words.vectors import builtin_vectors

tiny_world.hierarchy()
builtin_vectors()
fdcore.report.page._template()
