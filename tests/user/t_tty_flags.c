/* SPDX-License-Identifier: MIT
 *
 * Terminals: each flag of output, input and echo; reads by number and time; stopped output;
 * memory that is not there; the names in /dev/pts; a terminal taken from another session.
 */
#include "tests/user/t.h"
#include <dirent.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <termios.h>

#define BAD ((void *)16)

static int master, slave;

static void pair(void)
{
    int unlocked = 0;

    OK(master = open("/dev/ptmx", O_RDWR | O_NOCTTY));
    OK(ioctl(master, TIOCSPTLCK, &unlocked));
    OK(slave = open(ptsname(master), O_RDWR | O_NOCTTY));
}

/* Sets exactly these; the usual special bytes stay. */
static void flags(unsigned in, unsigned out, unsigned local)
{
    struct termios t;

    OK(tcgetattr(slave, &t));
    t.c_iflag = in;
    t.c_oflag = out;
    t.c_lflag = local;
    OK(tcsetattr(slave, TCSANOW, &t));
}

static void special(int which, int byte)
{
    struct termios t;

    OK(tcgetattr(slave, &t));
    t.c_cc[which] = (cc_t)byte;
    OK(tcsetattr(slave, TCSANOW, &t));
}

/* All that comes at once, and nothing more. */
static void reads_at(int line, int fd, const char *want, size_t len)
{
    static char have[8192], text[600];
    struct pollfd p = {fd, POLLIN, 0};
    size_t n = 0;
    ssize_t got;

    while (n < sizeof(have) && poll(&p, 1, n < len ? 1000 : 20) == 1 &&
           p.revents & POLLIN && (got = read(fd, have + n, sizeof(have) - n)) > 0)
        n += (size_t)got;
    if (n == len && memcmp(have, want, n) == 0)
        return;
    for (size_t i = 0; i < n && i < 100; i++)
        sprintf(text + strlen(text), have[i] >= ' ' && have[i] < 127 ? "%c" : "\\%03o",
                (unsigned char)have[i]);
    t_fail(__FILE__, line, "%zu bytes: %s", n, text);
}

#define READS(fd, want) reads_at(__LINE__, fd, want, sizeof(want) - 1)

/* Linux reads what is typed a little later. */
static void types(const char *text)
{
    EQ(write(master, text, strlen(text)), strlen(text));
    if (!t_tessera)
        t_nap(20000);
}

static void writes(int fd, const char *text)
{
    EQ(write(fd, text, strlen(text)), strlen(text));
}

/* Nothing can be printed now. */
static void stopped_at(int line)
{
    struct pollfd p = {slave, POLLOUT, 0};

    for (int i = 0; i < 200 && poll(&p, 1, 0); i++)
        t_nap(5000);
    errno = 0;
    if (write(slave, "x", 1) != -1 || errno != EAGAIN)
        t_fail(__FILE__, line, "output is not stopped, errno %d", errno);
}
#define STOPPED() stopped_at(__LINE__)

TEST(output, "flags of output: ends of lines, letters, tabs")
{
    pair();
    flags(0, 0, 0);
    writes(slave, "a\nb\rc\t\b");
    READS(master, "a\nb\rc\t\b");
    flags(0, ONLCR | OCRNL | OLCUC, 0); /* nothing without OPOST */
    writes(slave, "a\nb\r");
    READS(master, "a\nb\r");
    flags(0, OPOST | ONLCR, 0);
    writes(slave, "a\nb\rc");
    READS(master, "a\r\nb\rc");
    flags(0, OPOST | OCRNL, 0);
    writes(slave, "\rx\r\r");
    READS(master, "\nx\n\n");
    flags(0, OPOST | ONOCR, 0);
    writes(slave, "\nab\r\rc\r\r\b\r");
    READS(master, "\nab\rc\r\b");
    flags(0, OPOST | ONLRET, 0);
    writes(slave, "ab\n");
    flags(0, OPOST | ONLRET | ONOCR, 0);
    writes(slave, "\rab\n\rc\r");
    READS(master, "ab\nab\nc\r");
    flags(0, OPOST | ONOCR | OCRNL, 0);
    writes(slave, "\rab\r\r");
    READS(master, "ab\n\n");
    flags(0, OPOST | OLCUC, 0);
    writes(slave, "aZz{\n");
    READS(master, "AZZ{\n");
    flags(0, OPOST | ONLCR | XTABS, 0);
    writes(slave, "\nab\tc\t\t1234567\t12345678\t\b\b\tx\n\t");
    READS(master,
          "\r\nab      c               1234567 12345678        \b\b  x\r\n        ");
}

TEST(input, "flags of input: ends of lines, the eighth bit, letters, marks")
{
    pair();
    special(VMIN, 1);
    flags(0, 0, 0);
    writes(master, "a\r\n\xe1\xff");
    READS(slave, "a\r\n\xe1\xff");
    flags(ICRNL, 0, 0);
    writes(master, "a\r\n");
    READS(slave, "a\n\n");
    flags(INLCR, 0, 0);
    writes(master, "a\r\n");
    READS(slave, "a\r\r");
    flags(INLCR | ICRNL, 0, 0);
    writes(master, "a\r\n");
    READS(slave, "a\n\r");
    flags(IGNCR | ICRNL, 0, 0);
    writes(master, "a\r\n");
    READS(slave, "a\n");
    flags(ISTRIP, 0, 0);
    writes(master, "\xe1\xff\x80z");
    READS(slave, "a\x7f\0z");
    flags(IUCLC, 0, 0);
    writes(master, "aZ");
    READS(slave, "aZ");
    flags(IUCLC, 0, IEXTEN);
    writes(master, "aZ[");
    READS(slave, "az[");
    flags(PARMRK, 0, 0);
    writes(master, "a\xff\xfe");
    READS(slave, "a\xff\xff\xfe");
    flags(ISTRIP | IXON, 0, 0);
    types("\x93z"); /* ^S with the eighth bit */
    READS(slave, "z");
    OK(fcntl(slave, F_SETFL, O_NONBLOCK));
    STOPPED();
    types("\x91");
    writes(slave, "x");
    READS(master, "x");
    flags(ISTRIP, 0, ICANON);
    writes(master, "a\xe2\xff"
                   "c\x8a"); /* erase and newline */
    READS(slave, "ac\n");
    flags(ISTRIP, 0, ICANON | IEXTEN);
    writes(master, "a\x96\xff"
                   "c\n"); /* ^V before it */
    READS(slave, "a\x7f"
                 "c\n");
}

TEST(echo, "flags of echo: erased, killed, newlines, control bytes")
{
    const unsigned all = ECHO | ECHOE | ECHOK | ECHOKE | ECHOCTL | ICANON;

    pair();
    flags(0, 0, all);
    writes(master, "ab\x7f\x01\x7f\n");
    READS(master, "ab\b \b^A\b \b\b \b\n");
    READS(slave, "a\n");
    flags(0, 0, all & ~ECHOE);
    writes(master, "ab\x7f"
                   "c\n");
    READS(master, "ab^?c\n");
    READS(slave, "ac\n");
    flags(0, 0, all & ~ECHOCTL);
    writes(master, "a\x01\x7f"
                   "b\t\n");
    READS(master, "a\x01"
                  "b\t\n");
    READS(slave, "ab\t\n");
    flags(0, OPOST | ONLCR, all);
    writes(master, "ab\x15"
                   "c\n");
    READS(master, "ab\b \b\b \bc\r\n");
    flags(0, OPOST | ONLCR, all & ~ECHOKE);
    writes(master, "ab\x15"
                   "c\n");
    READS(master, "ab^U\r\nc\r\n");
    flags(0, OPOST | ONLCR, all & ~(ECHOKE | ECHOK));
    writes(master, "ab\x15"
                   "c\n");
    READS(master, "ab^Uc\r\n");
    flags(0, 0, ICANON | ECHONL);
    writes(master, "ab\x15"
                   "c\n");
    READS(master, "\n");
    flags(0, 0, ECHONL); /* not of raw bytes */
    writes(master, "\n");
    READS(master, "");
    READS(slave, "c\nc\nc\nc\n\n");
    flags(0, 0, all | ECHOPRT);
    writes(master, "abc\x7f\x7f"
                   "d\x7f\n");
    READS(master, "abc\\cb/d\\d\n"); /* the newline is not the end of it */
    writes(master, "ab\x7f\x7f\x01\n");
    READS(master, "/ab\\ba/^A\n");
    READS(slave, "a\n\x01\n");
    flags(0, 0, all | IEXTEN);
    writes(master, "ab c\x17"
                   "d\x12"
                   "e\n"); /* word, reprint */
    READS(master, "ab c\b \bd^R\nab de\n");
    READS(slave, "ab de\n");
    special(VEOL, 'x');
    special(VEOL2, 'y');
    writes(master, "1x2y3\n");
    READS(master, "1x2y3\n");
    EQ(read(slave, (char[9]){0}, 9), 2);
    EQ(read(slave, (char[9]){0}, 9), 2);
    EQ(read(slave, (char[9]){0}, 9), 2);
}

TEST(restart, "stopped output goes on with any byte by IXANY, and with a signal")
{
    pair();
    flags(IXON | IXANY, 0, 0);
    OK(fcntl(slave, F_SETFL, O_NONBLOCK));
    types("\x13");
    STOPPED();
    types("q");
    writes(slave, "x");
    READS(master, "x");
    READS(slave, "q");
    types("\x13\x13");
    STOPPED();
    types("\x11");
    writes(slave, "y");
    READS(master, "y");
    flags(IXON, 0, ISIG);
    types("\x13");
    STOPPED();
    types("q");
    STOPPED();
    types("\x03");
    writes(slave, "z");
    READS(master, "z");
    types("\x13");
    STOPPED();
    flags(0, 0, 0); /* so does the end of IXON */
    writes(slave, "z");
    READS(master, "z");
}

TEST(flow, "tcflow, tcflush, tcsendbreak")
{
    int n;

    pair();
    flags(IXON, 0, 0);
    OK(fcntl(slave, F_SETFL, O_NONBLOCK));
    OK(tcflow(slave, TCOOFF));
    STOPPED();
    OK(tcflow(slave, TCOOFF));
    types("\x11"); /* what was stopped so goes on only so */
    STOPPED();
    OK(tcflow(slave, TCOON));
    writes(slave, "x");
    READS(master, "x");
    OK(tcflow(slave, TCIOFF));
    READS(master, "\x13");
    OK(tcflow(slave, TCION));
    READS(master, "\x11");
    ERR(tcflow(slave, 4), EINVAL);
    ERR(tcflow(slave, -1), EINVAL);
    ERR(tcflush(slave, 3), EINVAL);
    ERR(tcflush(slave, -1), EINVAL);
    OK(tcsendbreak(slave, 0));
    OK(tcdrain(slave));
    flags(0, 0, 0);
    types("abc");
    do
        OK(ioctl(slave, FIONREAD, &n));
    while (n != 3);
    OK(tcflush(slave, TCOFLUSH));
    OK(ioctl(slave, FIONREAD, &n));
    EQ(n, 3);
    OK(tcflush(slave, TCIFLUSH));
    OK(ioctl(slave, FIONREAD, &n));
    EQ(n, 0);
    ERR(read(slave, &n, 1), EAGAIN);
}

TEST(packets, "packet mode tells of output that stops, however it is stopped")
{
    int on = 1;

    pair();
    flags(IXON, 0, 0);
    OK(ioctl(master, TIOCPKT, &on));
    types("\x13");
    READS(master, "\x04");
    types("\x11");
    READS(master, "\x08");
    OK(tcflow(slave, TCOOFF));
    OK(tcflow(slave, TCOOFF));
    READS(master, "\x04");
    types("\x11\x13");
    READS(master, "");
    OK(tcflow(slave, TCOON));
    READS(master, "\x08");
    OK(tcflow(slave, TCOON));
    READS(master, "");
}

TEST(full, "a line that is too long: what is heard of it")
{
    static char line[6000];
    struct pollfd p = {master, POLLOUT, 0};
    int n, bells = 0;
    ssize_t got;

    pair();
    flags(IMAXBEL, 0, ICANON | ECHO);
    memset(line, 'a', sizeof(line));
    OK(fcntl(master, F_SETFL, O_NONBLOCK));
    for (int i = 0; i < 5990;) {
        ssize_t part = write(master, line, (size_t)(i < 3000 ? 1000 : 10));

        if (part > 0)
            i += (int)part;
        while ((got = read(master, line, 5000)) > 0)
            bells += !!memchr(line, '\a', (size_t)got);
        p.fd = master;
        poll(&p, 1, 20);
        memset(line, 'a', sizeof(line));
    }
    types("\n");
    OK(ioctl(slave, FIONREAD, &n));
    EQ(n, 4096);
    EQ(read(slave, line, sizeof(line)), 4096);
    EQ(line[4095], '\n');
    EQ(line[4094], 'a');
    EQ(bells, 0);
}

TEST(timed, "reads of raw bytes: VMIN and VTIME")
{
    char buf[20];
    uint64_t t0;
    pid_t child;

    pair();
    flags(0, 0, 0);
    special(VMIN, 0);
    special(VTIME, 0);
    EQ(read(slave, buf, 9), 0);
    OK(fcntl(slave, F_SETFL, O_NONBLOCK));
    EQ(read(slave, buf, 9), 0);
    special(VTIME, 1);
    ERR(read(slave, buf, 9), EAGAIN);
    OK(fcntl(slave, F_SETFL, 0));
    t0 = t_ns();
    EQ(read(slave, buf, 9), 0);
    CHECK(t_ns() - t0 > 90000000);
    writes(master, "ab");
    EQ(read(slave, buf, 9), 2);
    special(VMIN, 3);
    writes(master, "ab");
    t0 = t_ns();
    EQ(read(slave, buf, 9), 2); /* the time between two bytes */
    CHECK(t_ns() - t0 > 90000000);
    special(VTIME, 0);
    writes(master, "ab");
    EQ(read(slave, buf, 2), 2); /* as many as there is room for */
    child = t_fork();
    if (!child) {
        EQ(read(slave, buf, 9), 3);
        _exit(0);
    }
    writes(master, "a");
    writes(master, "b");
    t_until_asleep(child);
    writes(master, "c");
    t_join(child);
    OK(fcntl(slave, F_SETFL, O_NONBLOCK));
    ERR(read(slave, buf, 9), EAGAIN);
    writes(master, "a");
    EQ(read(slave, buf, 9), 1);
}

TEST(bad_memory, "terminals and memory that is not there")
{
    pair();
    flags(0, 0, 0);
    special(VMIN, 1);
    writes(master, "ab");
    ERR(read(slave, BAD, 2), EFAULT);
    ERR(write(slave, BAD, 2), EFAULT);
    ERR(write(master, BAD, 2), EFAULT);
    writes(slave, "ab");
    ERR(read(master, BAD, 2), EFAULT);
    ERR(ioctl(master, TIOCSPTLCK, BAD), EFAULT);
    ERR(ioctl(master, TIOCPKT, BAD), EFAULT);
    ERR(ioctl(master, TIOCGPTN, BAD), EFAULT);
    ERR(ioctl(slave, TCGETS, BAD), EFAULT);
    ERR(ioctl(slave, TCSETS, BAD), EFAULT);
    ERR(ioctl(slave, TIOCGWINSZ, BAD), EFAULT);
    ERR(ioctl(slave, TIOCSWINSZ, BAD), EFAULT);
    ERR(ioctl(slave, FIONREAD, BAD), EFAULT);
    ERR(ioctl(slave, TIOCOUTQ, BAD), EFAULT);
    ERR(ioctl(slave, TIOCGETD, BAD), EFAULT);
    ERR(ioctl(slave, TIOCSPTLCK, &master), ENOTTY);
    ERR(ioctl(slave, TIOCGPTN, &master), ENOTTY);
    ERR(ioctl(slave, 0x54ff, NULL), ENOTTY);
    ERR(lseek(slave, 0, SEEK_SET), ESPIPE);
    ERR(pread(slave, &master, 1, 0), ESPIPE);
}

TEST(names, "the names in /dev/pts")
{
    static const char *const none[] = {"/dev/pts/00", "/dev/pts/999", "/dev/pts/a",
                                       "/dev/pts/1a", "/dev/pts/4294967296"};
    struct dirent *e;
    int seen = 0, dots = 0;
    DIR *d;

    pair();
    CHECK(d = opendir("/dev/pts"));
    for (int turn = 0; turn < 2; turn++) {
        while ((e = readdir(d))) {
            dots += e->d_name[0] == '.';
            if (strcmp(e->d_name, strrchr(ptsname(master), '/') + 1) == 0) {
                seen++;
                EQ(e->d_type, DT_CHR);
            }
        }
        rewinddir(d);
    }
    EQ(seen, 2);
    EQ(dots, 4);
    for (int i = 0; i < 5; i++)
        ERR(open(none[i], O_RDONLY | O_NOCTTY), ENOENT);
    OK(close(master));
    while ((e = readdir(d)))
        CHECK(
            strcmp(e->d_name, strrchr(ptsname(slave) ? ptsname(slave) : "/-", '/') + 1));
}

TEST(stolen, "root takes a terminal from another session")
{
    int go[2], done[2];
    pid_t owner;

    pair();
    OK(pipe(go));
    OK(pipe(done));
    owner = t_fork();
    if (!owner) {
        char c;

        OK(setsid());
        OK(ioctl(slave, TIOCSCTTY, 0));
        EQ(tcgetsid(slave), getpid());
        OK(close(open("/dev/tty", O_RDWR)));
        writes(done[1], "x");
        EQ(read(go[0], &c, 1), 1);
        if (!geteuid()) {
            ERR(open("/dev/tty", O_RDWR), ENXIO);
            ERR(tcgetsid(slave), ENOTTY);
            ERR(tcgetpgrp(slave), ENOTTY);
        }
        _exit(0);
    }
    CHILD({
        char c;

        EQ(read(done[0], &c, 1), 1);
        ERR(ioctl(slave, TIOCSCTTY, 1), EPERM); /* leads no session */
        OK(setsid());
        ERR(ioctl(slave, TIOCSCTTY, 0), EPERM);
        if (geteuid()) {
            ERR(ioctl(slave, TIOCSCTTY, 1), EPERM);
        } else {
            OK(ioctl(slave, TIOCSCTTY, 1));
            EQ(tcgetsid(slave), getpid());
            OK(ioctl(slave, TIOCSCTTY, 0));
        }
        writes(go[1], "x");
    });
    t_join(owner);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
