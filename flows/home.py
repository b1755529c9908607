"""HOME: where everything of one warehouse lives, who holds it, and what it already knows."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from functools import total_ordering
from pathlib import Path
from typing import Any

from flows.errors import HomeInUse, UsageError

UNUSABLE = (
    *(errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENAMETOOLONG),
    *(errno.ELOOP, errno.EINVAL),
)
LONGEST = 470  # bytes of HOME's path: SQLite takes 512 with what is below it
RUN_ID = re.compile(r"\d{8}T\d{6}-[0-9a-f]{4}")  # as `new_run_id` makes them
REFUSED = "refused.json"  # beside the rows of a delivery that the landing gate refused


@total_ordering
@dataclass(frozen=True)
class Delivery:
    """One folder of files, `2026-11-22` or `2026-11-22.2`; ordered by (date, number), the order of knowledge."""

    date: date
    number: int = 1

    NAME = re.compile(r"(\d{4}-\d{2}-\d{2})(?:\.([1-9]\d{0,2}))?")

    @classmethod
    def parse(cls, name: str) -> Delivery | None:
        """`2026-11-22.2` -> Delivery; None where the name is not a delivery's."""
        match = cls.NAME.fullmatch(name)
        if not match:
            return None
        try:
            return cls(date.fromisoformat(match[1]), int(match[2] or 1))
        except ValueError:
            return None

    @property
    def name(self) -> str:
        return f"{self.date}" if self.number == 1 else f"{self.date}.{self.number}"

    @property
    def next(self) -> Delivery:
        return Delivery(self.date, self.number + 1)

    @property
    def order(self) -> int:
        """The place in the order of knowledge as one integer: 20261122002."""
        return (self.date.year * 10000 + self.date.month * 100 + self.date.day) * 1000 + self.number

    def __lt__(self, other: Delivery) -> bool:
        return (self.date, self.number) < (other.date, other.number)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Withdrawal:
    """A delivery excluded from a later point of knowledge on: for every knowledge beyond `after`."""

    delivery: Delivery
    after: Delivery
    reason: str
    withdrawn_at: str


@dataclass(frozen=True)
class Home:
    """The folder tree of one warehouse."""

    root: Path

    @property
    def warehouse(self) -> Path:
        return self.root / "warehouse"

    @property
    def raw(self) -> Path:
        return self.warehouse / "raw"

    @property
    def working_database(self) -> Path:
        return self.warehouse / "arrears.duckdb"

    @property
    def published(self) -> Path:
        return self.root / "published"

    @property
    def current(self) -> Path:
        return self.published / "current"

    @property
    def audit(self) -> Path:
        return self.root / "audit"

    def pending(self, delivery: Delivery) -> Path:
        """Where a delivery is prepared before the landing gate has passed it."""
        return self.warehouse / "pending" / delivery.name

    def refused(self) -> list[Delivery]:
        """Deliveries whose rows the landing gate has seen and refused; nothing of them is loaded."""
        names = [path.parent.name for path in self.warehouse.glob(f"pending/*/{REFUSED}")]
        return sorted(d for d in map(Delivery.parse, names) if d)

    def raw_of(self, delivery: Delivery) -> Path:
        return self.raw / delivery.name

    def loaded(self) -> list[Delivery]:
        """Deliveries that the landing gate has passed, in the order of knowledge."""
        if not self.raw.exists():
            return []
        names = [path.parent.name for path in self.raw.glob("*/delivery.json")]
        return sorted(d for d in map(Delivery.parse, names) if d)

    def record(self, delivery: Delivery) -> dict[str, Any]:
        """What landing wrote down about a loaded delivery: files, hashes, counts."""
        return json.loads((self.raw_of(delivery) / "delivery.json").read_text("utf-8"))

    @property
    def withdrawals_file(self) -> Path:
        return self.raw / "withdrawals.jsonl"

    def withdrawals_whole(self) -> bytes:
        """What the file of withdrawals says, without a last line that was cut short."""
        before = self.withdrawals_file.read_bytes() if self.withdrawals_file.exists() else b""
        return before[: before.rfind(b"\n") + 1]

    def withdrawals(self) -> list[Withdrawal]:
        """Every withdrawal, oldest first; of a last line that was cut short nobody was told that it stands."""
        path = self.withdrawals_file
        if not path.exists():
            return []
        found = []
        for number, line in enumerate(path.read_bytes().split(b"\n")[:-1], 1):
            try:
                said = json.loads(line)
                delivery, after = Delivery.parse(said["delivery"]), Delivery.parse(said["after"])
                found.append(Withdrawal(delivery, after, said["reason"], said["withdrawn_at"]))
            except (ValueError, KeyError, TypeError) as error:
                raise UsageError(
                    f"{path}, line {number}: is damaged, and which deliveries count depends on it. Restore the file from a "
                    "backup, or remove the line and withdraw its delivery again."
                ) from error
        return found

    def create(self) -> None:
        """Make the tree, readable by its owner only."""
        said = ""
        if "?" in str(self.root) or not is_text(self.root):
            said = (
                f"{'holds a `?`' if '?' in str(self.root) else 'is not UTF-8'}, and DuckDB cannot keep a database there"
            )
        elif (length := len(str(self.root).encode())) > LONGEST:
            said = f"is {length} bytes long, and SQLite, in which Prefect keeps its runs, takes at most {LONGEST}"
        if said:
            raise UsageError(f"--home {shown(self.root)}: {said}. Give another folder.")
        try:
            for folder in (self.root, self.warehouse, self.raw, self.published, self.audit):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                if not may(folder, os.R_OK | os.W_OK | os.X_OK):
                    raise PermissionError(errno.EACCES, f"{folder} cannot be written to")
        except OSError as error:
            if error.errno not in UNUSABLE:
                raise
            raise UsageError(
                f"--home {self.root}: cannot be used as a folder ({error.strerror}). "
                "Give a folder that you may write to, or one that does not exist yet."
            ) from error


def may(path: Path, mode: int) -> bool:
    """Whether this process may do so (a process that changed its user is judged by the one it has become)."""
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)


def is_text(path: Path) -> bool:
    """Whether a path is UTF-8."""
    return str(path).encode("utf-8", "replace") == str(path).encode("utf-8", "surrogateescape")


def shown(path: Path | str) -> str:
    """A path as text for people, whatever its bytes are."""
    return str(path).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def existing_home(root: Path) -> Home:
    """HOME, if `arrears nightly` has made one there: what only looks makes nothing."""
    try:
        there = (root / "warehouse").is_dir()
        said = "there is no such folder" if not root.exists() else "holds no warehouse"
    except OSError as error:
        there, said = False, f"cannot be read ({error.strerror})"
    if not there:
        raise UsageError(
            f"--home {root}: {said}, so nothing was ever loaded there. Give the HOME of a warehouse (ARREARS_HOME, "
            "default ./var), or make one with `arrears nightly --landing LANDING --home HOME`."
        )
    return Home(root.absolute())


@dataclass(frozen=True)
class Knowledge:
    """What a run may know: the deliveries up to a point, less those withdrawn by then."""

    upto: Delivery | None
    deliveries: tuple[Delivery, ...]
    withdrawn: tuple[Delivery, ...]

    @property
    def known_at(self) -> str | None:
        """The last delivery included."""
        return self.deliveries[-1].name if self.deliveries else None


def knowledge(home: Home, upto: Delivery | None = None) -> Knowledge:
    """What was known at `upto` (default: all that is loaded, and every withdrawal)."""
    withdrawn = {w.delivery for w in home.withdrawals() if upto is None or w.after < upto}
    deliveries = [d for d in home.loaded() if upto is None or d <= upto]
    return Knowledge(
        upto, tuple(d for d in deliveries if d not in withdrawn), tuple(d for d in deliveries if d in withdrawn)
    )


def parse_known_at(text: str | None) -> Delivery | None:
    """`2026-11-22.2` is that delivery; a bare date is the last one of its day."""
    if text is None:
        return None
    delivery = Delivery.parse(text)
    if delivery is None:
        raise UsageError(
            f"--known-at {text}: is not a delivery name. Give one, such as 2026-11-22 (the last of that day) "
            "or 2026-11-22.2; `arrears status` lists those loaded."
        )
    return delivery if "." in text else Delivery(delivery.date, 999)


@contextmanager
def hold(home: Home, run_id: str, command: str, wait: float = 0) -> Iterator[None]:
    """Hold HOME for one process; the operating system lets go of it when the process dies, however it dies."""
    home.create()
    path = home.root / "home.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + wait
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if time.monotonic() >= deadline:
                os.close(descriptor)
                raise HomeInUse(_who_holds(home, path)) from None
            time.sleep(min(0.5, max(0.01, deadline - time.monotonic())))
    try:
        holder = {"pid": os.getpid(), "run_id": run_id, "command": command, "since": now_text()}
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(holder).encode(), 0)
        yield
    finally:
        os.ftruncate(descriptor, 0)
        os.close(descriptor)


def refuse_if_held(home: Home, wait: float) -> None:
    """Wait for whoever holds HOME, or say at once who does; nothing is held yet."""
    deadline = time.monotonic() + wait
    while holder(home) is not None:
        if time.monotonic() >= deadline:
            raise HomeInUse(_who_holds(home, home.root / "home.lock"))
        time.sleep(min(0.5, max(0.01, deadline - time.monotonic())))


def holder(home: Home) -> dict[str, Any] | None:
    """Who holds HOME now, or None."""
    path = home.root / "home.lock"
    if not path.exists():
        return None
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return json.loads(path.read_text("utf-8") or "{}")
    finally:
        os.close(descriptor)
    return None


def _who_holds(home: Home, path: Path) -> str:
    try:
        who = json.loads(path.read_text("utf-8"))
        held = f"by process {who['pid']} (`{who['command']}`, run {who['run_id']}) since {who['since']}"
    except (ValueError, KeyError):
        held = "by another process that is just starting or ending"
    return f"{home.root} is in use {held}. Wait for it, or give --wait SECONDS to wait here."


def today() -> date:
    """The wall clock's day at the lender's, by which a folder's date is told from a slip of the pen; no figure depends on it."""
    return datetime.now(timezone(timedelta(hours=8))).date()


def now_text() -> str:
    """The wall clock, for records about runs only; no figure depends on it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def new_run_id() -> str:
    """Runs sort by the time at which they began."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"


def as_json(content: Any) -> bytes:
    """As every JSON file of ours is written."""
    text = json.dumps(content, ensure_ascii=False, indent=2, default=str)
    return text.encode("utf-8", "backslashreplace") + b"\n"  # a file's name need not be UTF-8


def write_json(path: Path, content: Any) -> None:
    write_whole(path, as_json(content))


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, readable by its owner only."""
    temporary = path.with_name(path.name + ".new")
    with open(temporary, "wb", opener=lambda p, f: os.open(p, f, 0o600)) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def sync_files(folder: Path) -> None:
    """Have the disk hold every file below a folder before a rename makes them count."""
    for path in [*folder.rglob("*"), folder]:
        sync(path)


def sync(path: Path) -> None:
    """Have the disk hold a file, or a folder's entries."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
