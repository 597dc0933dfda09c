/* SPDX-License-Identifier: MIT
 *
 * A picture of pages: each page of a file is a tile of 32 x 32 pixels, and the window is one
 * shared mapping of that file. The picture is shuffled and sorted again by remap_file_pages
 * alone; no pixel of the file moves, and the window stays one area.
 *
 *   mosaic [--text] [--frames N] [--still N] [--seed N] [PICTURE.ppm]
 *
 * Shows on /dev/fb0 until q, or as letters with --text; --still stops at frame N until a key.
 * Ends with a check of every page.
 */
#define _GNU_SOURCE
#include "user/mosaic/mosaic.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define FRAME_NS  33333333ull
#define PAUSE     30u /* frames of rest between the phases */
#define BURSTS    60u /* frames of a phase, about */
#define TEXT_COLS 32u
#define TEXT_ROWS 22u

enum phase { WHOLE, SHUFFLE, MIXED, SORT };

struct mosaic {
    struct window w;
    uint32_t cols, rows;
    uint64_t seed;
    enum phase phase;
    uint32_t at;           /* next place of the phase, or frames of rest */
    struct screen *screen; /* NULL: text */
};

struct options {
    bool text;
    uint64_t frames, still, seed; /* frames 0: until q; still 0: never */
    const char *picture;
};

static volatile sig_atomic_t stopped;
static struct termios saved_termios;
static bool raw;

static uint64_t rnd(struct mosaic *m)
{
    m->seed ^= m->seed << 13;
    m->seed ^= m->seed >> 7;
    m->seed ^= m->seed << 17;
    return m->seed >> 11;
}

static void draw_place(const struct mosaic *m, uint32_t i)
{
    if (m->screen)
        screen_tile(m->screen, i % m->cols, i / m->cols,
                    (const uint32_t *)(m->w.bytes + (size_t)i * TILE_BYTES));
}

/* Exchanges what two places show. */
static bool swap(struct mosaic *m, uint32_t a, uint32_t b)
{
    bool done = window_swap(&m->w, a, b);

    draw_place(m, a);
    draw_place(m, b);
    return done;
}

/* ---- the phases ---- */

static void rest(struct mosaic *m, enum phase next, uint32_t at)
{
    if (++m->at < PAUSE)
        return;
    m->phase = next;
    m->at = at;
}

/* One frame. False: a call failed. */
static bool step(struct mosaic *m)
{
    uint32_t burst = m->w.n / BURSTS + 1;
    bool ok = true;

    switch (m->phase) {
    case WHOLE:
        rest(m, SHUFFLE, m->w.n - 1);
        break;
    case SHUFFLE: /* Fisher and Yates, from the end */
        for (; burst && m->at && ok; burst--, m->at--)
            ok = swap(m, m->at, (uint32_t)(rnd(m) % (m->at + 1)));
        if (m->at == 0)
            m->phase = MIXED;
        break;
    case MIXED:
        rest(m, SORT, 0);
        break;
    case SORT:
        for (; burst && m->at < m->w.n && ok; burst--, m->at++)
            if (m->w.place[m->at] != m->at)
                ok = swap(m, m->at, m->w.place[m->at]);
        if (m->at == m->w.n) {
            m->phase = WHOLE;
            m->at = 0;
        }
        break;
    }
    return ok;
}

/* ---- what is said ---- */

static const char *phase_name(enum phase p)
{
    static const char *const names[] = {"whole", "shuffling", "mixed", "sorting"};

    return names[p];
}

/* With a terminal each frame at the same place; else only pictures that rest. */
static void print_frame(const struct mosaic *m, bool begins)
{
    bool moving = isatty(1);

    if (!moving && !(begins && (m->phase == WHOLE || m->phase == MIXED)))
        return;
    printf("%smosaic: %s, %u pages in %u area(s), %llu remaps\n", moving ? "\033[H" : "",
           phase_name(m->phase), m->w.n, window_areas(&m->w),
           (unsigned long long)m->w.remaps);
    text_picture((const uint32_t *)m->w.bytes, m->cols, m->rows);
    fflush(stdout);
}

struct rate {
    uint64_t since, remaps, a_second;
    unsigned areas;
};

static void say_on_screen(const struct mosaic *m, struct rate *r)
{
    uint64_t now = now_ns(), each = m->w.remaps ? m->w.remap_ns / m->w.remaps : 0;
    char text[160];

    if (now - r->since >= 500000000u) {
        r->a_second = (m->w.remaps - r->remaps) * 1000000000u / (now - r->since);
        r->remaps = m->w.remaps;
        r->since = now;
        r->areas = window_areas(&m->w);
    }
    snprintf(
        text, sizeof(text),
        " %-9s  %u pages in %u VMA  %llu remaps  %llu/s  %llu.%02llu us each  q: quit",
        phase_name(m->phase), m->w.n, r->areas, (unsigned long long)m->w.remaps,
        (unsigned long long)r->a_second, (unsigned long long)each / 1000,
        (unsigned long long)each % 1000 / 10);
    screen_text(m->screen, text);
}

/* ---- running ---- */

static void on_signal(int sig)
{
    (void)sig;
    stopped = 1;
}

static void keys_open(void)
{
    struct termios t;

    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    signal(SIGHUP, on_signal);
    if (!isatty(0) || tcgetattr(0, &saved_termios) != 0)
        return;
    t = saved_termios;
    t.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    t.c_cc[VMIN] = 0;
    t.c_cc[VTIME] = 0;
    raw = tcsetattr(0, TCSANOW, &t) == 0;
}

static bool quit_wanted(void)
{
    char c;

    while (raw && read(0, &c, 1) == 1)
        if (c == 'q' || c == 'Q')
            return true;
    return stopped;
}

static void wait_until(uint64_t moment)
{
    uint64_t now = now_ns();
    struct timespec t = {0};

    if (now >= moment)
        return;
    t.tv_nsec = (long)(moment - now); /* less than a frame */
    nanosleep(&t, NULL);
}

/* For a look at leisure, or a photograph. */
static void stand_still(const struct mosaic *m, long frame)
{
    struct pollfd key = {.fd = 0, .events = POLLIN};

    if (m->screen)
        screen_flush(m->screen);
    printf("mosaic: standing still at frame %ld\n", frame);
    fflush(stdout);
    poll(&key, 1, -1);
}

/* Frames until somebody or the count ends it; how many there were, or -1 with errno. */
static long run(struct mosaic *m, const struct options *o)
{
    struct rate r = {.since = now_ns(), .areas = window_areas(&m->w)};
    enum phase before = MIXED;
    long frames = 0;

    for (uint32_t i = 0; i < m->w.n; i++)
        draw_place(m, i);
    while (!quit_wanted() && (!o->frames || (uint64_t)frames < o->frames)) {
        uint64_t begin = now_ns();

        if (m->screen)
            say_on_screen(m, &r);
        else
            print_frame(m, m->phase != before);
        before = m->phase;
        if (!step(m))
            return -1;
        frames++;
        if (o->still && (uint64_t)frames == o->still)
            stand_still(m, frames);
        else if (m->screen || isatty(1))
            wait_until(begin + FRAME_NS);
    }
    return frames;
}

static int usage(void)
{
    fprintf(stderr,
            "usage: mosaic [--text] [--frames N] [--still N] [--seed N] [PICTURE.ppm]\n");
    return 2;
}

/* Where the number of this option goes, or NULL. */
static uint64_t *numbered(struct options *o, const char *word)
{
    if (!strcmp(word, "--frames"))
        return &o->frames;
    if (!strcmp(word, "--still"))
        return &o->still;
    return !strcmp(word, "--seed") ? &o->seed : NULL;
}

static bool parse(int argc, char **argv, struct options *o)
{
    for (int i = 1; i < argc; i++) {
        uint64_t *number = numbered(o, argv[i]);
        char *end;

        if (number) {
            if (++i == argc || argv[i][0] < '0' || argv[i][0] > '9')
                return false;
            *number = strtoull(argv[i], &end, 10);
            if (*end)
                return false;
        } else if (!strcmp(argv[i], "--text")) {
            o->text = true;
        } else if (argv[i][0] == '-' || o->picture) {
            return false;
        } else {
            o->picture = argv[i];
        }
    }
    return true;
}

/* The picture into the file's pages. NULL, or what is wrong. */
static const char *fill(struct mosaic *m, const struct options *o)
{
    if (m->cols == 0 || m->rows == 0)
        return "the screen is too small";
    if (!window_open(&m->w, m->cols * m->rows))
        return strerror(errno);
    if (o->picture)
        return picture_load(o->picture, (uint32_t *)m->w.bytes, m->cols, m->rows);
    picture_draw((uint32_t *)m->w.bytes, m->cols, m->rows);
    return NULL;
}

/* From the picture to the last frame; the program's status. */
static int play(struct mosaic *m, const struct options *o)
{
    const char *wrong = fill(m, o);
    long frames;

    if (wrong) {
        fprintf(stderr, "mosaic: %s: %s\n", o->picture ? o->picture : "picture", wrong);
        return 1;
    }
    window_begin(&m->w);
    keys_open();
    frames = run(m, o);
    if (frames < 0)
        perror("mosaic: remap_file_pages");
    if (raw)
        tcsetattr(0, TCSANOW, &saved_termios);
    if (frames < 0)
        return 1;
    printf("mosaic: %ld frames, %llu remaps, %u pages in %u area(s): ", frames,
           (unsigned long long)m->w.remaps, m->w.n, window_areas(&m->w));
    puts(window_right(&m->w) ? "ok" : "WRONG");
    return !window_right(&m->w);
}

int main(int argc, char **argv)
{
    struct options o = {.seed = 1};
    struct screen screen;
    struct mosaic m = {.cols = TEXT_COLS, .rows = TEXT_ROWS};
    int status;

    if (!parse(argc, argv, &o))
        return usage();
    if (!o.text) {
        const char *wrong = screen_open(&screen);

        if (wrong) {
            fprintf(stderr, "mosaic: /dev/fb0: %s (--text does without)\n", wrong);
            return 1;
        }
        m.screen = &screen;
        screen_grid(&screen, &m.cols, &m.rows);
    }
    m.seed = o.seed * 2654435769u + 88172645463325252ull;
    status = play(&m, &o);
    window_close(&m.w);
    if (m.screen)
        screen_close(m.screen);
    return status;
}
