/* SPDX-License-Identifier: MIT
 *
 * QEMU plugin: the 64-byte lines of kernel memory that CPUs conflict on, between two markers
 * of a guest program. A conflict is an access by one CPU to a line that another wrote and that
 * the first has not touched since: on a real machine the line travels. CPU 0 is left out, it
 * belongs to who leads the measurement; so are registers of devices.
 *
 *   -plugin conflicts.so,out=FILE
 *
 * Marker: 0f 1f 80 NN e2 55 7e (nopl 0x7e55e2NN(%rax)); NN = 0x7f comes first: until then
 * memory is not watched, so that the machine boots at its usual speed; NN = 0 ends a window
 * and writes it, other NN begin one for the CPUs 1 to NN. Text for each window:
 *
 *   window CPUS
 *   line ADDRESS CONFLICTS [WRITER TOUCHER COUNT]...    code addresses
 *   end CONFLICTS ACCESSES
 */
#include "tools/plugin/plugin.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONFLICT_MARK = 0xe2, WATCH = 0x7f };

int qemu_plugin_version = 1;

#define LINE_SHIFT 6
#define TABLE_BITS 22
#define PAIRS      4
#define NOBODY     64u

/* Who wrote and who touched it afterwards, by their code. The last of a line stands for all
 * that found no place. */
struct pair {
    uint64_t writer, toucher, count;
};

struct line {
    uint64_t address; /* 0: free; else with the number of the window below */
    uint64_t window;
    uint64_t seen; /* CPUs that touched it since it was written, the writer included */
    uint32_t writer;
    uint64_t writer_code;
    uint64_t conflicts;
    struct pair pairs[PAIRS];
};

static struct line table[1u << TABLE_BITS];
static uint64_t window, accesses;
static unsigned cpus; /* of the window; 0: none is open */
static FILE *out;
static qemu_plugin_id_t self;
static bool watching;
static char lock; /* where each CPU has a thread of its own */

/* The line of an address, fresh when it was not met in this window. */
static struct line *find(uint64_t address)
{
    uint64_t at = (address >> LINE_SHIFT) * 0x9e3779b97f4a7c15ull >> (64 - TABLE_BITS);
    struct line *l;

    address &= ~(uint64_t)((1u << LINE_SHIFT) - 1);
    for (unsigned tries = 0; tries < 1u << TABLE_BITS; tries++) {
        l = &table[at];
        if (l->window == window && l->address == address)
            return l;
        if (l->window != window) {
            *l = (struct line){.address = address, .window = window, .writer = NOBODY};
            return l;
        }
        at = (at + 1) & ((1u << TABLE_BITS) - 1);
    }
    fprintf(stderr, "conflicts: too many lines\n");
    abort();
}

static void note(struct line *l, uint64_t code)
{
    struct pair *p;

    l->conflicts++;
    for (p = l->pairs; p < l->pairs + PAIRS - 1 && p->count; p++)
        if (p->writer == l->writer_code && p->toucher == code)
            break;
    p->writer = l->writer_code;
    p->toucher = code;
    p->count++;
}

static bool is_device(qemu_plugin_meminfo_t info, uint64_t address)
{
    const struct qemu_plugin_hwaddr *at = qemu_plugin_get_hwaddr(info, address);

    return at && qemu_plugin_hwaddr_is_io(at);
}

static void access(unsigned cpu, qemu_plugin_meminfo_t info, uint64_t address, void *code)
{
    struct line *l;

    if (cpu == 0 || cpu > cpus || (int64_t)address >= 0)
        return;
    while (__atomic_test_and_set(&lock, __ATOMIC_ACQUIRE))
        ;
    accesses++;
    l = find(address);
    if (l->writer != NOBODY && !(l->seen >> cpu & 1) && !is_device(info, address))
        note(l, (uintptr_t)code);
    if (qemu_plugin_mem_is_store(info)) {
        l->writer = cpu;
        l->writer_code = (uintptr_t)code;
        l->seen = 0;
    }
    l->seen |= 1ull << cpu;
    __atomic_clear(&lock, __ATOMIC_RELEASE);
}

static void write_window(void)
{
    uint64_t total = 0;

    fprintf(out, "window %u\n", cpus);
    for (const struct line *l = table; l < table + (1u << TABLE_BITS); l++) {
        if (l->window != window || !l->conflicts)
            continue;
        total += l->conflicts;
        fprintf(out, "line %llx %llu", (unsigned long long)l->address,
                (unsigned long long)l->conflicts);
        for (const struct pair *p = l->pairs; p < l->pairs + PAIRS && p->count; p++)
            fprintf(out, " %llx %llx %llu", (unsigned long long)p->writer,
                    (unsigned long long)p->toucher, (unsigned long long)p->count);
        fprintf(out, "\n");
    }
    fprintf(out, "end %llu %llu\n", (unsigned long long)total,
            (unsigned long long)accesses);
    fflush(out);
}

static void translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);

static void translate_anew(qemu_plugin_id_t id)
{
    qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
}

static void mark(unsigned cpu, void *number)
{
    (void)cpu;
    if ((uintptr_t)number == WATCH) {
        if (!watching)
            qemu_plugin_reset(self, translate_anew);
        watching = true;
        return;
    }
    while (__atomic_test_and_set(&lock, __ATOMIC_ACQUIRE))
        ;
    if (cpus)
        write_window();
    window++;
    accesses = 0;
    cpus = (unsigned)(uintptr_t)number;
    __atomic_clear(&lock, __ATOMIC_RELEASE);
}

static void translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
        struct qemu_plugin_insn *in = qemu_plugin_tb_get_insn(tb, i);
        uint64_t code = qemu_plugin_insn_vaddr(in);

        if ((int64_t)code < 0 && watching)
            qemu_plugin_register_vcpu_mem_cb(in, access, CB_NO_REGS, MEM_RW,
                                             (void *)(uintptr_t)code);
        else if ((int64_t)code >= 0 && plugin_mark(in, CONFLICT_MARK) >= 0)
            qemu_plugin_register_vcpu_insn_exec_cb(
                in, mark, CB_NO_REGS, (void *)(uintptr_t)plugin_mark(in, CONFLICT_MARK));
    }
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc,
                        char **argv)
{
    (void)info;
    for (int i = 0; i < argc; i++)
        if (strncmp(argv[i], "out=", 4) == 0)
            out = fopen(argv[i] + 4, "w");
    if (!out) {
        fprintf(stderr, "conflicts: out=FILE, please\n");
        return -1;
    }
    self = id;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
    return 0;
}
