"""An empty build file, made once by each process of tests: to declare its tables takes longer than most of what is tested on
them."""

import shutil
import tempfile
from functools import cache
from pathlib import Path

from orchestration.config.settings import Settings
from orchestration.warehouse import build_file

_FOLDER = tempfile.TemporaryDirectory()


def lay(settings: Settings) -> None:
    """Puts it where the installation has its own."""
    settings.build_file.parent.mkdir(parents=True)
    shutil.copyfile(_made(), settings.build_file)


@cache
def _made() -> Path:
    settings = Settings(data=Path(_FOLDER.name))
    with build_file.connect(settings):
        pass
    return settings.build_file
