/* SPDX-License-Identifier: MIT
 *
 * The table of system calls, by owner. Included several times with different meanings of
 * SYSCALL(number, name); numbers are Linux's for x86-64 (arch/x86/entry/syscalls).
 * clang-format off
 */

/* ---- memory: kernel/sys_mm.c ---- */
SYSCALL(9, mmap)
SYSCALL(10, mprotect)
SYSCALL(11, munmap)
SYSCALL(12, brk)
SYSCALL(25, mremap)
SYSCALL(26, msync)
SYSCALL(27, mincore)
SYSCALL(28, madvise)
SYSCALL(149, mlock)
SYSCALL(150, munlock)
SYSCALL(151, mlockall)
SYSCALL(152, munlockall)
SYSCALL(216, remap_file_pages)
SYSCALL(325, mlock2)

/* ---- files: kernel/sys_fs*.c ---- */

/* ---- processes, signals, time: kernel/sys_proc.c, sys_signal.c, sys_time.c ---- */

/* ---- the system: kernel/sys_misc.c ---- */
