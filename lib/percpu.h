/* SPDX-License-Identifier: MIT
 *
 * Per-CPU variables. They live in one linker section; each CPU has a copy at
 * (address + cpu_offset()). The boot CPU's copy is the section itself.
 */
#pragma once

#include "arch/cpu.h"

#ifndef PERCPU_SECTION
#define PERCPU_SECTION ".percpu"
#endif

#define DEFINE_PER_CPU(type, name)  __attribute__((section(PERCPU_SECTION))) type name
#define DECLARE_PER_CPU(type, name) extern type name

/* The running CPU's copy. Valid until the next switch of threads. */
#define this_cpu(var) (*(__typeof__(&(var)))((uintptr_t) & (var) + cpu_offset()))
#define per_cpu(var, cpu) \
    (*(__typeof__(&(var)))((uintptr_t) & (var) + cpu_offset_of(cpu)))
