/* SPDX-License-Identifier: MIT
 *
 * The NUMA policy of memory. There is one node, so it changes nothing but what it is said to be.
 */
#pragma once

#include "lib/types.h"
#include "lib/uapi/mempolicy.h"

struct mm;

/* A policy: the mode with its flags as a program gave them, and its nodes: node 0, none where it says
 * none, or with flags the first sixteen that the program named. 0: the default. */
#define POLICY_NODES_SHIFT 16
static inline u32 policy_mode(u32 policy)
{
    return policy & 0x1fff;
}

/* [start, end), whole pages and not empty, has this policy from now on. gaps: parts of it may have no
 * memory. -EFAULT: it has none, or too little; -EINVAL: it cuts a huge page; -ENOMEM. */
int must_check mm_set_policy(struct mm *mm, vaddr_t start, vaddr_t end, u32 policy,
                             bool gaps);
/* That of the memory at va. -EFAULT: there is none. */
int must_check mm_get_policy(struct mm *mm, vaddr_t va, u32 *policy);
/* Whether memory in [start, end) can have a home node. -ENOENT: none of it has a policy;
 * -EOPNOTSUPP: some has one of another kind than BIND and PREFERRED_MANY. */
int must_check mm_check_home(struct mm *mm, vaddr_t start, vaddr_t end);
