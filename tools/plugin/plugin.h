/* SPDX-License-Identifier: MIT
 *
 * What the plugins use of QEMU's interface. Its header is in no package: it is declared here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;
typedef uint32_t qemu_plugin_meminfo_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_plugin_hwaddr;
struct qemu_info;

enum { CB_NO_REGS = 0, MEM_RW = 3, INLINE_ADD = 0 };

typedef void (*tb_trans_fn)(qemu_plugin_id_t, struct qemu_plugin_tb *);
typedef void (*exec_fn)(unsigned, void *);
typedef void (*reset_fn)(qemu_plugin_id_t);
typedef void (*mem_fn)(unsigned, qemu_plugin_meminfo_t, uint64_t, void *);

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, tb_trans_fn fn);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *in, exec_fn fn,
                                            int flags, void *arg);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *in, int op,
                                                void *counter, uint64_t add);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *in, mem_fn fn, int flags,
                                      int rw, void *arg);
void qemu_plugin_reset(qemu_plugin_id_t id,
                       reset_fn fn); /* forgets all translated code */
struct qemu_plugin_hwaddr *qemu_plugin_get_hwaddr(qemu_plugin_meminfo_t info,
                                                  uint64_t address);
bool qemu_plugin_hwaddr_is_io(const struct qemu_plugin_hwaddr *at);
bool qemu_plugin_mem_is_store(qemu_plugin_meminfo_t info);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb,
                                                 size_t i);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *in);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *in);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *in);

extern EXPORT int qemu_plugin_version;
EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info,
                               int argc, char **argv);

/* The number NN of a mark 0f 1f 80 NN KIND 55 7e (nopl 0x7e55...NN(%rax)) in the guest's code;
 * -1: the instruction is none. */
static inline int plugin_mark(const struct qemu_plugin_insn *in, unsigned char kind)
{
    const unsigned char *b = qemu_plugin_insn_data(in);
    bool is = qemu_plugin_insn_size(in) == 7 && b[0] == 0x0f && b[1] == 0x1f &&
              b[2] == 0x80 && b[4] == kind && b[5] == 0x55 && b[6] == 0x7e;

    return is ? b[3] : -1;
}

/* Marks of the benchmark (user/bench/bench.h). */
enum { BENCH_MARK = 0xe3, TIME = 1, REPORT = 2 };
