/* SPDX-License-Identifier: MIT
 *
 * Filters that programs give, for calls and for sockets.
 */
#pragma once

#include "fs/filter/bpf.h"

/* Reads and checks the instructions that `given` names; *out has one reference, which is the caller's.
 * 0; -EINVAL: none or too many, no address, or bpf_check(); -EFAULT, -ENOMEM. */
int must_check bpf_read(const struct bpf_program *given, enum bpf_use use,
                        struct bpf_filter **out);
