/* SPDX-License-Identifier: MIT
 *
 * runs: here lib/pack.c
 * begun: lib/pack.h unpack_page
 */
#include "lib/pack.h"
#include "tests/exercises/check.h"

static unsigned seed = 1;
static u8 page[P], again[P];

static unsigned draw(unsigned n)
{
    return (unsigned)rand_r(&seed) % n;
}

/* Buffers of the very size, so that the sanitizer sees each byte beyond. */
static size_t pack(size_t room, u8 **out)
{
    u8 *in = malloc(P);
    size_t n;

    memcpy(in, page, P);
    *out = malloc(room ? room : 1);
    n = pack_page(in, *out, room);
    CHECK(n <= room && memcmp(in, page, P) == 0);
    free(in);
    return n;
}

static bool unpack(const u8 *bytes, size_t n)
{
    u8 *in = malloc(n ? n : 1), *out = malloc(P);
    bool good;

    memcpy(in, bytes, n);
    good = unpack_page(in, n, out);
    memcpy(again, out, P);
    free(in);
    free(out);
    return good;
}

/* Bytes packed; the way back gives the same, and less room is not overrun. */
static size_t round_trip(void)
{
    u8 *bytes, *less;
    size_t n = pack(P - 1, &bytes);

    if (n) {
        CHECK(unpack(bytes, n) && memcmp(page, again, P) == 0);
        EQ(pack(n - 1, &less), 0);
        free(less);
        EQ(pack(n, &less), n);
        free(less);
        CHECK(!unpack(bytes, n - 1) || memcmp(page, again, P) != 0);
    }
    free(bytes);
    return n;
}

static void make(unsigned kind)
{
    static const char *const words[] = {"page ", "fault ",  "home ",
                                        "away ", "table\n", "of the "};

    memset(page, 0, P);
    for (size_t i = 0; i < P;) {
        if (kind == 0) { /* words of a text */
            for (const char *c = words[draw(6)]; *c && i < P; c++)
                page[i++] = (u8)*c;
        } else if (kind == 1) { /* numbers that look alike */
            u64 pointer = 0xffff888000000000ull + draw(1 << 20) * 64ull;

            memcpy(page + i, &pointer, 8);
            i += 8;
        } else if (kind == 2) { /* islands */
            i += draw(300);
            for (unsigned k = draw(20); k && i < P; k--)
                page[i++] = (u8)draw(256);
        } else {
            page[i++] = (u8)draw(256);
        }
    }
}

static void damage(void)
{
    u8 *bytes;
    size_t n = pack(P - 1, &bytes);

    for (int k = 0; n && k < 20; k++) {
        size_t at = draw((unsigned)n);
        u8 kept = bytes[at];

        bytes[at] = (u8)draw(256);
        (void)unpack(
            bytes, n - draw((unsigned)n)); /* says what it likes, writes only the page */
        bytes[at] = kept;
    }
    free(bytes);
}

int main(void)
{
    u8 noise[64];

    memset(page, 0, P);
    CHECK(round_trip() > 0 && round_trip() <= 64);
    memset(page, 0xcc, P);
    CHECK(round_trip() > 0 && round_trip() <= 64);
    for (int turn = 0; turn < 300; turn++) {
        static const size_t most[] = {P * 6 / 10, P * 8 / 10, P * 6 / 10};
        unsigned kind = draw(3);
        size_t n;

        make(kind);
        n = round_trip();
        if (n == 0 || n > most[kind])
            FAIL("a page of kind %u takes %zu bytes, may take %zu", kind, n, most[kind]);
        damage();
    }
    for (int turn = 0; turn < 20; turn++) {
        make(3);
        EQ(round_trip(), 0); /* noise does not get smaller */
    }
    for (int turn = 0; turn < 20000; turn++) {
        for (size_t i = 0; i < sizeof(noise); i++)
            noise[i] = (u8)draw(256);
        (void)unpack(noise, draw(sizeof(noise) + 1));
    }
    return 0;
}
