/* SPDX-License-Identifier: MIT
 *
 * Random bytes for programs and for the kernel's own choices (stack canaries, AT_RANDOM).
 */
#pragma once

#include "lib/types.h"

void random_init(void);

/* Fills n bytes. Any context; works before random_init with what the CPU gives. */
void random_bytes(void *buf, size_t n);

/* What programs are told that there is: /proc/sys/kernel/random/entropy_avail. */
#define RANDOM_BITS 256

/* Bytes that go through a buffer on the stack at a time. */
#define RANDOM_AT_ONCE 1024u

/* Fills what a uio asks for, with pauses: the bytes given out, fewer after a signal or before
 * memory that cannot be written; -EFAULT: none could be. */
struct uio;
ssize_t random_to_uio(struct uio *u);

/* Stirs in an event's moment. Any context. */
void random_stir(u64 value);
/* Stirs in up to RANDOM_AT_ONCE bytes of a program's. */
void random_stir_bytes(const void *bytes, size_t n);
