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
#include <sys/mman.h>
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
    uint8_t *window;
    uint32_t cols, rows, n;
    uint32_t *shows; /* by place: the file page it shows */
    uint32_t *place; /* by file page: where it is */
    uint64_t *sums;  /* by file page */
    uint64_t seed, remaps, remap_ns;
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

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t rnd(struct mosaic *m)
{
    m->seed ^= m->seed << 13;
    m->seed ^= m->seed >> 7;
    m->seed ^= m->seed << 17;
    return m->seed >> 11;
}

static uint64_t sum_of(const uint8_t *page)
{
    const uint64_t *w = (const uint64_t *)page;
    uint64_t sum = 0;

    for (size_t i = 0; i < TILE_BYTES / 8; i++)
        sum = (sum ^ w[i]) * 0x9e3779b97f4a7c15ull;
    return sum;
}

/* Every place shows the page that it should, bit by bit. */
static bool all_right(const struct mosaic *m)
{
    for (uint32_t i = 0; i < m->n; i++)
        if (sum_of(m->window + (size_t)i * TILE_BYTES) != m->sums[m->shows[i]])
            return false;
    return true;
}

/* Areas of /proc/self/maps that lie in the window. */
static unsigned count_areas(const struct mosaic *m)
{
    uintptr_t from = (uintptr_t)m->window, to = from + (size_t)m->n * TILE_BYTES;
    FILE *f = fopen("/proc/self/maps", "r");
    unsigned long start, end;
    char line[512];
    unsigned n = 0;

    while (f && fgets(line, sizeof(line), f))
        if (sscanf(line, "%lx-%lx", &start, &end) == 2 && start < to && end > from)
            n++;
    if (f)
        fclose(f);
    return n;
}

/* ---- the window ---- */

/* A file that nobody else sees, mapped; its pages are the tiles in order. */
static bool window_open(struct mosaic *m)
{
    char name[] = "/tmp/mosaic-XXXXXX";
    size_t nbytes = (size_t)m->n * TILE_BYTES;
    int fd = mkstemp(name);

    if (fd < 0)
        return false;
    unlink(name);
    m->window = MAP_FAILED;
    if (ftruncate(fd, (off_t)nbytes) == 0)
        m->window = mmap(NULL, nbytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    m->shows = calloc(m->n, sizeof(*m->shows));
    m->place = calloc(m->n, sizeof(*m->place));
    m->sums = calloc(m->n, sizeof(*m->sums));
    return m->window != MAP_FAILED && m->shows && m->place && m->sums;
}

static void window_begin(struct mosaic *m)
{
    for (uint32_t i = 0; i < m->n; i++) {
        m->shows[i] = m->place[i] = i;
        m->sums[i] = sum_of(m->window + (size_t)i * TILE_BYTES);
    }
}

static void draw_place(const struct mosaic *m, uint32_t i)
{
    if (m->screen)
        screen_tile(m->screen, i % m->cols, i / m->cols,
                    (const uint32_t *)(m->window + (size_t)i * TILE_BYTES));
}

static bool show(struct mosaic *m, uint32_t i, uint32_t page)
{
    m->shows[i] = page;
    m->place[page] = i;
    m->remaps++;
    return remap_file_pages(m->window + (size_t)i * TILE_BYTES, TILE_BYTES, 0, page, 0) ==
           0;
}

/* Exchanges what two places show. */
static bool swap(struct mosaic *m, uint32_t a, uint32_t b)
{
    uint32_t was = m->shows[a];
    uint64_t from = now_ns();
    bool done = show(m, a, m->shows[b]) && show(m, b, was);

    m->remap_ns += now_ns() - from;
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
    uint32_t burst = m->n / BURSTS + 1;
    bool ok = true;

    switch (m->phase) {
    case WHOLE:
        rest(m, SHUFFLE, m->n - 1);
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
        for (; burst && m->at < m->n && ok; burst--, m->at++)
            if (m->place[m->at] != m->at)
                ok = swap(m, m->at, m->place[m->at]);
        if (m->at == m->n) {
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
           phase_name(m->phase), m->n, count_areas(m), (unsigned long long)m->remaps);
    text_picture((const uint32_t *)m->window, m->cols, m->rows);
    fflush(stdout);
}

struct rate {
    uint64_t since, remaps, a_second;
    unsigned areas;
};

static void say_on_screen(const struct mosaic *m, struct rate *r)
{
    uint64_t now = now_ns(), each = m->remaps ? m->remap_ns / m->remaps : 0;
    char text[160];

    if (now - r->since >= 500000000u) {
        r->a_second = (m->remaps - r->remaps) * 1000000000u / (now - r->since);
        r->remaps = m->remaps;
        r->since = now;
        r->areas = count_areas(m);
    }
    snprintf(
        text, sizeof(text),
        " %-9s  %u pages in %u VMA  %llu remaps  %llu/s  %llu.%02llu us each  q: quit",
        phase_name(m->phase), m->n, r->areas, (unsigned long long)m->remaps,
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
static void stand_still(long frame)
{
    struct pollfd key = {.fd = 0, .events = POLLIN};

    printf("mosaic: standing still at frame %ld\n", frame);
    fflush(stdout);
    poll(&key, 1, -1);
}

/* Frames until somebody or the count ends it; how many there were, or -1 with errno. */
static long run(struct mosaic *m, const struct options *o)
{
    struct rate r = {.since = now_ns(), .areas = count_areas(m)};
    enum phase before = MIXED;
    long frames = 0;

    for (uint32_t i = 0; i < m->n; i++)
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
            stand_still(frames);
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
    if (!window_open(m))
        return strerror(errno);
    if (o->picture)
        return picture_load(o->picture, (uint32_t *)m->window, m->cols, m->rows);
    picture_draw((uint32_t *)m->window, m->cols, m->rows);
    return NULL;
}

int main(int argc, char **argv)
{
    struct options o = {.seed = 1};
    struct screen screen;
    struct mosaic m = {.cols = TEXT_COLS, .rows = TEXT_ROWS};
    const char *wrong = NULL;
    long frames;
    bool right;

    if (!parse(argc, argv, &o))
        return usage();
    if (!o.text) {
        wrong = screen_open(&screen);
        if (wrong) {
            fprintf(stderr, "mosaic: /dev/fb0: %s (--text does without)\n", wrong);
            return 1;
        }
        m.screen = &screen;
        screen_grid(&screen, &m.cols, &m.rows);
    }
    m.n = m.cols * m.rows;
    m.seed = o.seed * 2654435769u + 88172645463325252ull;
    wrong = fill(&m, &o);
    if (wrong) {
        if (m.screen)
            screen_close(m.screen);
        fprintf(stderr, "mosaic: %s: %s\n", o.picture ? o.picture : "picture", wrong);
        return 1;
    }
    window_begin(&m);
    keys_open();
    frames = run(&m, &o);
    if (frames < 0)
        wrong = strerror(errno);
    right = all_right(&m);
    if (m.screen)
        screen_close(m.screen);
    if (raw)
        tcsetattr(0, TCSANOW, &saved_termios);
    if (wrong) {
        fprintf(stderr, "mosaic: remap_file_pages: %s\n", wrong);
        return 1;
    }
    printf("mosaic: %ld frames, %llu remaps, %u pages in %u area(s): %s\n", frames,
           (unsigned long long)m.remaps, m.n, count_areas(&m), right ? "ok" : "WRONG");
    return !right;
}
