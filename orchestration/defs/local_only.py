"""The Dagster UI for this machine alone. `python -m orchestration.defs.local_only` takes the arguments of
`dagster-webserver`."""

from orchestration.runtime.local_requests import LocalOnly


def main() -> None:
    """Dagster's own server, with our check of every request in front of it."""
    from dagster_webserver import cli
    from dagster_webserver.webserver import DagsterWebserver
    from starlette.middleware import Middleware

    theirs = DagsterWebserver.build_middleware
    DagsterWebserver.build_middleware = lambda self: [Middleware(LocalOnly), *theirs(self)]  # type: ignore[method-assign, arg-type]
    cli.main()


if __name__ == "__main__":
    main()
