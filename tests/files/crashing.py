"""A program whose children are killed at each call of a save in turn, and whose files may then be so long and no longer.

python crashing.py DIRECTORY NAME prints how many were killed, and how many limits a save has failed at.
"""

from __future__ import annotations

import errno
import itertools
import os
import resource
import sys

from tests.files.disk import SAVING, Disk, Saving, dying, dying_after


def killed(saving: Saving) -> int:
    """Kill children before and after each call; how many."""
    saving.save(1)
    state, kills = 1, 0
    for fault in (dying, dying_after):
        for at in itertools.count():
            child = os.fork()
            if child == 0:
                with Disk(at, fault)():
                    saving.save(state + 1)
                os._exit(0)
            _, status = os.waitpid(child, 0)
            found = saving.found()
            assert found in (state, state + 1), found
            if os.WIFEXITED(status):
                assert os.WEXITSTATUS(status) == 0
                assert found == state + 1
                break
            kills += 1
            saving.save(state + 2)
            state += 2
            assert saving.found() == state
            left = [name for name in os.listdir(saving.directory) if name.startswith(".")]
            assert len(left) <= 1, left  # the next one uses it again
        saving.save(state + 2)
        state += 2
    return kills


def limited(saving: Saving) -> int:
    """Let no file become longer than so many bytes, for twice as many each time; how often that was too little."""
    saving.save(1)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    failed = 0
    while True:
        resource.setrlimit(resource.RLIMIT_FSIZE, ((1 << failed) - 1, hard))
        try:
            saving.save(2)
            break
        except OSError as error:
            code = error.errno
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        assert code == errno.EFBIG
        assert saving.found() == 1 or os.path.exists(os.path.join(saving.directory, "checkpoint"))  # all but its graph
        failed += 1
    assert saving.found() == 2
    return failed


if __name__ == "__main__":
    directory, name = sys.argv[1:]
    for part in "ab":
        os.mkdir(os.path.join(directory, part))
    kills = killed(SAVING[name](os.path.join(directory, "a")))
    print(kills, limited(SAVING[name](os.path.join(directory, "b"))))
