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

/* The running CPU's copy, valid until the next switch of threads: to be read and written by one
 * instruction, and its address. */
#define this_cpu(var)         CPU_VAR(var)
#define this_cpu_at(array, i) CPU_VAR((array)[i])
#define this_cpu_ptr(var)     ((__typeof__(&(var)))((uintptr_t) & (var) + cpu_offset()))
#define per_cpu(var, cpu) \
    (*(__typeof__(&(var)))((uintptr_t) & (var) + cpu_offset_of(cpu)))
