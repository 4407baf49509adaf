"""The release tasks: see ``invoke --list``."""

from longshore.tasks import namespace

__all__ = ["namespace"]
