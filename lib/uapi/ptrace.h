/* SPDX-License-Identifier: MIT
 *
 * Requests of ptrace(2) and what they move, Linux x86-64.
 */
#pragma once

#include "lib/types.h"

#define PTRACE_TRACEME              0
#define PTRACE_PEEKTEXT             1
#define PTRACE_PEEKDATA             2
#define PTRACE_PEEKUSER             3
#define PTRACE_POKETEXT             4
#define PTRACE_POKEDATA             5
#define PTRACE_POKEUSER             6
#define PTRACE_CONT                 7
#define PTRACE_KILL                 8
#define PTRACE_SINGLESTEP           9
#define PTRACE_GETREGS              12
#define PTRACE_SETREGS              13
#define PTRACE_GETFPREGS            14
#define PTRACE_SETFPREGS            15
#define PTRACE_ATTACH               16
#define PTRACE_DETACH               17
#define PTRACE_SYSCALL              24
#define PTRACE_ARCH_PRCTL           30
#define PTRACE_SYSEMU               31
#define PTRACE_SYSEMU_SINGLESTEP    32
#define PTRACE_SETOPTIONS           0x4200
#define PTRACE_GETEVENTMSG          0x4201
#define PTRACE_GETSIGINFO           0x4202
#define PTRACE_SETSIGINFO           0x4203
#define PTRACE_GETREGSET            0x4204
#define PTRACE_SETREGSET            0x4205
#define PTRACE_SEIZE                0x4206
#define PTRACE_INTERRUPT            0x4207
#define PTRACE_LISTEN               0x4208
#define PTRACE_PEEKSIGINFO          0x4209
#define PTRACE_GETSIGMASK           0x420a
#define PTRACE_SETSIGMASK           0x420b
#define PTRACE_SECCOMP_GET_FILTER   0x420c
#define PTRACE_SECCOMP_GET_METADATA 0x420d
#define PTRACE_GET_SYSCALL_INFO     0x420e
#define PTRACE_GET_RSEQ             0x420f

/* What PTRACE_PEEKSIGINFO reads at `addr`. */
struct ptrace_peeksiginfo_args {
    u64 off;
    u32 flags;
    s32 nr;
};

#define PTRACE_PEEKSIGINFO_SHARED 1u /* of the process, else of the thread */

#define PTRACE_EVENT_FORK       1
#define PTRACE_EVENT_VFORK      2
#define PTRACE_EVENT_CLONE      3
#define PTRACE_EVENT_EXEC       4
#define PTRACE_EVENT_VFORK_DONE 5
#define PTRACE_EVENT_EXIT       6
#define PTRACE_EVENT_SECCOMP    7
#define PTRACE_EVENT_STOP       128

/* Option bit of an event: 1 << number. */
#define PTRACE_O_TRACESYSGOOD    1u
#define PTRACE_O_EXITKILL        (1u << 20)
#define PTRACE_O_SUSPEND_SECCOMP (1u << 21)
#define PTRACE_O_ALL             (0xffu | PTRACE_O_EXITKILL | PTRACE_O_SUSPEND_SECCOMP)

#define PTRACE_SYSCALL_NONE    0
#define PTRACE_SYSCALL_ENTRY   1
#define PTRACE_SYSCALL_EXIT    2
#define PTRACE_SYSCALL_SECCOMP 3

#define AUDIT_ARCH_X86_64 0xc000003eu

struct ptrace_syscall_info {
    u8 op, pad[3];
    u32 arch;
    u64 ip, sp;
    union {
        struct {
            u64 nr, args[6];
            u32 ret_data; /* SECCOMP */
        } entry;
        struct {
            s64 rval;
            u8 is_error;
        } exit;
    };
};

/* PTRACE_GET_RSEQ_CONFIGURATION. */
struct ptrace_rseq {
    u64 pointer;
    u32 size, signature, flags, pad;
};

#define NT_PRSTATUS   1
#define NT_PRFPREG    2
#define NT_X86_XSTATE 0x202

/* arch_prctl(2), and what PTRACE_ARCH_PRCTL asks for. */
#define ARCH_SET_GS    0x1001
#define ARCH_SET_FS    0x1002
#define ARCH_GET_FS    0x1003
#define ARCH_GET_GS    0x1004
#define ARCH_GET_CPUID 0x1011
#define ARCH_SET_CPUID 0x1012

/* struct user_regs_struct, the start of struct user. */
struct user_regs {
    u64 r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi, orig_rax;
    u64 rip, cs, rflags, rsp, ss, fs_base, gs_base, ds, es, fs, gs;
};

#define USER_AREA_SIZE   928u /* struct user */
#define USER_DEBUG_FIRST 848u /* u_debugreg: eight words */
#define USER_DEBUG_END   912u
