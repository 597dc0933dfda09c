/* SPDX-License-Identifier: MIT
 *
 * QEMU plugin: how many instructions of each function of the kernel one case of the benchmark
 * executes. Counts what runs between the last two marks "time" when a mark "report" comes.
 *
 *   -plugin profile.so,functions=FILE,out=FILE
 *
 * functions: start addresses in ascending order, hexadecimal, one a line; out: for each report a
 * line "case N USER" and lines "START COUNT". Marks: 0f 1f 80 NN e3 55 7e (nopl
 * 0x7e55e3NN(%rax)); NN = 1 is time, 2 is report (user/bench/bench.c).
 *
 * QEMU's header of plugins is in no package: what is used of it is declared here.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_info;

enum { CB_NO_REGS = 0, INLINE_ADD = 0, TIME = 1, REPORT = 2 };

typedef void (*tb_trans_fn)(qemu_plugin_id_t, struct qemu_plugin_tb *);
typedef void (*exec_fn)(unsigned, void *);

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, tb_trans_fn fn);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *in, exec_fn fn,
                                            int flags, void *arg);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *in, int op,
                                                void *counter, uint64_t add);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb,
                                                 size_t i);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *in);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *in);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *in);

EXPORT int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info,
                               int argc, char **argv);

#define FUNCTIONS 16384u

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

/* The number of the mark that an instruction is; 0: it is none. */
static unsigned mark_of(const struct qemu_plugin_insn *in)
{
    const unsigned char *b = qemu_plugin_insn_data(in);
    bool is = qemu_plugin_insn_size(in) == 7 && b[0] == 0x0f && b[1] == 0x1f &&
              b[2] == 0x80 && b[4] == 0xe3 && b[5] == 0x55 && b[6] == 0x7e;

    return is ? b[3] : 0;
}

static void translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
        struct qemu_plugin_insn *in = qemu_plugin_tb_get_insn(tb, i);
        unsigned number = mark_of(in);

        qemu_plugin_register_vcpu_insn_exec_inline(
            in, INLINE_ADD, counter_of(qemu_plugin_insn_vaddr(in)), 1);
        if (number)
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
