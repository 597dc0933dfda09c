/* SPDX-License-Identifier: MIT
 *
 * Restartable sequences, rseq(2): a thread's program keeps a record in its memory into which the
 * kernel writes the CPU it runs on, and from which it learns where to send the thread if it was
 * interrupted inside a sequence that must not be.
 */
#pragma once

#include "lib/types.h"

struct thread;
struct trapframe;

#define RSEQ_SIZE      32u /* of a record at least */
#define RSEQ_ALIGN     32u
#define RSEQ_FEATURES  24u /* bytes of it that are filled: up to node_id */
#define RSEQ_CPU_UNSET 0xffffffffu

/* t, which has a record, left its CPU or goes to another, or shall think so. Any context; t is
 * the running thread or nobody runs it. */
void rseq_note(struct thread *t);

/* On the way to the program, interrupts on: record and frame are made right. */
void rseq_resume(struct thread *t, struct trapframe *tf);

/* Before a signal's handler: the frame that the handler returns to leaves a sequence. 0, or
 * -EFAULT, -EINVAL: the record is none. */
int must_check rseq_leave(struct thread *t, struct trapframe *tf);

/* CPU number and node into the record at `at`. 0 or -EFAULT. */
int must_check rseq_write_cpu(vaddr_t at, u32 start, u32 cpu);
