/* SPDX-License-Identifier: MIT
 *
 * The part of the hardware report that lists PCI functions.
 */
#pragma once

struct seq;

/* One line for each function, one for each memory BAR. */
void hwreport_pci(struct seq *s);
