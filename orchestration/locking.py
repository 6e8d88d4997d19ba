"""The lock of whoever writes an installation, for scripts; what it does stands in `warehouse/writer_lock.py`."""

from orchestration.warehouse.writer_lock import holder, reader_lock, writer_lock

__all__ = ["holder", "reader_lock", "writer_lock"]
