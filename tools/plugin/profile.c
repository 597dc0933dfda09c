/* SPDX-License-Identifier: MIT
 *
 * QEMU plugin: how many instructions of each function of the kernel one case of the benchmark
 * executes. Counts what runs between the last two marks "time" when a mark "report" comes.
 *
 *   -plugin profile.so,functions=FILE,out=FILE
 *
 * functions: start addresses in ascending order, hexadecimal, one a line; out: for each report a
 * line "case N USER" and lines "START COUNT". The marks: tools/plugin/plugin.h.
 */
#include "tools/plugin/plugin.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FUNCTIONS 16384u

int qemu_plugin_version = 1;

static uint64_t start[FUNCTIONS]; /* [0]: 0, everything below is the program's */
static uint64_t now[FUNCTIONS], last[FUNCTIONS];
static unsigned functions, reports;
static FILE *out;

static uint64_t *counter_of(uint64_t code)
{
    unsigned low = 0, high = functions;

    while (high - low > 1) {
        unsigned middle = (low + high) / 2;

        if (start[middle] <= code)
            low = middle;
        else
            high = middle;
    }
    return &now[low];
}

static void mark(unsigned cpu, void *number)
{
    (void)cpu;
    if ((uintptr_t)number == TIME) {
        memcpy(last, now, sizeof(last));
        memset(now, 0, sizeof(now));
        return;
    }
    fprintf(out, "case %u %llu\n", reports++, (unsigned long long)last[0]);
    for (unsigned i = 1; i < functions; i++)
        if (last[i])
            fprintf(out, "%llx %llu\n", (unsigned long long)start[i],
                    (unsigned long long)last[i]);
    fflush(out);
}

static void translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
        struct qemu_plugin_insn *in = qemu_plugin_tb_get_insn(tb, i);
        int number = plugin_mark(in, BENCH_MARK);

        qemu_plugin_register_vcpu_insn_exec_inline(
            in, INLINE_ADD, counter_of(qemu_plugin_insn_vaddr(in)), 1);
        if (number > 0)
            qemu_plugin_register_vcpu_insn_exec_cb(in, mark, CB_NO_REGS,
                                                   (void *)(uintptr_t)number);
    }
}

static bool read_functions(const char *path)
{
    FILE *f = fopen(path, "r");
    unsigned long long address;

    start[functions++] = 0;
    while (f && functions < FUNCTIONS && fscanf(f, "%llx", &address) == 1)
        start[functions++] = address;
    if (f)
        fclose(f);
    return functions > 1 && functions < FUNCTIONS;
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc,
                        char **argv)
{
    bool known = false;

    (void)info;
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "out=", 4) == 0)
            out = fopen(argv[i] + 4, "w");
        if (strncmp(argv[i], "functions=", 10) == 0)
            known = read_functions(argv[i] + 10);
    }
    if (!out || !known) {
        fprintf(stderr, "profile: functions=FILE,out=FILE, please\n");
        return -1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
    return 0;
}
