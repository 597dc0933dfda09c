/* SPDX-License-Identifier: MIT
 *
 * QEMU plugin: what a kernel executes in each case of the benchmark beside plain instructions:
 * locked ones, INVLPG, what flushes a whole TLB, and page faults, each of which reads CR2 once.
 * Counts in the upper half of addresses between the last two marks "time" when a mark "report"
 * comes (tools/plugin/plugin.h). Knows no kernel: Linux and Tessera are counted alike.
 *
 *   -plugin tally.so,out=FILE          a line "LOCKED INVLPG FLUSHES FAULTS" a report
 */
#include "tools/plugin/plugin.h"
#include <stdio.h>
#include <string.h>

enum kind { LOCKED, INVLPG, FLUSH, FAULT, KINDS, OTHER = KINDS };

#define UPPER_HALF (1ull << 63)

int qemu_plugin_version = 1;

static uint64_t now[KINDS], last[KINDS];
static FILE *out;

static void mark(unsigned cpu, void *number)
{
    (void)cpu;
    if ((uintptr_t)number == TIME) {
        memcpy(last, now, sizeof(last));
        memset(now, 0, sizeof(now));
        return;
    }
    for (int k = 0; k < KINDS; k++)
        fprintf(out, "%llu%c", (unsigned long long)last[k], k + 1 < KINDS ? ' ' : '\n');
    fflush(out);
}

/* Of an instruction after 0f. */
static enum kind kind_of_two(const unsigned char *b)
{
    unsigned reg = b[1] >> 3 & 7;

    switch (b[0]) {
    case 0x01: /* 0f 01 /7 with memory; with a register it is SWAPGS and others */
        return reg == 7 && b[1] < 0xc0 ? INVLPG : OTHER;
    case 0x20: /* a control register is read */
        return reg == 2 ? FAULT : OTHER;
    case 0x22: /* written; CR4 to flush what is global */
        return reg == 3 || reg == 4 ? FLUSH : OTHER;
    case 0x38: /* INVPCID */
        return b[1] == 0x82 ? FLUSH : OTHER;
    default:
        return OTHER;
    }
}

static enum kind kind_of(const struct qemu_plugin_insn *in)
{
    static const unsigned char prefixes[] = {0x66, 0xf2, 0xf3, 0x2e, 0x36,
                                             0x3e, 0x26, 0x64, 0x65};
    const unsigned char *b = qemu_plugin_insn_data(in);
    const unsigned char *end = b + qemu_plugin_insn_size(in);

    while (b < end && memchr(prefixes, *b, sizeof(prefixes)))
        b++;
    if (b < end && *b == 0xf0)
        return LOCKED;
    if (b < end && (*b & 0xf0) == 0x40) /* REX */
        b++;
    if (end - b >= 2 && (*b == 0x86 || *b == 0x87) && b[1] < 0xc0)
        return LOCKED; /* XCHG with memory */
    return end - b >= 3 && *b == 0x0f ? kind_of_two(b + 1) : OTHER;
}

static void translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
        struct qemu_plugin_insn *in = qemu_plugin_tb_get_insn(tb, i);
        int number = plugin_mark(in, BENCH_MARK);

        if (number > 0)
            qemu_plugin_register_vcpu_insn_exec_cb(in, mark, CB_NO_REGS,
                                                   (void *)(uintptr_t)number);
        if (!(qemu_plugin_insn_vaddr(in) & UPPER_HALF))
            continue;
        enum kind kind = kind_of(in);
        if (kind != OTHER)
            qemu_plugin_register_vcpu_insn_exec_inline(in, INLINE_ADD, &now[kind], 1);
    }
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc,
                        char **argv)
{
    (void)info;
    if (argc > 0 && strncmp(argv[0], "out=", 4) == 0)
        out = fopen(argv[0] + 4, "w");
    if (!out) {
        fprintf(stderr, "tally: out=FILE, please\n");
        return -1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
    return 0;
}
