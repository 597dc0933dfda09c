/* SPDX-License-Identifier: MIT
 *
 * Pseudo-terminals: pty(7), ptmx(4).
 */
#pragma once

/* Registers /dev/ptmx, the terminals behind it and the file system devpts. At boot. */
void pty_init(void);
