/* SPDX-License-Identifier: MIT
 *
 * The host's files, "9p" for mount(2): names and contents come from a server outside the machine
 * when they are first asked for; from then on they are those of a ramfs, and what is changed is
 * changed in memory only. docs/reference/hostfs.md.
 */
#pragma once

void hostfs_init(void);
