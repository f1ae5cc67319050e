"""Translates what the operating system refused into one of our errors: the true cause and the remedy, never a
traceback."""

import errno

from sandbox.errors import CihuError, Unavailable

REMEDIES: dict[int, tuple[str, str, str]] = {
    # code, what is wrong, remedy
    errno.ENOSPC: (
        "disk_full",
        "The disk is full",
        "Free some space, or set CIHU_HOME to a folder elsewhere.",
    ),
    errno.EDQUOT: (
        "disk_full",
        "Your quota of disk space is used up",
        "Free some space, or have the quota raised.",
    ),
    errno.EFBIG: (
        "file_too_large",
        "A file may not become so large here",
        "Raise the limit (ulimit -f unlimited).",
    ),
    errno.EROFS: (
        "read_only",
        "The file system is read-only",
        "Mount it writable, or set CIHU_HOME to a folder elsewhere.",
    ),
    errno.EACCES: (
        "not_permitted",
        "This account may not do that",
        "Give it the right, or set CIHU_HOME elsewhere.",
    ),
    errno.EPERM: (
        "not_permitted",
        "This account may not do that",
        "Give it the right, or set CIHU_HOME elsewhere.",
    ),
    errno.EMFILE: (
        "too_many_files",
        "Too many files are open",
        "Raise the limit of open files (ulimit -n 4096).",
    ),
    errno.ENFILE: (
        "too_many_files",
        "Too many files are open on this machine",
        "End some programs, or raise fs.file-max.",
    ),
    errno.EAGAIN: (
        "too_many_processes",
        "No more processes can be started",
        "End some, or raise the limit (ulimit -u).",
    ),
    errno.ENOMEM: (
        "memory_short",
        "There is no memory left",
        "End some programs, or give this machine more memory.",
    ),
}


def of_the_system(error: OSError) -> CihuError:
    """The same failure, with the file that it was about."""
    code, what, remedy = REMEDIES.get(
        error.errno or 0,
        ("system", error.strerror or type(error).__name__, "See `cihu status` and the logs in CIHU_HOME."),
    )
    place = f" ({error.filename})" if error.filename else ""
    return Unavailable(f"{what}{place}.", code=code, remedy=remedy, internal=type(error).__name__)
