"""Whether the disk holds what the next step writes: nothing is begun that would fill it."""

import shutil
from collections.abc import Sequence

from orchestration.config.settings import Settings
from orchestration.landing.landing_zone import LandedFile
from orchestration.runtime.errors import OperatorError

PACKED = (".gz", ".zst")
UNPACKS_TO = 10
# What a build file holds of a byte that has landed: 561 MB of 230, 10.9 GB of 4.5.
BUILT_PER_BYTE = 2.5
# Without so much no run begins.
LEAST_FREE = 4_000_000


def bytes_to_write(settings: Settings, files: Sequence[LandedFile] = ()) -> int:
    """What staging, marts and the copy to publish may need: what the build file grows by, and all it holds then once
    more."""
    landed = sum(file.size * (UNPACKS_TO if file.path.name.endswith(PACKED) else 1) for file in files)
    grown = int(BUILT_PER_BYTE * landed)
    return 2 * grown + (settings.build_file.stat().st_size if settings.build_file.exists() else 0)


def require_disk(settings: Settings, needed: int) -> None:
    """Refuses the next step before it writes anything when the disk would not hold it."""
    free = shutil.disk_usage(settings.data).free
    if free < needed:
        raise OperatorError(
            f"The disk of {settings.data} has {free / 1e6:,.0f} MB free, and this run may need {needed / 1e6:,.0f} MB."
            " Nothing was written.",
            remedy="Make room, or lower `free_disk_bytes` in settings.toml, and run again.",
        )
