"""Another user: a command line that becomes him, and the libraries that his Python must find. It takes root."""

import os
import sysconfig

from tests.support.checkout import ROOT

USER = "64321"
"""Known to no user database, so that only HOME says where a home is."""
AS_USER = ("setpriv", "--reuid", USER, "--regid", USER, "--clear-groups", "--no-new-privs", "env")
LIBRARIES = os.pathsep.join([str(ROOT), sysconfig.get_path("purelib")])
"""PYTHONPATH of a Python that has this one's libraries."""
