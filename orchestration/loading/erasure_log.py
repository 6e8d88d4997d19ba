"""What loading must know of erasures: the hashes of all that was erased, as `$C360_DATA/privacy` keeps them.

One file for each erasure, written whole or not at all, so that none can be half known.
"""

import json
from datetime import date
from pathlib import Path
from typing import Any

from orchestration.config.settings import Settings
from orchestration.normalisation.erasures import Erasures, hashes
from orchestration.runtime import durable_files
from orchestration.runtime.errors import OperatorError

FOREVER = date.max


def folder(settings: Settings) -> Path:
    """Where the hashes stand."""
    return settings.privacy / "erased"


def pending_folder(settings: Settings) -> Path:
    """Where a note of each erasure stands until it has ended."""
    return settings.privacy / "pending"


def unended(settings: Settings) -> list[Path]:
    """Notes of erasures that were begun and have not ended, oldest first; one of which nothing was kept yet never
    began."""
    return [path for path in sorted(pending_folder(settings).glob("*.json")) if (folder(settings) / path.name).exists()]


def erasures(settings: Settings) -> Erasures | None:
    """All that was erased; null where nobody was. Refuses to go on without the secret that people were erased with: no
    hash would be known again, and they would come back."""
    found = list(entries(settings).values())
    if not found:
        return None
    if settings.secret is None:
        raise _refused(settings, "People were erased here, and the secret that identifies them is missing.")
    # An entry of an older version does not say what secret it was made with.
    known = (None, fingerprint(settings.secret))
    if any(entry.get("key") not in known for entry in found):
        raise _refused(settings, "People were erased here, and the secret is not the one that identifies them.")
    until: dict[str, date] = {}
    for entry in found:
        last = date.fromisoformat(entry["until"]) if entry["until"] else FOREVER
        for digest in entry["hashes"]:
            until[digest] = max(last, until.get(digest, last))
    return Erasures(settings.secret, until)


def fingerprint(secret: bytes) -> str:
    """What a secret is known again by, as an entry keeps it."""
    [found] = hashes(secret, ["\x1fkey"])
    return found


def _refused(settings: Settings, message: str) -> OperatorError:
    remedy = f"Put it back into {settings.config / 'secret'}, or into C360_SECRET: without it they would come back."
    return OperatorError(message, remedy=remedy, exit_code=2)


def entries(settings: Settings) -> dict[str, dict[str, Any]]:
    """What was kept of each erasure, by its name."""
    found = {}
    for path in sorted(folder(settings).glob("*.json")):
        try:
            found[path.stem] = json.loads(path.read_bytes())
        except ValueError:
            raise OperatorError(
                f"{path} is damaged: it says who was erased.",
                remedy="Bring it back from a backup; without it they would come back.",
            ) from None
    return found


def write(path: Path, content: object) -> None:
    """A file of ours as JSON, on the disk before it is there by name, for its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    durable_files.replace(path, json.dumps(content, indent=1, ensure_ascii=False).encode(), mode=0o600)
