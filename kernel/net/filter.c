/* SPDX-License-Identifier: MIT
 *
 * SO_ATTACH_FILTER and SO_GET_FILTER, whose values are programs of any length.
 */
#include "kernel/net/filter.h"
#include "fs/filter/packet.h"
#include "kernel/bpf_read.h"
#include "kernel/syscall.h"
#include "kernel/task/proc.h"
#include "kernel/task/uaccess.h"
#include "lib/uapi/errno.h"

/* In Linux's order. */
static int read_filter(const struct socket *s, vaddr_t user, struct bpf_filter **out)
{
    struct bpf_program given;

    if (copy_from_user(&given, user, sizeof(given)) != 0)
        return -EFAULT;
    if (option_on(s, OPT_LOCK_FILTER))
        return -EPERM;
    return bpf_read(&given, BPF_PACKETS, out);
}

int filter_attach(struct socket *s, vaddr_t user, u32 len)
{
    struct bpf_filter *f;
    s32 first;
    int err;

    if (len < sizeof(first))
        return -EINVAL;
    if (copy_from_user(&first, user, sizeof(first)) != 0)
        return -EFAULT;
    if (is_tcp(s)) /* where it would look at segments, and there are none */
        return capable(CAP_NET_ADMIN) ? -ENOPROTOOPT : -EPERM;
    if (len != sizeof(struct bpf_program))
        return -EINVAL;
    err = read_filter(s, user, &f);
    if (err)
        return err;
    err = packet_filter_set(s, f);
    if (err)
        bpf_put(f);
    return err;
}

int filter_tell(struct socket *s, vaddr_t user, u32 *len)
{
    struct bpf_filter *f = packet_filter_get(s);
    u32 room = *len;
    int err = 0;

    *len = f ? f->len : 0;
    if (f && room && room < f->len)
        err = -EINVAL;
    else if (f && room)
        err = copy_to_user(user, f->of, f->len * sizeof(f->of[0]));
    bpf_put(f);
    return err;
}
