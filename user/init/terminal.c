/* SPDX-License-Identifier: MIT
 *
 * The terminal of a program that tools/run started from one: a pseudo-terminal, two processes
 * that move its bytes to the host's ports and back. What comes in is messages: 'd', a length
 * byte and that many keys; 'w' and the new size, rows and columns in two bytes each, low byte
 * first.
 */
#include "terminal.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define TERMINAL_FILE "/etc/tessera/terminal"
#define INPUT_PORT    "/dev/host0"
#define NAP_US        5000
#define FINISH_NAPS   400

/* The file's words, each ending with 0: the numbers of the streams, rows, columns, TERM=...,
 * LANG=... */
static bool read_settings(struct terminal *t, struct winsize *size)
{
    char text[256], *at = text;
    const char *words[5];
    int fd = open(TERMINAL_FILE, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return false;
    text[n] = '\0';
    for (int i = 0; i < 5; i++) {
        if (at >= text + n)
            return false;
        words[i] = at;
        at += strlen(at) + 1;
    }
    for (int i = 0; i < 3; i++)
        t->is[i] = strchr(words[0], '0' + i) != NULL;
    size->ws_row = (unsigned short)atoi(words[1]);
    size->ws_col = (unsigned short)atoi(words[2]);
    snprintf(t->term, sizeof(t->term), "%s", words[3]);
    snprintf(t->lang, sizeof(t->lang), "%s", words[4]);
    return true;
}

bool terminal_open(struct terminal *t)
{
    struct winsize size = {0};
    char name[64];

    memset(t, 0, sizeof(*t));
    if (!read_settings(t, &size))
        return false;
    t->master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (t->master < 0 || grantpt(t->master) != 0 || unlockpt(t->master) != 0 ||
        ptsname_r(t->master, name, sizeof(name)) != 0)
        return false;
    t->slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (t->slave < 0)
        return false;
    ioctl(t->master, TIOCSWINSZ, &size);
    return true;
}

void terminal_enter(const struct terminal *t)
{
    ioctl(t->slave, TIOCSCTTY, 0);
    for (int i = 0; i < 3; i++)
        if (t->is[i])
            dup2(t->slave, i);
}

static void write_all(int fd, const uint8_t *bytes, size_t n)
{
    while (n) {
        ssize_t part = write(fd, bytes, n);

        if (part < 0 && errno != EINTR)
            return;
        if (part > 0) {
            bytes += part;
            n -= (size_t)part;
        }
    }
}

/* Exactly n bytes; false at the end of the input. */
static bool read_all(int fd, uint8_t *bytes, size_t n)
{
    while (n) {
        ssize_t part = read(fd, bytes, n);

        if (part == 0 || (part < 0 && errno != EINTR))
            return false;
        if (part > 0) {
            bytes += part;
            n -= (size_t)part;
        }
    }
    return true;
}

static _Noreturn void move_in(int master)
{
    uint8_t kind, head[4], bytes[256];
    int fd = open(INPUT_PORT, O_RDONLY);

    while (fd >= 0 && read_all(fd, &kind, 1)) {
        if (kind == 'w' && read_all(fd, head, 4)) {
            struct winsize size = {.ws_row = (unsigned short)(head[0] | head[1] << 8),
                                   .ws_col = (unsigned short)(head[2] | head[3] << 8)};

            ioctl(master, TIOCSWINSZ, &size);
        } else if (kind == 'd' && read_all(fd, head, 1) && read_all(fd, bytes, head[0])) {
            write_all(master, bytes, head[0]);
        }
    }
    _exit(0);
}

/* Ends when no process has the terminal open any more. */
static _Noreturn void move_out(int master, const char *port)
{
    uint8_t bytes[4096];
    int fd = open(port, O_WRONLY);
    ssize_t n;

    while ((n = read(master, bytes, sizeof(bytes))) > 0 || (n < 0 && errno == EINTR))
        if (n > 0)
            write_all(fd, bytes, (size_t)n);
    _exit(0);
}

void terminal_start(struct terminal *t)
{
    t->out = fork();
    if (t->out == 0) {
        close(t->slave);
        move_out(t->master, t->is[1] ? "/dev/host1" : "/dev/host2");
    }
    if (t->is[0] && fork() == 0) {
        close(t->slave);
        move_in(t->master);
    }
}

void terminal_finish(struct terminal *t)
{
    close(t->slave);
    for (int i = 0; i < FINISH_NAPS && waitpid(t->out, NULL, WNOHANG) == 0; i++)
        usleep(NAP_US);
}
