"""What a file has shown so far, to find a record that is in it twice."""

from collections.abc import Sequence

import polars as pl


class Digests:
    """Digests of a file's records so far: 16 bytes a record, where a set of Python's takes a hundred and more."""

    # As long as Polars holds a binary value in place; two different records of a billion share one by a chance of 1 in
    # 10^11.
    _BYTES = 12

    def __init__(self) -> None:
        self._earlier = self._column(())

    def _column(self, digests: Sequence[bytes]) -> pl.DataFrame:
        return pl.DataFrame({"digest": pl.Series([digest[: self._BYTES] for digest in digests], dtype=pl.Binary)})

    @property
    def known(self) -> pl.DataFrame:
        """All of them so far."""
        return self._earlier

    def learn(self, known: pl.DataFrame) -> None:
        """Takes in what another part of the file has shown."""
        self._earlier = self._earlier.vstack(known)

    def repeated(self, digests: Sequence[bytes]) -> set[int]:
        """Places of those that earlier blocks had; from now on all of them are known."""
        new = self._column(digests)
        met = (
            set(self._earlier.join(new, on="digest", how="semi").get_column("digest"))
            if self._earlier.height
            else set()
        )
        self._earlier = self._earlier.vstack(new)
        return {place for place, digest in enumerate(digests) if digest[: self._BYTES] in met} if met else set()
