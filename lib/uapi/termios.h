/* SPDX-License-Identifier: MIT
 *
 * Terminal settings and requests, values of Linux x86-64 (termios(3), ioctl_tty(2)).
 */
#pragma once

#include "lib/types.h"

#define NCCS 19

struct kernel_termios {
    u32 c_iflag, c_oflag, c_cflag, c_lflag;
    u8 c_line;
    u8 c_cc[NCCS];
};

/* TCGETS2 and the like: the same and two speeds. */
struct kernel_termios2 {
    struct kernel_termios t;
    u32 ispeed, ospeed;
};

/* TCGETA and the like: the low halves, and the first eight characters. */
struct kernel_termio {
    u16 c_iflag, c_oflag, c_cflag, c_lflag;
    u8 c_line, c_cc[8], pad;
};

struct winsize {
    u16 ws_row, ws_col, ws_xpixel, ws_ypixel;
};

/* c_cc */
#define VINTR    0
#define VQUIT    1
#define VERASE   2
#define VKILL    3
#define VEOF     4
#define VTIME    5
#define VMIN     6
#define VSTART   8
#define VSTOP    9
#define VSUSP    10
#define VEOL     11
#define VREPRINT 12
#define VWERASE  14
#define VDISCARD 13
#define VLNEXT   15
#define VEOL2    16

/* c_iflag */
#define PARMRK 0000010u
#define ISTRIP 0000040u
#define INLCR  0000100u
#define IGNCR  0000200u
#define ICRNL  0000400u
#define IUCLC  0001000u
#define IXON   0002000u
#define IXANY  0004000u
#define IUTF8  0040000u

/* c_oflag */
#define OPOST  0000001u
#define OLCUC  0000002u
#define ONLCR  0000004u
#define OCRNL  0000010u
#define ONOCR  0000020u
#define ONLRET 0000040u
#define XTABS  0014000u

/* c_cflag */
#define CBAUD   0010017u
#define B38400  0000017u
#define BOTHER  0010000u
#define B115200 0010002u
#define CS8     0000060u
#define CSIZE   0000060u
#define CREAD   0000200u
#define PARENB  0000400u
#define HUPCL   0002000u
#define CLOCAL  0004000u

/* c_lflag */
#define ISIG    0000001u
#define ICANON  0000002u
#define ECHO    0000010u
#define ECHOE   0000020u
#define ECHOK   0000040u
#define ECHONL  0000100u
#define NOFLSH  0000200u
#define TOSTOP  0000400u
#define ECHOCTL 0001000u
#define ECHOPRT 0002000u
#define ECHOKE  0004000u
#define IEXTEN  0100000u

/* requests */
#define TCGETS         0x5401u
#define TCSETS         0x5402u
#define TCSETSW        0x5403u
#define TCSETSF        0x5404u
#define TCGETA         0x5405u
#define TCSETA         0x5406u
#define TCSETAW        0x5407u
#define TCSETAF        0x5408u
#define TCSBRK         0x5409u
#define TCXONC         0x540au
#define TCFLSH         0x540bu
#define TIOCEXCL       0x540cu
#define TIOCNXCL       0x540du
#define TIOCSCTTY      0x540eu
#define TIOCSTI        0x5412u
#define TIOCGPGRP      0x540fu
#define TIOCSPGRP      0x5410u
#define TIOCOUTQ       0x5411u
#define TIOCGWINSZ     0x5413u
#define TIOCSWINSZ     0x5414u
#define FIONREAD       0x541bu
#define TIOCNOTTY      0x5422u
#define TIOCPKT        0x5420u
#define TIOCSETD       0x5423u
#define TIOCGETD       0x5424u
#define TIOCGPTN       0x80045430u
#define TIOCSPTLCK     0x40045431u
#define TIOCSIG        0x40045436u
#define TIOCGPKT       0x80045438u
#define TIOCGPTLCK     0x80045439u
#define TIOCGPTPEER    0x5441u
#define TIOCGEXCL      0x80045440u
#define TIOCGSOFTCAR   0x5419u
#define TIOCGDEV       0x80045432u
#define TCSBRKP        0x5425u
#define TIOCSBRK       0x5427u
#define TIOCCBRK       0x5428u
#define TIOCGSID       0x5429u
#define TIOCGLCKTRMIOS 0x5456u
#define TIOCSLCKTRMIOS 0x5457u
#define TCGETS2        0x802c542au
#define TCSETS2        0x402c542bu
#define TCSETSW2       0x402c542cu
#define TCSETSF2       0x402c542du

#define N_TTY 0 /* the line discipline of terminals */

/* First byte of a packet (TIOCPKT) that is not data. */
#define TIOCPKT_FLUSHREAD  1u
#define TIOCPKT_FLUSHWRITE 2u
#define TIOCPKT_STOP       4u
#define TIOCPKT_START      8u
#define TIOCPKT_NOSTOP     16u
#define TIOCPKT_DOSTOP     32u

/* TCFLSH, TCXONC */
#define TCIFLUSH  0
#define TCOFLUSH  1
#define TCIOFLUSH 2
#define TCOOFF    0
#define TCOON     1
#define TCIOFF    2
