/* SPDX-License-Identifier: MIT
 *
 * Control sequences of a terminal, and its answers.
 */
#pragma once

#include "kernel/term/vt.h"

/* Takes what the terminal has to say (reports a program asked for): bytes copied. */
size_t vt_take_answer(struct vt *vt, u8 out[VT_ANSWER_MAX]);

/* Does what a control sequence says (vt->marker, vt->params); adds text to
 * what the terminal will answer. */
void vt_control_sequence(struct vt *vt, u8 final);
void vt_answer(struct vt *vt, const char *text);
