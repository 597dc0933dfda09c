/* SPDX-License-Identifier: MIT
 *
 * The NUMA calls of a machine with one node, as a Linux with CONFIG_NUMA answers them there: what is
 * set is told again, by thread and by address, and all memory is on node 0, where every policy that
 * is taken wants it. A page is never moved.
 */
#include "kernel/sys/mm.h"
#include "kernel/syscall.h"
#include "kernel/task/proc.h"
#include "kernel/task/proc_access.h"
#include "kernel/task/uaccess.h"
#include "lib/pause.h"
#include "lib/uapi/errno.h"
#include "mm/call/policy.h"
#include "mm/debug/report.h"
#include "mm/op/access.h"

#define MODE_FLAGS (MPOL_F_NUMA_BALANCING | MPOL_F_RELATIVE_NODES | MPOL_F_STATIC_NODES)
#define NODE_0     1ull
#define NODES      64u             /* that can be named */
#define MASK_MAX   (8 * PAGE_SIZE) /* bits of a program's set */

/* A set of `bits` - 1 nodes, as these calls count. -EINVAL: it is larger than sets are, or has nodes
 * that never are; -EFAULT. */
static int get_nodes(vaddr_t user, u64 bits, u64 *nodes)
{
    u64 word;

    *nodes = 0;
    if (!user || --bits == 0)
        return 0;
    if (bits > MASK_MAX)
        return -EINVAL;
    for (u64 at = 0; at < bits; at += NODES) {
        if (copy_from_user(&word, user + at / 8, sizeof(word)) != 0)
            return -EFAULT;
        if (bits - at < NODES)
            word &= (1ull << (bits - at)) - 1;
        if (at == 0)
            *nodes = word;
        else if (word)
            return -EINVAL;
    }
    return 0;
}

/* The set, as long as programs have words for it. */
static int put_nodes(vaddr_t user, u64 bits, u64 nodes)
{
    u64 bytes = align_up(bits - 1, NODES) / 8;

    if (!bytes)
        return 0;
    if (bytes > PAGE_SIZE)
        return -EINVAL;
    if (clear_user(user + sizeof(nodes), bytes - sizeof(nodes)) != 0)
        return -EFAULT;
    return copy_to_user(user, &nodes, sizeof(nodes));
}

/* What a program means by a mode and a set. -EINVAL, -EFAULT. */
static int get_policy(s32 mode, vaddr_t user, u64 bits, u32 *policy)
{
    u32 flags = (u32)mode & MODE_FLAGS, plain = (u32)mode & ~(u32)MODE_FLAGS;
    u32 placed = flags & (MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES);
    u64 nodes;
    int err;

    if (plain >= MPOL_MAX || (placed & (placed - 1)) ||
        (placed != flags && plain != MPOL_BIND))
        return -EINVAL;
    err = get_nodes(user, bits, &nodes);
    if (err)
        return err;
    if (plain == MPOL_PREFERRED && !nodes)
        plain = MPOL_LOCAL;
    *policy = plain == MPOL_DEFAULT ? MPOL_DEFAULT : plain | flags;
    if (plain == MPOL_DEFAULT)
        return nodes ? -EINVAL : 0;
    if (plain == MPOL_LOCAL)
        return nodes || placed ? -EINVAL : 0;
    /* Relative ones are counted round and round among those that are there. */
    if (!nodes || (!(placed & MPOL_F_RELATIVE_NODES) && !(nodes & NODE_0)))
        return -EINVAL;
    if (flags && nodes >> POLICY_NODES_SHIFT)
        return -EINVAL;
    *policy |= (flags ? (u32)nodes : 1) << POLICY_NODES_SHIFT;
    return 0;
}

/* (mode, nodes, bits) */
long sys_set_mempolicy(const struct syscall_args *a)
{
    u32 policy;
    int err = get_policy((s32)a->a0, a->a1, a->a2, &policy);

    if (!err)
        WRITE_ONCE(current_thread()->mempolicy, policy);
    return err;
}

/* (start, len, mode, nodes, bits, flags) */
long sys_mbind(const struct syscall_args *a)
{
    vaddr_t start = a->a0, end = start + align_up(a->a1, PAGE_SIZE);
    u32 flags = (u32)a->a5, policy;
    int err = get_policy((s32)a->a2, a->a3, a->a4, &policy);

    if (flags & ~(u32)(MPOL_MF_STRICT | MPOL_MF_MOVE | MPOL_MF_MOVE_ALL))
        return err ? err : -EINVAL;
    if ((flags & MPOL_MF_MOVE_ALL) && err != -EFAULT && !capable(CAP_SYS_NICE))
        return -EPERM;
    if (err)
        return err;
    if (start % PAGE_SIZE || end < start)
        return -EINVAL;
    if (end == start)
        return 0;
    return mm_set_policy(current_mm(), start, end, policy, policy == MPOL_DEFAULT);
}

/* The policy that the caller asks for, or the node. */
static int told_policy(vaddr_t addr, u32 flags, u32 *policy, u32 *mode)
{
    u8 byte;
    int err;

    *policy = current_thread()->mempolicy;
    if (flags & MPOL_F_ADDR) {
        err = mm_get_policy(current_mm(), addr, policy);
        if (err)
            return err;
    } else if (addr) {
        return -EINVAL;
    }
    *mode = *policy & UINT16_MAX;
    if (!(flags & MPOL_F_NODE))
        return 0;
    *mode = 0; /* the node where the page is, or the next one will be */
    if (flags & MPOL_F_ADDR)
        return mm_access(current_mm(), addr, &byte, 1, MM_READ) ? 0 : -EFAULT;
    return policy_mode(*policy) == MPOL_INTERLEAVE ? 0 : -EINVAL;
}

/* (mode, nodes, bits, addr, flags) */
long sys_get_mempolicy(const struct syscall_args *a)
{
    u32 flags = (u32)a->a4, policy = 0, mode = 0;
    int err = 0;

    if (a->a1 && !a->a2)
        return -EINVAL;
    if (a->a4 & ~(u64)(MPOL_F_NODE | MPOL_F_ADDR | MPOL_F_MEMS_ALLOWED))
        return -EINVAL;
    if (flags & MPOL_F_MEMS_ALLOWED) {
        if (flags != MPOL_F_MEMS_ALLOWED)
            return -EINVAL;
        policy = 1u << POLICY_NODES_SHIFT;
    } else {
        err = told_policy(a->a3, flags, &policy, &mode);
    }
    if (!err && a->a0)
        err = copy_to_user(a->a0, &mode, sizeof(mode));
    if (!err && a->a1)
        err = put_nodes(a->a1, a->a2, policy >> POLICY_NODES_SHIFT);
    return err;
}

/* (start, len, node, flags): nothing tells it again. */
long sys_set_mempolicy_home_node(const struct syscall_args *a)
{
    vaddr_t start = a->a0, end = start + align_up(a->a1, PAGE_SIZE);

    if (start % PAGE_SIZE || a->a3 || a->a2 || end < start)
        return -EINVAL;
    return end == start ? 0 : mm_check_home(current_mm(), start, end);
}

/* The memory of a process whose pages the caller may move, referenced. -ESRCH, -EPERM. */
static int pages_of(s32 pid, struct mm **mm)
{
    return proc_access_mm(pid ? pid : current_proc()->pid, REAL_IDS, mm);
}

/* (pid, bits, from, to): no page is elsewhere. */
long sys_migrate_pages(const struct syscall_args *a)
{
    struct mm *mm;
    u64 from, to;
    int err = get_nodes(a->a2, a->a1, &from);

    if (!err)
        err = get_nodes(a->a3, a->a1, &to);
    if (!err)
        err = pages_of((s32)a->a0, &mm);
    if (err)
        return err;
    mm_put(mm);
    if ((to & ~NODE_0) && !capable(CAP_SYS_NICE))
        return -EPERM;
    return to & NODE_0 ? 0 : -EINVAL;
}

/* The node of a page; -ENOENT: it has none yet; -EFAULT: it is no memory, or the page of zeros. */
static s32 node_of(struct mm *mm, vaddr_t va)
{
    struct pagemap_reader r = {1, 0};
    u32 policy;
    u64 entry;

    if (mm_get_policy(mm, va, &policy) != 0)
        return -EFAULT;
    pagemap_read(mm, align_down(va, PAGE_SIZE), 1, &entry, &r);
    if ((entry & PAGEMAP_FRAME) == page_to_pfn(zero_page))
        return -EFAULT;
    return entry & PAGEMAP_PRESENT ? 0 : -ENOENT;
}

/* The i-th page of the call. */
static int move_page(const struct syscall_args *a, struct mm *mm, u64 i)
{
    s32 node = 0;
    u64 va;

    if (copy_from_user(&va, a->a2 + i * sizeof(va), sizeof(va)) != 0 ||
        (a->a3 && copy_from_user(&node, a->a3 + i * sizeof(node), sizeof(node)) != 0))
        return -EFAULT;
    if (node)
        return -ENODEV;
    node = node_of(mm, va);
    return copy_to_user(a->a4 + i * sizeof(node), &node, sizeof(node));
}

/* (pid, n, pages, nodes, status, flags) */
long sys_move_pages(const struct syscall_args *a)
{
    u32 flags = (u32)a->a5;
    struct mm *mm;
    int err;

    if (flags & ~(u32)(MPOL_MF_MOVE | MPOL_MF_MOVE_ALL))
        return -EINVAL;
    if ((flags & MPOL_MF_MOVE_ALL) && !capable(CAP_SYS_NICE))
        return -EPERM;
    err = pages_of((s32)a->a0, &mm);
    if (err)
        return err;
    for (u64 i = 0; i < a->a1 && !err; i++) {
        err = move_page(a, mm, i);
        if (!err && pause_point())
            err = -EINTR;
    }
    mm_put(mm);
    return err;
}
