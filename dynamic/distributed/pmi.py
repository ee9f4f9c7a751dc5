"""The process manager's side of PMI-1, by which ranks of MPICH and its kin find each other: a table, and a barrier.

A rank has a socket (``PMI_FD``) over which it asks, a line at a time: ``cmd=get kvsname=… key=…``. Hydra's ``mpiexec`` does
this too, but listens on all interfaces for helpers on other hosts, even where there are none; here nothing listens.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket

from dynamic.distributed.line import Lines


class Server:
    """What the ranks of one program have told each other.

    Attributes:
        aborted: the exit code that a rank has called MPI's abort with, by rank.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._name = f"ranks_{secrets.token_hex(8)}"  # shared memory is called after it, so no other program may have it
        self._table = {"PMI_process_mapping": f"(vector,(0,1,{size}))"}
        self._waiting: list[socket.socket] = []
        self._lines = Lines()
        self.aborted: dict[int, int] = {}

    def sweep(self) -> None:
        """Take away the shared memory that killed ranks leave behind, which MPICH calls after this program's name."""
        digest = 2166136261
        for byte in self._name.encode():  # 32 bits of FNV-1a
            digest = (digest ^ byte) * 16777619 % (1 << 32)
        with contextlib.suppress(OSError):
            os.unlink(f"/dev/shm/mpich_shm_{digest:x}_0")

    def answer(self, rank: int, link: socket.socket) -> bool:
        """Read what a rank asks and answer it; False once it has hung up."""
        lines = self._lines.read(link)
        return lines is not None and all(self._one(rank, link, text.decode(errors="replace")) for text in lines)

    def _one(self, rank: int, link: socket.socket, text: str) -> bool:
        asked = dict(part.partition("=")[::2] for part in text.split(" ") if "=" in part)
        command = asked.get("cmd")
        if command == "barrier_in":
            self._waiting.append(link)
            if len(self._waiting) == self._size:
                waiting, self._waiting = self._waiting, []
                for each in waiting:
                    _say(each, "cmd=barrier_out")
            return True
        if command == "abort":
            code = asked.get("exitcode", "1")
            self.aborted[rank] = int(code) if code.lstrip("-").isdecimal() else 1
            return True
        if command == "put":
            self._table[asked.get("key", "")] = text.partition("value=")[2]
            return _say(link, "cmd=put_result rc=0 msg=success")
        if command == "get":
            value = self._table.get(asked.get("key", ""))
            found = "rc=-1 msg=key_not_found value=unknown" if value is None else f"rc=0 msg=success value={value}"
            return _say(link, f"cmd=get_result {found}")
        answers = {
            "init": "cmd=response_to_init pmi_version=1 pmi_subversion=1 rc=0",
            "get_maxes": "cmd=maxes kvsname_max=256 keylen_max=64 vallen_max=1024",
            "get_appnum": "cmd=appnum appnum=0",
            "get_my_kvsname": f"cmd=my_kvsname kvsname={self._name}",
            "get_universe_size": f"cmd=universe_size size={self._size}",
            "finalize": "cmd=finalize_ack",
        }
        return _say(link, answers.get(command or "", f"cmd={command}_result rc=-1 msg=not_supported"))


def _say(link: socket.socket, text: str) -> bool:
    try:
        link.sendall(text.encode() + b"\n")
    except OSError:
        return False
    return True
