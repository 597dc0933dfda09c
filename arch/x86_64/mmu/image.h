/* SPDX-License-Identifier: MIT
 *
 * Where the kernel image is: symbols of linker.ld, and the way from an address in the
 * image to the physical address it was loaded at.
 */
#pragma once

#include "arch/mmu.h"
#include "lib/types.h"

extern const char image_start[], image_text_end[], image_rodata_end[], image_end[];
extern const char boot_stack_guard[], boot_stack_top[];

/* Physical address of the image minus the one it is linked for; 0 unless relocated. */
extern u64 image_displacement;

static inline paddr_t image_to_phys(const volatile void *p)
{
    return (uintptr_t)p - KERNEL_BASE + image_displacement;
}

static inline bool image_is_text(uintptr_t ip)
{
    return ip >= (uintptr_t)image_start && ip < (uintptr_t)image_text_end;
}
