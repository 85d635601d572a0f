"""Fetching one file over HTTP from a server that may be down, slow, wrong, or gone halfway through.

What arrives is kept in a `.part` file with a note of which version of which file it is, so a cut connection
or a killed process loses nothing: the next attempt asks for the rest only (HTTP Range, guarded by If-Range).
Whether the whole is what it should be is for the caller to check. Whatever goes wrong is a `MirrorError` of
a few words.
"""

from __future__ import annotations

import http
import json
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from inkling.data.files import cause
from inkling.errors import DataError

if TYPE_CHECKING:
    import requests

Progress = Callable[[str, int, int | None], None]
CHUNK = 2**16


class MirrorError(Exception):
    """A server that did not deliver; the message says in a few words what it did instead."""


class CutError(MirrorError):
    """A connection that ended before the file did."""


@dataclass(frozen=True)
class Patience:
    """How long to wait, in seconds, before a server counts as dead, and how slow it may be."""

    connect: float = 3.0
    read: float = 10.0  # between two pieces of the answer
    slowest: float = 4096.0  # bytes a second, once `read` seconds have gone by
    attempts: int = 3  # how often a cut connection is taken up again


def knock(urls: Iterable[str], seconds: float) -> Callable[[str], str | None]:
    """Try all servers at once; the function returned says why one is out of reach, or None if it answers.

    So a dead network costs `seconds`, however many mirrors there are, even where looking up a name hangs,
    which no time-out of its own can stop; and a living one costs no more than its own connection.
    """
    deadline = time.monotonic() + seconds
    answers: dict[tuple[str, int], str | None] = {}
    threads: dict[tuple[str, int], threading.Thread] = {}

    def try_door(door: tuple[str, int]) -> None:
        try:
            socket.create_connection(door, timeout=seconds).close()
            answers[door] = None
        except socket.gaierror:
            answers[door] = f"the name {door[0]} cannot be looked up"
        except TimeoutError:
            answers[door] = f"{door[0]} did not answer within {seconds:g} s"
        except OSError as error:
            answers[door] = f"no connection to {door[0]} ({error.strerror or error})"

    doors = {url: _door(url) for url in urls}
    for door in set(doors.values()):
        threads[door] = threading.Thread(target=try_door, args=(door,), daemon=True)
        threads[door].start()

    def out_of_reach(url: str) -> str | None:
        door = doors[url]
        threads[door].join(max(0.0, deadline - time.monotonic()))
        return answers.get(door, f"{door[0]} did not answer within {seconds:g} s")

    return out_of_reach


def download(
    url: str,
    part: Path,
    *,
    label: str,
    largest: int,
    patience: Patience,
    progress: Progress | None = None,
) -> bool:
    """Bring `part` to hold the whole of `url`, going on where an earlier attempt ended.

    `largest` is how many bytes are accepted at most; `progress(label, done, total or None)` is called as they
    arrive. Returns whether an earlier part was gone on from. Raises `MirrorError`, or `DataError` where the
    part cannot be written.
    """
    resumed = False
    for attempt in range(1, patience.attempts + 1):
        before = _size(part)
        try:
            return _attempt(url, part, label, largest, patience, progress) or resumed
        except CutError:
            resumed = True
            if attempt == patience.attempts or _size(part) <= before:
                raise
    raise AssertionError("unreachable")


def forget(part: Path) -> None:
    """Remove a part and what is noted about it."""
    part.unlink(missing_ok=True)
    _notes(part).unlink(missing_ok=True)


def _attempt(url: str, part: Path, label: str, largest: int, patience: Patience, progress: Progress | None) -> bool:
    """Ask once. Returns whether the server went on from what was there."""
    import requests
    import urllib3

    have, validator = _size(part), _validator(url, part)
    # What is compressed is the file itself; a second compression on the way would break sizes and ranges.
    headers = {"Accept-Encoding": "identity", "User-Agent": "inkling"}
    if have and validator:
        headers |= {"Range": f"bytes={have}-", "If-Range": validator}
    try:
        with requests.get(url, headers=headers, stream=True, timeout=(patience.connect, patience.read)) as answer:
            if answer.status_code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and "Range" in headers:
                forget(part)  # there is more here than there: another file, or one that was whole but wrong
                return _attempt(url, part, label, largest, patience, progress)
            start, total = _promised(answer, have)
            if total is not None and total > largest:
                raise MirrorError(f"offers {total:,} bytes, where at most {largest:,} were expected")
            if start == 0:
                forget(part)
                _note(url, part, answer)
            with _append(part) as write:
                _receive(answer, write, start, total, label, largest, patience, progress)
            return start > 0
    except requests.ConnectTimeout:
        raise MirrorError(f"did not answer within {patience.connect:g} s") from None
    except (requests.Timeout, urllib3.exceptions.ReadTimeoutError):
        raise CutError(f"sent nothing for {patience.read:g} s") from None
    except requests.exceptions.SSLError:
        raise MirrorError("has no valid certificate") from None
    except requests.RequestException:
        raise MirrorError("the connection failed") from None
    except urllib3.exceptions.HTTPError:
        raise CutError("the connection broke off") from None
    except OSError as error:  # requests says so where its certificates are missing
        raise MirrorError(f"cannot be asked ({error})") from None


@contextmanager
def _append(part: Path) -> Iterator[Callable[[bytes], None]]:
    """What writes to the part at once, so that a killed process keeps what it had."""

    def write(piece: bytes) -> None:
        try:
            file.write(piece)
        except OSError as error:
            raise DataError(f"{part}: cannot be written: {cause(error)}") from None

    try:
        file = part.open("ab", buffering=0)
    except OSError as error:
        raise DataError(f"{part}: cannot be written: {cause(error)}") from None
    with file:
        yield write


def _promised(answer: requests.Response, have: int) -> tuple[int, int | None]:
    """Where the answer's bytes begin in the file, and how many the file has in all (None if not said)."""
    status = answer.status_code
    if status not in (200, 206):
        name = next((known.phrase for known in http.HTTPStatus if known == status), "")
        raise MirrorError(f"answered {status} {name}".rstrip())
    if "html" in answer.headers.get("Content-Type", ""):
        raise MirrorError("answered with a web page instead of the file")
    if status == 206:
        begin, _, total = answer.headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
        if not begin.startswith(f"{have}-"):
            raise MirrorError("answered with another piece of the file than was asked for")
        return have, int(total) if total.isdecimal() else None
    length = answer.headers.get("Content-Length", "")
    return 0, int(length) if length.isdecimal() else None


def _receive(
    answer: requests.Response,
    write: Callable[[bytes], object],
    done: int,
    total: int | None,
    label: str,
    largest: int,
    patience: Patience,
    progress: Progress | None,
) -> None:
    begun, start = time.monotonic(), done
    while piece := answer.raw.read1(CHUNK, decode_content=False):  # whatever has arrived, without waiting for more
        done += len(piece)
        if done > largest:
            raise MirrorError(f"sent more than the {largest:,} bytes that were expected at most")
        write(piece)
        if progress:
            progress(label, done, total)
        elapsed = time.monotonic() - begun
        if elapsed > patience.read and (done - start) / elapsed < patience.slowest:
            raise MirrorError(f"sent only {(done - start) / elapsed:,.0f} bytes a second")


def _door(url: str) -> tuple[str, int]:
    """Host and port that a request for this address connects to: the proxy's, where one is set."""
    from requests.utils import get_environ_proxies, select_proxy

    proxy = select_proxy(url, get_environ_proxies(url))
    try:
        place = urlsplit(url if not proxy else proxy if "://" in proxy else f"http://{proxy}")
        return place.hostname or "", place.port or (443 if place.scheme == "https" else 80)
    except ValueError as error:
        raise DataError(f"the proxy {proxy} that the environment names is no address ({error})") from None


def _notes(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _note(url: str, part: Path, answer: requests.Response) -> None:
    """Note which version of the file is arriving, if the server names it (a weak ETag names too little)."""
    etag = answer.headers.get("ETag", "")
    validator = etag if etag.startswith('"') else answer.headers.get("Last-Modified")
    if validator:
        _notes(part).write_text(json.dumps({"url": url, "validator": validator}), encoding="utf-8")


def _validator(url: str, part: Path) -> str | None:
    """The version of the file that `part` is the beginning of, if it is of this address."""
    try:
        noted = json.loads(_notes(part).read_text(encoding="utf-8"))
        return str(noted["validator"]) if noted["url"] == url else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _size(part: Path) -> int:
    try:
        return part.stat().st_size
    except OSError:
        return 0
