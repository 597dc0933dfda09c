/* SPDX-License-Identifier: MIT
 *
 * Reading the programs of fs/filter/bpf.h from memory of users.
 */
#include "kernel/bpf_read.h"
#include "kernel/task/uaccess.h"
#include "lib/uapi/errno.h"

int bpf_read(const struct bpf_program *given, enum bpf_use use, struct bpf_filter **out)
{
    struct bpf_filter *f;
    int err;

    if (!given->filter || !given->len || given->len > BPF_MAXINSNS)
        return -EINVAL;
    f = bpf_create(given->len);
    if (!f)
        return -ENOMEM;
    err = copy_from_user(f->of, given->filter, given->len * sizeof(f->of[0]));
    if (!err)
        err = bpf_check(f, use);
    if (err)
        bpf_put(f);
    else
        *out = f;
    return err;
}
