/* SPDX-License-Identifier: MIT
 *
 * Signals: numbers, flags and records of Linux x86-64 (signal(7), sigaction(2)).
 */
#pragma once

#include "lib/types.h"

#define SIGHUP    1
#define SIGINT    2
#define SIGQUIT   3
#define SIGILL    4
#define SIGTRAP   5
#define SIGABRT   6
#define SIGBUS    7
#define SIGFPE    8
#define SIGKILL   9
#define SIGUSR1   10
#define SIGSEGV   11
#define SIGUSR2   12
#define SIGPIPE   13
#define SIGALRM   14
#define SIGTERM   15
#define SIGSTKFLT 16
#define SIGCHLD   17
#define SIGCONT   18
#define SIGSTOP   19
#define SIGTSTP   20
#define SIGTTIN   21
#define SIGTTOU   22
#define SIGURG    23
#define SIGXCPU   24
#define SIGXFSZ   25
#define SIGVTALRM 26
#define SIGPROF   27
#define SIGWINCH  28
#define SIGIO     29
#define SIGPWR    30
#define SIGSYS    31
#define SIGRTMIN  32

#define SIG_DFL 0ul
#define SIG_IGN 1ul

#define SIG_BLOCK   0
#define SIG_UNBLOCK 1
#define SIG_SETMASK 2

#define SA_NOCLDSTOP 0x00000001u
#define SA_NOCLDWAIT 0x00000002u
#define SA_SIGINFO   0x00000004u
#define SA_RESTORER  0x04000000u
#define SA_ONSTACK   0x08000000u
#define SA_RESTART   0x10000000u
#define SA_NODEFER   0x40000000u
#define SA_RESETHAND 0x80000000u

#define SI_USER   0
#define SI_KERNEL 0x80
#define SI_QUEUE  (-1)
#define SI_TIMER  (-2)
#define SI_TKILL  (-6)

#define ILL_ILLOPN    2
#define FPE_INTDIV    1
#define FPE_INTOVF    2
#define FPE_FLTDIV    3
#define FPE_FLTOVF    4
#define FPE_FLTUND    5
#define FPE_FLTRES    6
#define FPE_FLTINV    7
#define SEGV_MAPERR   1
#define SEGV_ACCERR   2
#define SEGV_PKUERR   4
#define SYS_SECCOMP   1
#define BUS_ADRALN    1
#define BUS_ADRERR    2
#define TRAP_BRKPT    1
#define TRAP_TRACE    2
#define TRAP_HWBKPT   4
#define CLD_EXITED    1
#define CLD_KILLED    2
#define CLD_DUMPED    3
#define CLD_TRAPPED   4
#define CLD_STOPPED   5
#define CLD_CONTINUED 6

#define SS_ONSTACK    1u
#define SS_DISABLE    2u
#define SS_AUTODISARM 0x80000000u
#define MINSIGSTKSZ   2048u

/* The argument of rt_sigaction. */
struct kernel_sigaction {
    u64 sa_handler;
    u64 sa_flags;
    u64 sa_restorer;
    u64 sa_mask;
};

/* siginfo_t: si_signo, si_errno, si_code, then fields by kind. */
struct siginfo {
    s32 si_signo, si_errno, si_code, pad;
    union {
        struct {
            s32 si_pid;
            u32 si_uid;
            union {
                u64 si_value;
                struct {
                    s32 si_status, pad2;
                    u64 si_utime, si_stime;
                };
            };
        };
        struct {
            u64 si_addr, pad3;
            u32 si_pkey; /* with SEGV_PKUERR */
        };
        struct {
            u64 si_call_addr;
            s32 si_syscall;
            u32 si_arch;
        };
        u64 words[14];
    };
};

struct kernel_sigaltstack {
    u64 ss_sp;
    u32 ss_flags, pad;
    u64 ss_size;
};
