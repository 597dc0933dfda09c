/* SPDX-License-Identifier: MIT
 *
 * What the suites about filters of calls share: writing them, setting them, counting them.
 */
#pragma once

#include "lib/uapi/filter.h"
#include "lib/uapi/seccomp.h"
#include "tests/user/t.h"
#include <sys/prctl.h>

struct bpf_insn {
    unsigned short code;
    unsigned char jt, jf;
    unsigned k;
};

struct program {
    unsigned short len;
    struct bpf_insn *filter;
};

#define OP(code, k)         ((struct bpf_insn){(code), 0, 0, (unsigned)(k)})
#define JUMP(code, k, t, f) ((struct bpf_insn){BPF_JMP | (code), (t), (f), (unsigned)(k)})
#define RET(k)              OP(BPF_RET, k)

static inline long seccomp(unsigned op, unsigned flags, const void *args)
{
    return syscall(SYS_seccomp, op, flags, args);
}

static inline long filter_n(struct bpf_insn *of, size_t n)
{
    struct program p = {(unsigned short)n, of};

    return seccomp(SECCOMP_SET_MODE_FILTER, 0, &p);
}

#define FILTER(...)                            \
    filter_n((struct bpf_insn[]){__VA_ARGS__}, \
             sizeof((struct bpf_insn[]){__VA_ARGS__}) / sizeof(struct bpf_insn))

/* From now on that call is answered so; all others may be. */
static inline long refuse(long nr, unsigned answer)
{
    return FILTER(OP(BPF_LD | BPF_ABS, 0), JUMP(BPF_JEQ, nr, 0, 1), RET(answer),
                  RET(SECCOMP_RET_ALLOW));
}

/* How many a process has, as its status says. */
static inline long filters_of(const char *pid)
{
    char name[64], line[128];
    long n = -1, mode = -1;
    FILE *f;

    snprintf(name, sizeof(name), "/proc/%s/status", pid);
    f = fopen(name, "r");
    CHECK(f != NULL);
    while (fgets(line, sizeof(line), f)) {
        sscanf(line, "Seccomp: %ld", &mode);
        sscanf(line, "Seccomp_filters: %ld", &n);
    }
    fclose(f);
    EQ(mode, n > 0 ? 2 : 0);
    return n;
}
