/* SPDX-License-Identifier: MIT
 *
 * runs: here
 * begun: user/exercises/book.h book_insert
 */
#include "tests/exercises/check.h"
#include "user/exercises/book.h"

#define MOST 200

/* Which page of the book carries which word, by brute force. */
static uint64_t model[MOST];
static size_t n;

static void compare(const struct book *b, int turn)
{
    EQ(b->n, n);
    for (size_t i = 0; i < n; i++) {
        uint64_t first = *(const uint64_t *)(b->pages + i * P);
        uint64_t last = *(const uint64_t *)(b->pages + i * P + P - 8);

        if (first != model[i] || last != ~model[i])
            FAIL("turn %d: page %zu has %llx, want %llx", turn, i,
                 (unsigned long long)first, (unsigned long long)model[i]);
    }
}

int main(void)
{
    struct book b;
    unsigned seed = 1;
    uint64_t word = 1;

    CHECK(book_open(&b, MOST) == 0);
    for (int turn = 0; turn < 2000; turn++) {
        size_t at = n ? (size_t)rand_r(&seed) % (n + 1) : 0;

        if (n < MOST && (n < 5 || rand_r(&seed) % 5 < 3)) {
            CHECK(book_insert(&b, at) == 0);
            memmove(model + at + 1, model + at, (n - at) * sizeof(*model));
            n++;
            /* A new page is empty, whatever was torn out before. */
            for (size_t i = 0; i < P / 8; i++)
                EQ(((uint64_t *)(b.pages + at * P))[i], 0);
            model[at] = word++;
            *(uint64_t *)(b.pages + at * P) = model[at];
            *(uint64_t *)(b.pages + at * P + P - 8) = ~model[at];
        } else if (at < n) {
            CHECK(book_remove(&b, at) == 0);
            memmove(model + at, model + at + 1, (n - at - 1) * sizeof(*model));
            n--;
        }
        compare(&b, turn);
    }
    while (n < MOST) {
        CHECK(book_insert(&b, n) == 0);
        n++;
    }
    ERR(book_insert(&b, 0), ENOSPC);
    ERR(book_remove(&b, MOST), EINVAL);
    book_close(&b);
    return 0;
}
