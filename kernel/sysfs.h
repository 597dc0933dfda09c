/* SPDX-License-Identifier: MIT
 *
 * sysfs, as far as programs ask it how many processors and nodes there are: see docs/reference/sysfs.md.
 */
#pragma once

void sysfs_init(void); /* registers file system "sysfs" */
