"""Whether what is published may be given back: not while it still names somebody who is being erased, and not while it
is older than what was known before."""

from orchestration.config.settings import Settings
from orchestration.loading import erasure_log
from orchestration.publishing import publish
from orchestration.runtime.errors import OperatorError


def require_fresh(settings: Settings) -> None:
    """Refuses to write or send anything for vendors while that could name somebody who must not be named any more."""
    if erasure_log.unended(settings):
        raise OperatorError(
            "Nothing is given back while an erasure has not ended: what is published may still name the person.",
            remedy="Wait until `c360 forget` has ended, or let `c360 run` end it, and run again.",
        )
    if back := publish.taken_back(settings):
        raise OperatorError(
            f"Nothing is given back while a rollback stands: what is published is older than that of {back.shown_at},"
            " and nobody knows who has said no since.",
            remedy="Mend what was wrong, publish anew with `c360 run`, and run again.",
        )
