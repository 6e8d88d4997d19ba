"""Who does what can be shared out, as the settings name it."""

from orchestration.config.settings import Settings
from orchestration.engines.engine import Engine


def engine_of(settings: Settings) -> Engine:
    """The engine that the settings name."""
    options = settings.options
    return Engine(options.engine, options.workers or settings.threads, options.spark_master)
