/* SPDX-License-Identifier: MIT
 *
 * System calls by name, and their trace on the host's port.
 */
#include "kernel/strace.h"

#include "arch/serial.h"
#include "kernel/cmdline.h"
#include "kernel/task/proc.h"
#include "lib/fmt.h"
#include "lib/spinlock.h"

#define TRACE_PORT 4u

#define SYSCALL(number, name) [number] = #name,
static const char *const names[] = {
#include "kernel/syscall_table.h"
};
#undef SYSCALL

#define OWN_SYSCALL(number, name) [(number)-OWN_SYSCALL_FIRST] = #name,
static const char *const own_names[OWN_SYSCALL_COUNT] = {
#include "kernel/syscall_own.h"
};
#undef OWN_SYSCALL

bool strace_on;         /* [c] after boot */
static spinlock_t lock; /* lines are whole */

const char *syscall_name(u64 number)
{
    const char *name = NULL;

    if (number < ARRAY_SIZE(names))
        name = names[number];
    else if (number - OWN_SYSCALL_FIRST < OWN_SYSCALL_COUNT)
        name = own_names[number - OWN_SYSCALL_FIRST];
    return name ? name : "?";
}

void strace_init(void)
{
    strace_on = cmdline_get("trace") && console_port_present(TRACE_PORT);
}

void strace_log(u64 number, const struct syscall_args *a, long result)
{
    char line[256];

    if (current_proc()->pid == 1)
        return;
    fmt_snprintf(line, sizeof(line),
                 "%d %s/%lu(%#lx, %#lx, %#lx, %#lx, %#lx, %#lx) = %ld\n",
                 current_proc()->pid, syscall_name(number), number, a->a0, a->a1, a->a2,
                 a->a3, a->a4, a->a5, result);
    spin_lock(&lock);
    for (const char *s = line; *s; s++)
        console_port_put(TRACE_PORT, (u8)*s);
    spin_unlock(&lock);
}
