/* SPDX-License-Identifier: MIT
 *
 * The classic packet filter: small programs that look at a packet, or at a system call, and answer
 * with a number. They have an accumulator, an index and sixteen words of memory, and only jump
 * forward: each runs at most as many instructions as it has. After McCanne and Jacobson, "The BSD
 * Packet Filter" (USENIX 1993); which instructions there are is Linux's (lib/uapi/filter.h).
 */
#pragma once

#include "lib/types.h"
#include "lib/uapi/filter.h"

struct account;

/* struct sock_filter: one instruction. Jumps count from the next one. */
struct bpf_insn {
    u16 code;
    u8 jt, jf;
    u32 k;
};

/* struct sock_fprog: how a program gives one. */
struct bpf_program {
    u16 len, pad[3];
    u64 filter;
};

/* What a filter looks at, which decides what it may contain. */
enum bpf_use { BPF_PACKETS, BPF_CALLS };

/* A checked program. */
struct bpf_filter {
    u32 refs;                /* atomic */
    u32 len;                 /* [c] instructions */
    struct account *account; /* [c] it counts there; referenced */
    struct bpf_insn of[];    /* [c] once it is checked */
};

/* Room for len instructions, on the running thread's account, with one reference. NULL: no
 * memory. */
struct bpf_filter *bpf_create(u32 len);
void bpf_get(struct bpf_filter *f);
void bpf_put(struct bpf_filter *f); /* NULL: nothing */

/* Whether f can be run: only known instructions, jumps that stay inside, a return at the end, no
 * division by a constant 0, no word of memory read that was not written. 0, -EINVAL, -ENOMEM. */
int must_check bpf_check(const struct bpf_filter *f, enum bpf_use use);

/* What is looked at. load: `size` bytes at `at`, as a number; size 0: the fact about a packet that
 * `at` names. False: there is nothing there. */
struct bpf_input {
    u32 len;
    bool (*load)(const struct bpf_input *in, u32 at, u32 size, u32 *value);
};

/* The answer; 0 also for a load that fails and a division by 0. */
u32 bpf_run(const struct bpf_filter *f, const struct bpf_input *in);
