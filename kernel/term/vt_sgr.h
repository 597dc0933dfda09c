/* SPDX-License-Identifier: MIT
 *
 * Colours of a terminal.
 */
#pragma once

#include "lib/types.h"

struct vt;

/* Select graphic rendition, from vt->params. */
void vt_select_rendition(struct vt *vt);
