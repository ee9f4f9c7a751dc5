"""Threads that help with large regions: a crew that sleeps between steps, and watches for work while a step is running.

A thread that is started for each region comes some 60 µs late, and Linux may leave it on the processor of who started it,
though another idles. So the crew is woken when a step begins, on other processors than the one that wakes it, and then
watches, giving way to whoever else wants the processor.

Native code calls three functions. ``i32 @dip.crew.wake(i32 members)`` says whether the crew is the caller's now; else it is
at work for another, or there is none. ``void @dip.crew.run(i32 crew, ptr work, ptr frame)`` calls ``work(frame)``, and if it
has the crew lets the members call it, too: it has to share out what there is to do. It returns when all calls have. ``void
@dip.crew.rest(i32 crew)`` ends it.
"""

from __future__ import annotations

import ctypes
import os
import sys
from functools import cache

import numpy

from graphs.codegen.machine import PRELUDE, native


MOST = 63
"""Members at most."""

DECLARED = (
    "declare i32 @dip.crew.wake(i32)",
    "declare void @dip.crew.run(i32, ptr, ptr)",
    "declare void @dip.crew.rest(i32)",
)


@cache
def load() -> None:
    """Let native code find the crew. Once loaded it stays, since its threads do."""
    import llvmlite.binding as llvm

    function = native(PRELUDE + _TEXT, "dip.crew.addresses")
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(function))
    found = numpy.zeros(4, numpy.int64)
    function(found)
    *addresses, forget = found.tolist()
    for name, address in zip(("wake", "run", "rest"), addresses, strict=True):
        llvm.add_symbol(f"dip.crew.{name}", address)
    if hasattr(os, "register_at_fork"):  # a child has none of its parent's threads
        os.register_at_fork(after_in_child=ctypes.CFUNCTYPE(None)(forget))


_ELSEWHERE = """
; Keep the members away from the processor of the caller, if they are not.
define internal void @elsewhere(i32 %members) {
entry:
  %where = alloca [128 x i8], align 16
  %here = call i32 @sched_getcpu()
  %kept = load i32, ptr @away
  %same = icmp eq i32 %here, %kept
  br i1 %same, label %done, label %ask
ask:
  store i32 %here, ptr @away
  %unknown = call i32 @sched_getaffinity(i32 0, i64 128, ptr %where)
  %known = icmp eq i32 %unknown, 0
  %counted = icmp ult i32 %here, 1024
  %both = and i1 %known, %counted
  br i1 %both, label %mask, label %done
mask:
  %byte = lshr i32 %here, 3
  %place = getelementptr i8, ptr %where, i32 %byte
  %held = load i8, ptr %place
  %at = trunc i32 %here to i8
  %bit = and i8 %at, 7
  %one = shl i8 1, %bit
  %others = xor i8 %one, -1
  %left = and i8 %held, %others
  store i8 %left, ptr %place
  br label %next
next:
  %i = phi i32 [ 0, %mask ], [ %j, %set ]
  %more = icmp ult i32 %i, %members
  br i1 %more, label %set, label %done
set:
  %slot = getelementptr i64, ptr @threads, i32 %i
  %thread = load i64, ptr %slot
  call i32 @pthread_setaffinity_np(i64 %thread, i64 128, ptr %where)
  %j = add i32 %i, 1
  br label %next
done:
  ret void
}

declare i32 @sched_getcpu()
declare i32 @sched_getaffinity(i32, i64, ptr)
declare i32 @pthread_setaffinity_np(i64, i64, ptr)
"""
_ANYWHERE = """
define internal void @elsewhere(i32 %members) {
  ret void
}
"""

_TEXT = (
    (_ELSEWHERE if sys.platform == "linux" else _ANYWHERE)
    + """
@taken = internal global i32 0
@awake = internal global i32 0
@open = internal global i32 0
@busy = internal global i32 0
@work = internal global ptr null
@frame = internal global ptr null
@count = internal global i32 0
@away = internal global i32 -1
@threads = internal global [MOST x i64] zeroinitializer
@bell = internal global [128 x i8] zeroinitializer, align 16

declare i32 @sem_init(ptr, i32, i32)
declare i32 @sem_post(ptr)
declare i32 @sem_wait(ptr)
declare i32 @sched_yield()
declare i32 @sigfillset(ptr)
declare i32 @pthread_sigmask(i32, ptr, ptr)
declare i32 @pthread_create(ptr, ptr, ptr, ptr)
declare i32 @pthread_detach(i64)

; A member. It counts itself busy before it looks whether there is work, so that who ends the work sees it, or it sees that.
define internal ptr @member(ptr %none) {
  br label %sleep
sleep:
  call i32 @sem_wait(ptr @bell)
  br label %watch
watch:
  %awake = load atomic i32, ptr @awake seq_cst, align 4
  %up = icmp ne i32 %awake, 0
  br i1 %up, label %look, label %sleep
look:
  %seen = load atomic i32, ptr @open seq_cst, align 4
  %wanted = icmp ne i32 %seen, 0
  br i1 %wanted, label %join, label %give
give:
  call i32 @sched_yield()
  br label %watch
join:
  %old = atomicrmw add ptr @busy, i32 1 seq_cst
  %still = load atomic i32, ptr @open seq_cst, align 4
  %there = icmp ne i32 %still, 0
  br i1 %there, label %help, label %leave
help:
  %work = load ptr, ptr @work
  %frame = load ptr, ptr @frame
  call ptr %work(ptr %frame)
  br label %leave
leave:
  %last = atomicrmw sub ptr @busy, i32 1 seq_cst
  br label %give
}

; Start members that are not there yet, with all signals left to other threads. Returns how many there are.
define internal i32 @gather(i32 %members) {
entry:
  %all = alloca [128 x i8], align 16
  %before = alloca [128 x i8], align 16
  %there = load i32, ptr @count
  %enough = icmp uge i32 %there, %members
  br i1 %enough, label %done, label %begin
begin:
  %first = icmp eq i32 %there, 0
  br i1 %first, label %ring, label %mask
ring:
  %none = call i32 @sem_init(ptr @bell, i32 0, i32 0)
  %mute = icmp ne i32 %none, 0
  br i1 %mute, label %done, label %mask
mask:
  call i32 @sigfillset(ptr %all)
  call i32 @pthread_sigmask(i32 BLOCK, ptr %all, ptr %before)
  br label %next
next:
  %i = phi i32 [ %there, %mask ], [ %j, %made ]
  %more = icmp ult i32 %i, %members
  br i1 %more, label %make, label %over
make:
  %slot = getelementptr i64, ptr @threads, i32 %i
  %failed = call i32 @pthread_create(ptr %slot, ptr null, ptr @member, ptr null)
  %bad = icmp ne i32 %failed, 0
  br i1 %bad, label %over, label %made
made:
  %thread = load i64, ptr %slot
  call i32 @pthread_detach(i64 %thread)
  %j = add i32 %i, 1
  store i32 %j, ptr @count
  store i32 -1, ptr @away
  br label %next
over:
  call i32 @pthread_sigmask(i32 SETMASK, ptr %before, ptr null)
  br label %done
done:
  %now = load i32, ptr @count
  ret i32 %now
}

define internal i32 @wake(i32 %members) {
entry:
  %got = cmpxchg ptr @taken, i32 0, i32 1 seq_cst seq_cst
  %mine = extractvalue { i32, i1 } %got, 1
  br i1 %mine, label %count, label %no
count:
  %there = call i32 @gather(i32 %members)
  %few = icmp ult i32 %there, %members
  %called = select i1 %few, i32 %there, i32 %members
  call void @elsewhere(i32 %called)
  store atomic i32 1, ptr @awake seq_cst, align 4
  br label %next
next:
  %i = phi i32 [ 0, %count ], [ %j, %ring ]
  %more = icmp ult i32 %i, %called
  br i1 %more, label %ring, label %yes
ring:
  call i32 @sem_post(ptr @bell)
  %j = add i32 %i, 1
  br label %next
yes:
  ret i32 1
no:
  ret i32 0
}

define internal void @run(i32 %crew, ptr %work, ptr %frame) {
entry:
  %mine = icmp ne i32 %crew, 0
  br i1 %mine, label %together, label %alone
alone:
  call ptr %work(ptr %frame)
  ret void
together:
  store ptr %work, ptr @work
  store ptr %frame, ptr @frame
  store atomic i32 1, ptr @open seq_cst, align 4
  call ptr %work(ptr %frame)
  store atomic i32 0, ptr @open seq_cst, align 4
  br label %wait
wait:
  %busy = load atomic i32, ptr @busy seq_cst, align 4
  %some = icmp ne i32 %busy, 0
  br i1 %some, label %give, label %done
give:
  call i32 @sched_yield()
  br label %wait
done:
  ret void
}

define internal void @rest(i32 %crew) {
entry:
  %mine = icmp ne i32 %crew, 0
  br i1 %mine, label %end, label %done
end:
  store atomic i32 0, ptr @awake seq_cst, align 4
  store atomic i32 0, ptr @taken seq_cst, align 4
  br label %done
done:
  ret void
}

define internal void @forget() {
  store i32 0, ptr @taken
  store i32 0, ptr @awake
  store i32 0, ptr @open
  store i32 0, ptr @busy
  store i32 0, ptr @count
  ret void
}

define ptr @dip.crew.addresses(ptr %self, ptr %args, i64 %nargs) {
  %out = call ptr @dip.data(ptr %args, i64 0)
  store ptr @wake, ptr %out
  %second = getelementptr ptr, ptr %out, i64 1
  store ptr @run, ptr %second
  %third = getelementptr ptr, ptr %out, i64 2
  store ptr @rest, ptr %third
  %fourth = getelementptr ptr, ptr %out, i64 3
  store ptr @forget, ptr %fourth
  %none = call ptr @dip.none()
  ret ptr %none
}
"""
)
_BLOCK, _SETMASK = (0, 2) if sys.platform == "linux" else (1, 3)
_TEXT = _TEXT.replace("MOST", str(MOST)).replace("SETMASK", str(_SETMASK)).replace("BLOCK", str(_BLOCK))
