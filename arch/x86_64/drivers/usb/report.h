/* SPDX-License-Identifier: MIT
 *
 * Boot reports of a keyboard (HID 1.11, appendix B.1): eight bytes that list the keys held
 * now. Two in a row tell what went down and what came up. Pure; runs in the host tests.
 */
#pragma once

#include "lib/types.h"

#define REPORT_BYTES 8u
#define REPORT_KEYS  6u

/* What is held, as the last report told; all zero: nothing. */
struct report_state {
    u8 modifiers;         /* bit i: usage 0xe0 + i */
    u8 keys[REPORT_KEYS]; /* usages, 0: none; each once */
};

/* Takes a report of n bytes, hostile: too short ones change nothing, missing keys are not
 * held. Calls key for each difference, releases first. While more keys are held than the
 * device can tell apart (ErrorRollOver), only the modifiers are believed. */
void report_decode(struct report_state *held, const u8 *report, size_t n,
                   void (*key)(u8 usage, bool down));
