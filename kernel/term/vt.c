/* SPDX-License-Identifier: MIT
 *
 * What bytes mean to a terminal: UTF-8, control characters, escape sequences (ECMA-48;
 * DEC STD 070; console_codes(4)). Sequences not known are read to their end and forgotten.
 */
#include "kernel/term/vt.h"

#include "kernel/term/vt_csi.h"
#include "kernel/term/vt_grid.h"
#include "lib/string.h"

enum {
    GROUND,
    ESCAPE,
    CHARSET_0, /* ESC ( and ESC ) : one byte names a character set */
    CHARSET_1,
    HASH,     /* ESC # */
    ONE_MORE, /* ESC % and others: one byte, no meaning here */
    CSI,
    COMMAND, /* ESC ] */
    STRING,  /* text up to BEL or ESC \ */
    SKIP,    /* vt->skip bytes */
};

#define ESC          0x1b
#define NUMBER_MAX   9999u
#define PALETTE_SIZE 7u /* ESC ] P n rr gg bb */

/* Line drawing of the VT100: 0x5f to 0x7e of its special set. */
static const u16 line_drawing[] = {0x00a0, 0x25c6, 0x2592, 0x2409, 0x240c, 0x240d, 0x240a,
                                   0x00b0, 0x00b1, 0x2424, 0x240b, 0x2518, 0x2510, 0x250c,
                                   0x2514, 0x253c, 0x23ba, 0x23bb, 0x2500, 0x23bc, 0x23bd,
                                   0x251c, 0x2524, 0x2534, 0x252c, 0x2502, 0x2264, 0x2265,
                                   0x03c0, 0x2260, 0x00a3, 0x00b7};

/* ---- sequences ---- */

static void control_sequence(struct vt *vt, u8 byte)
{
    if (byte >= '0' && byte <= '9') {
        u16 *p = &vt->params[vt->nparams ? vt->nparams - 1u : 0];

        if (vt->nparams == 0)
            vt->nparams = 1;
        *p = (u16)MIN(*p * 10u + byte - '0', NUMBER_MAX);
    } else if (byte == ';' || byte == ':') {
        if (vt->nparams == 0)
            vt->nparams = 1;
        if (vt->nparams < VT_PARAMS_MAX)
            vt->params[vt->nparams++] = 0;
        else
            vt->marker = ' '; /* too many: a sequence nobody sends */
    } else if (byte < 0x40) {
        vt->marker = vt->marker || byte < '0' ? ' ' : byte;
    } else {
        vt->state = GROUND;
        vt_control_sequence(vt, byte);
    }
}

static void begin_sequence(struct vt *vt)
{
    vt->state = CSI;
    vt->marker = vt->nparams = 0;
    memset(vt->params, 0, sizeof(vt->params));
}

static void index_line(struct vt *vt, u8 byte)
{
    if (byte == 'M') {
        grid_reverse_feed(vt);
        return;
    }
    if (byte == 'E')
        grid_column(vt, 0);
    grid_line_feed(vt);
}

/* Sequences of two bytes. */
static void short_sequence(struct vt *vt, u8 byte)
{
    switch (byte) {
    case '7':
        vt->saved = vt->now;
        break;
    case '8':
        vt->now = vt->saved;
        break;
    case 'D':
    case 'E':
    case 'M':
        index_line(vt, byte);
        break;
    case 'H':
        grid_set_tab(vt, true);
        break;
    case 'Z':
        vt_answer(vt, "\033[?6c");
        break;
    case 'c':
        vt_reset(vt);
        break;
    }
}

static void escape(struct vt *vt, u8 byte)
{
    vt->state = GROUND;
    if (byte == '[')
        begin_sequence(vt);
    else if (byte == ']')
        vt->state = COMMAND;
    else if (byte == 'P' || byte == 'X' || byte == '^' || byte == '_')
        vt->state = STRING;
    else if (byte == '(' || byte == ')')
        vt->state = byte == '(' ? CHARSET_0 : CHARSET_1;
    else if (byte == '#')
        vt->state = HASH;
    else if (byte >= 0x20 && byte < 0x30)
        vt->state = ONE_MORE;
    else
        short_sequence(vt, byte);
}

/* A byte of a sequence that is not a control character. */
static void sequence(struct vt *vt, u8 byte)
{
    u8 state = vt->state;

    switch (state) {
    case ESCAPE:
        escape(vt, byte);
        break;
    case CSI:
        control_sequence(vt, byte);
        break;
    case COMMAND:
        /* The Linux console's own two have no end mark. */
        vt->state = byte == 'R' ? GROUND : byte == 'P' ? SKIP : STRING;
        vt->skip = PALETTE_SIZE;
        break;
    case SKIP:
        if (--vt->skip == 0)
            vt->state = GROUND;
        break;
    case STRING:
        break;
    default:
        vt->state = GROUND;
        if (state == CHARSET_0 || state == CHARSET_1)
            vt->now.drawing[state - CHARSET_0] = byte == '0';
        else if (state == HASH && byte == '8')
            grid_fill(vt, 'E');
    }
}

/* ---- bytes ---- */

static void control(struct vt *vt, u8 byte)
{
    switch (byte) {
    case '\a':
        if (vt->state == STRING || vt->state == COMMAND)
            vt->state = GROUND;
        break;
    case '\b':
        grid_column(vt, vt->now.col - (vt->now.col > 0));
        break;
    case '\t':
        grid_tab(vt, 1);
        break;
    case '\n':
    case '\v':
    case '\f':
        grid_line_feed(vt);
        if (vt->newline)
            grid_column(vt, 0);
        break;
    case '\r':
        grid_column(vt, 0);
        break;
    case 0x0e:
    case 0x0f:
        vt->now.shift = byte == 0x0e;
        break;
    case 0x18:
    case 0x1a:
        vt->state = GROUND;
        break;
    case ESC:
        vt->state = ESCAPE;
        break;
    }
}

static void character(struct vt *vt, u32 code)
{
    if (vt->now.drawing[vt->now.shift] && code >= 0x5f && code <= 0x7e)
        code = line_drawing[code - 0x5f];
    grid_put(vt, code);
}

static void text(struct vt *vt, u8 byte)
{
    u32 code;
    enum utf8_result result = utf8_feed(&vt->utf8, byte, &code);

    if (result == UTF8_BAD_AGAIN) {
        grid_put(vt, UTF8_REPLACEMENT);
        result = utf8_feed(&vt->utf8, byte, &code);
    }
    if (result == UTF8_BAD)
        grid_put(vt, UTF8_REPLACEMENT);
    else if (result == UTF8_DONE)
        character(vt, code);
}

void vt_put(struct vt *vt, u8 byte)
{
    if (byte >= 0x20 && byte != 0x7f) {
        if (vt->state == GROUND)
            text(vt, byte);
        else
            sequence(vt, byte);
        return;
    }
    if (vt->utf8.missing) {
        vt->utf8.missing = 0;
        grid_put(vt, UTF8_REPLACEMENT);
    }
    control(vt, byte);
}
