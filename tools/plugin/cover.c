/* SPDX-License-Identifier: MIT
 *
 * QEMU plugin: which instructions of a kernel were ever come to. An instruction is noted when it is
 * translated, which happens when its block is about to run for the first time: so it costs nothing
 * afterwards.
 *
 *   -plugin cover.so,base=HEX,size=HEX,out=FILE
 *
 * FILE gets a bit for each byte of [base, base + size): an instruction begins there and was met. What
 * is in it already stays, so that several machines, one after the other, fill one file.
 */
#include "tools/plugin/plugin.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int qemu_plugin_version = 1;

static uint64_t base, size;
static uint8_t *bits; /* the file */

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
        uint64_t at = qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(tb, i)) - base;

        if (at < size)
            __atomic_fetch_or(&bits[at / 8], (uint8_t)(1u << at % 8), __ATOMIC_RELAXED);
    }
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info,
                               int argc, char **argv)
{
    const char *out = NULL;
    int fd;

    (void)info;
    for (int i = 0; i < argc; i++) {
        if (!strncmp(argv[i], "base=", 5))
            base = strtoull(argv[i] + 5, NULL, 16);
        else if (!strncmp(argv[i], "size=", 5))
            size = strtoull(argv[i] + 5, NULL, 16);
        else if (!strncmp(argv[i], "out=", 4))
            out = argv[i] + 4;
    }
    fd = out ? open(out, O_RDWR | O_CREAT, 0666) : -1;
    if (fd < 0 || ftruncate(fd, (off_t)(size / 8 + 1)) != 0)
        return -1;
    bits = mmap(NULL, size / 8 + 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (bits == MAP_FAILED)
        return -1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}
