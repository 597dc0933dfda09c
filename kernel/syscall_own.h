/* SPDX-License-Identifier: MIT
 *
 * Calls of our own, outside the range Linux uses: documented in docs/reference, declared for
 * programs in user/include/tessera.h. Included several times like kernel/syscall_table.h:
 * OWN_SYSCALL(number, name). Numbers are never used for something else.
 * clang-format off
 */

/* ---- rearranging mappings: kernel/sys/remap.c ---- */
OWN_SYSCALL(1000, remapv)
OWN_SYSCALL(1001, remap_swap)
OWN_SYSCALL(1002, remap_rotate)
OWN_SYSCALL(1003, remap_query)
OWN_SYSCALL(1004, remap_clone)

/* ---- debug kernels: kernel/inject.c ---- */
#ifdef TESSERA_DEBUG
OWN_SYSCALL(1007, fail_next)
#endif
