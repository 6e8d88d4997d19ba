"""The landing zone: which files have landed. What is in them is not looked at here, and nothing is written."""

import hashlib
import os
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import NoReturn

from orchestration.config.accounts import DEFAULT_ACCOUNT, account_of, account_problem, feed
from orchestration.config.settings import Settings
from orchestration.runtime.redaction import shown_name, without_contacts, without_names
from orchestration.vendors import broken, discover

UNFINISHED = (".tmp", ".part", ".partial", ".filepart", ".crdownload", ".uploading", ".inprogress", ".lock")
MARKERS = ("complete.json", "manifest.json", "_full", "_success", "_complete", "_done", "thumbs.db", "desktop.ini")
MARKER_ENDS = (".done", ".complete", ".ready", ".md5", ".sha256", ".crc")
# Folders that tools keep for themselves: hidden ones (.rsync-partial, .snapshot), of Spark (_temporary), of archives
# (__MACOSX), of storage (@eaDir, #recycle, $RECYCLE.BIN), of file systems (lost+found).
TOOLS_FOLDER = (".", "_", "~", "@", "#", "$")
TOOLS_FOLDERS = ("lost+found", "system volume information")
FULL_MARKER = "_FULL"
UNREADABLE = "unreadable_folder"
FUTURE = "future_date"
BROKEN_VENDOR = "broken_vendor"
UNSEEN = (UNREADABLE, FUTURE, BROKEN_VENDOR)


@dataclass(frozen=True, order=True)
class LandedFile:
    """A delivered file: the account it is from, and what shows that it has changed."""

    export_date: date
    source: str
    stream: str
    relative_path: str
    path: Path
    size: int
    mtime_ns: int
    is_full: bool
    source_account: str = DEFAULT_ACCOUNT
    ctime_ns: int = 0
    inode: int = 0

    @property
    def feed(self) -> str:
        """Vendor and account, as their folder is named."""
        return feed(self.source, self.source_account)

    @property
    def delivery(self) -> str:
        """The delivery it belongs to, as its folder is named: vendor and account, stream, export date."""
        return f"{self.feed}/{self.stream}/{self.export_date}"

    @property
    def identity(self) -> tuple[int, int, int, int]:
        """While these are the same nobody has touched the file."""
        return self.size, self.mtime_ns, self.ctime_ns, self.inode

    @property
    def shown_path(self) -> str:
        """The path as a log may hold it."""
        return shown(self.relative_path)


@dataclass(frozen=True)
class LandingProblem:
    """Something in the landing zone that is no delivery, with the remedy."""

    relative_path: str
    reason_code: str
    message: str


@dataclass(frozen=True)
class Scan:
    """What the landing zone holds: deliveries in the order of their export dates, and what is in the wrong place or
    cannot be read."""

    files: list[LandedFile]
    problems: list[LandingProblem]

    def is_hidden(self, relative_path: str) -> bool:
        """The file stands in a folder that is reported as a problem, or may stand there unseen."""
        return any(
            relative_path.startswith(f"{problem.relative_path}/")
            for problem in self.problems
            if problem.reason_code in (UNREADABLE, FUTURE, BROKEN_VENDOR)
        )

    def is_too_early(self, relative_path: str) -> bool:
        """The file stands in the folder of a day to come."""
        return any(
            relative_path.startswith(f"{problem.relative_path}/")
            for problem in self.problems
            if problem.reason_code == FUTURE
        )

    def hiding(self, relative_path: str) -> LandingProblem | None:
        """The folder that cannot be read and in which the file may stand unseen, if there is one."""
        unreadable = (problem for problem in self.problems if problem.reason_code == UNREADABLE)
        return next((problem for problem in unreadable if relative_path.startswith(f"{problem.relative_path}/")), None)


def scan(settings: Settings) -> Scan:
    """Every delivery in the landing zone, and everything that stands where none can stand."""
    files: list[LandedFile] = []
    problems: list[LandingProblem] = []
    with _reading(settings, settings.landing, problems):
        for folder in _entries(settings.landing):
            _scan_feed(settings, folder, files, problems)
    return Scan(sorted(files), problems)


@contextmanager
def _reading(settings: Settings, folder: Path, problems: list[LandingProblem]) -> Iterator[None]:
    """A folder that cannot be read, or one in it, is a problem of that folder alone."""
    try:
        yield
    except OSError as error:
        relative = _relative(settings, folder)
        reason = error.strerror or type(error).__name__
        problems.append(
            _problem(
                relative,
                UNREADABLE,
                f"{relative} cannot be read ({reason}). Check its permissions, and those of what is in it.",
            )
        )


def _scan_feed(settings: Settings, folder: Path, files: list[LandedFile], problems: list[LandingProblem]) -> None:
    vendors = discover()
    relative = _relative(settings, folder)
    source, account = account_of(folder.name)
    if not folder.is_dir():
        problems.append(
            _problem(
                relative,
                "wrong_place",
                f"{relative} is no vendor folder. Move it to landing/<vendor>/<stream>/<YYYY-MM-DD>/.",
            )
        )
    elif source in broken():
        problems.append(
            _problem(
                relative,
                BROKEN_VENDOR,
                f"{relative} waits and is not loaded: its vendor's module has a mistake. {broken()[source]}",
            )
        )
    elif source not in vendors:
        known = ", ".join(vendors)
        problems.append(
            _problem(
                relative,
                "unknown_vendor",
                f"{relative} is the folder of no known vendor. Rename it to one of {known}, or move it out.",
            )
        )
    elif "@" in folder.name and (wrong := account_problem(source, account)):
        problems.append(
            _problem(relative, "bad_account", f"{relative} is not loaded: {wrong}. Rename the folder, or move it out.")
        )
    elif not _leads_out(settings, folder, problems):
        with _reading(settings, folder, problems):
            _scan_streams(settings, folder, vendors[source].streams, files, problems)


def _scan_streams(
    settings: Settings, folder: Path, streams: Collection[str], files: list[LandedFile], problems: list[LandingProblem]
) -> None:
    latest = settings.today() + timedelta(days=1)
    for below in _entries(folder):
        relative = _relative(settings, below)
        if not below.is_dir() or below.name not in streams:
            known = ", ".join(streams)
            problems.append(
                _problem(
                    relative,
                    "unknown_stream",
                    f"{relative} is no stream of {folder.name}. Its streams are {known}: rename the folder, or move it"
                    " out.",
                )
            )
            continue
        if _leads_out(settings, below, problems):
            continue
        with _reading(settings, below, problems):
            for delivery in _entries(below):
                relative = _relative(settings, delivery)
                day = _day(delivery.name)
                if not delivery.is_dir() or day is None:
                    problems.append(
                        _problem(
                            relative,
                            "bad_date",
                            f"{relative} is no export date. Name the folder YYYY-MM-DD, or move it out.",
                        )
                    )
                elif day > latest:
                    problems.append(
                        _problem(
                            relative,
                            FUTURE,
                            f"{relative} is of a day later than tomorrow and is not loaded before. If the date is"
                            " wrong, rename the folder.",
                        )
                    )
                elif not _leads_out(settings, delivery, problems):
                    with _reading(settings, delivery, problems):
                        files += _scan_delivery(settings, delivery, folder.name, below.name, day, problems)


def _scan_delivery(
    settings: Settings, delivery: Path, feed_name: str, stream: str, day: date, problems: list[LandingProblem]
) -> list[LandedFile]:
    source, account = account_of(feed_name)
    found: list[Path] = []
    for folder, below, names in os.walk(delivery, onerror=_refuse):
        below[:] = sorted(name for name in below if not is_tools_folder(name))
        for linked in (path for path in (Path(folder, name) for name in below) if path.is_symlink()):
            _report_link(settings, linked, "is a link to a folder", problems)
        found += [Path(folder, name) for name in names]
    is_marked_full = (delivery / FULL_MARKER).exists()
    files = []
    for path in sorted(path for path in found if is_data(path.name)):
        stat = _stat(path)
        files.append(
            LandedFile(
                export_date=day,
                source=source,
                stream=stream,
                relative_path=_relative(settings, path),
                path=path,
                size=stat.st_size,
                mtime_ns=stat.st_mtime_ns,
                # A file without a byte names nobody, and so says nothing of those it leaves out.
                is_full=stat.st_size > 0 and (is_marked_full or _says_full(path.name)),
                source_account=account,
                ctime_ns=stat.st_ctime_ns,
                inode=stat.st_ino,
            )
        )
    return files


def _says_full(name: str) -> bool:
    """The name calls the delivery full; `successfully_synced` does not."""
    return re.search("full(?!y)", name, re.IGNORECASE) is not None


def _leads_out(settings: Settings, folder: Path, problems: list[LandingProblem]) -> bool:
    """A link to a folder outside the landing zone, which is not followed; reported as a problem."""
    if not folder.is_symlink() or folder.resolve().is_relative_to(settings.landing.resolve()):
        return False
    _report_link(settings, folder, "is a link out of the landing zone", problems)
    return True


def _report_link(settings: Settings, folder: Path, what: str, problems: list[LandingProblem]) -> None:
    relative = _relative(settings, folder)
    problems.append(
        _problem(
            relative, "link", f"{relative} {what} and is not followed. Put the folder itself there, or mount it there."
        )
    )


def shown(relative_path: str) -> str:
    """A path as a log may hold it: vendors name exports after whoever asked for them."""
    return shown_name(relative_path)


def _problem(relative_path: str, reason_code: str, message: str) -> LandingProblem:
    """Logs and errors quote the message: names of folders may hold an address or a name, as those of files do."""
    return LandingProblem(relative_path, reason_code, without_names(without_contacts(message), relative_path))


def _stat(path: Path) -> os.stat_result:
    """Size and time of a file; of the link itself where it leads to nothing that can be reached."""
    try:
        return path.stat()
    except OSError:
        return path.lstat()


def _refuse(error: OSError) -> NoReturn:
    """Part of a delivery is no delivery: who is left out of a full one would be gone."""
    raise error


def is_data(name: str) -> bool:
    """The name is one of a finished delivery: neither hidden, nor still being written, nor a marker."""
    lowered = name.lower()
    if lowered.startswith("_") and "." not in lowered:  # of Spark: _SUCCESS, _committed_123, _metadata
        return False
    return not (
        lowered.startswith((".", "~")) or lowered.endswith((*UNFINISHED, *MARKER_ENDS, "~")) or lowered in MARKERS
    )


def is_tools_folder(name: str) -> bool:
    """The folder is hidden, temporary or a tool's own: nothing in it is a delivery."""
    lowered = name.lower()
    return lowered.startswith(TOOLS_FOLDER) or lowered in TOOLS_FOLDERS or lowered.endswith((*UNFINISHED, "~"))


def _entries(folder: Path) -> list[Path]:
    return sorted(
        path for path in folder.iterdir() if (not is_tools_folder(path.name) if path.is_dir() else is_data(path.name))
    )


def _day(name: str) -> date | None:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", name):
        return None
    try:
        return date.fromisoformat(name)
    except ValueError:
        return None


def _relative(settings: Settings, path: Path) -> str:
    """Path below the data folder; bytes of a name that are no text are escaped."""
    return str(path.relative_to(settings.data)).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def value_in_name(pattern: str, name: str) -> str | None:
    """What a stream's pattern finds in a file name without its format and packing."""
    found = re.search(pattern, name)
    return found.group(1) if found else None


def sha256_of(file: LandedFile) -> str:
    """SHA-256 of the file's content; empty where there is no readable file: a broken link, a pipe, a device."""
    try:
        if file.path.is_file():
            with file.path.open("rb") as content:
                return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError:
        pass
    return ""
