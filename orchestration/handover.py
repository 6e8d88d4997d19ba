"""Hands Polars frames to DuckDB by the Arrow interface, without pyarrow (171 MB); nothing else belongs here."""

import polars as pl


class Handed:
    """What `connection.register` takes a frame as."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame = frame

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._frame.__arrow_c_stream__(requested_schema)
