/* SPDX-License-Identifier: MIT
 *
 * What the host tests are written with. Each TEST runs in a process of its own on a freshly
 * booted memory system; afterwards mm_check_all() runs and every page must be free again.
 */
#pragma once

#include "lib/assert.h"
#include "lib/lock.h"
#include "lib/types.h"
#include <setjmp.h>

struct test {
    const char *name;
    const char *file;
    void (*run)(void);
    unsigned seconds; /* time limit of a quiet machine; a busy one has BUSY times that */
};

#define TEST_LIMIT(name_, seconds_)                                                   \
    static void name_(void);                                                          \
    static const struct test test_##name_ = {#name_, __FILE__, name_, seconds_};      \
    __attribute__((                                                                   \
        used, section("host_tests"))) static const struct test *const entry_##name_ = \
        &test_##name_;                                                                \
    static void name_(void)

#define BUSY        5
#define TEST(name_) TEST_LIMIT(name_, 60)

/* Prints the message with its place and ends the test. */
noreturn void test_fail(const char *file, int line, const char *fmt, ...)
    printf_like(3, 4);

#define FAIL(...) test_fail(__FILE__, __LINE__, __VA_ARGS__)

#define CHECK(cond)            \
    do {                       \
        if (unlikely(!(cond))) \
            FAIL("%s", #cond); \
    } while (0)

#define CHECK_EQ(a, b)                                                    \
    do {                                                                  \
        long long a_ = (long long)(a), b_ = (long long)(b);               \
        if (unlikely(a_ != b_))                                           \
            FAIL("%s is %lld (%#llx), not %s = %lld (%#llx)", #a, a_,     \
                 (unsigned long long)a_, #b, b_, (unsigned long long)b_); \
    } while (0)

/* The statement must panic. What it had in hand is lost: use it last in a test, after
 * test_no_balance(). */
#define CHECK_PANIC(...)                        \
    do {                                        \
        if (setjmp(*test_panic_jump()) == 0) {  \
            __VA_ARGS__;                        \
            test_panic_end();                   \
            FAIL("no panic: %s", #__VA_ARGS__); \
        }                                       \
        test_panic_end();                       \
    } while (0)

/* The value of an expression, worked out with a lock held. */
#define UNDER(lock, expr)  \
    ({                     \
        SCOPED_LOCK(lock); \
        expr;              \
    })

jmp_buf *test_panic_jump(void);
void test_panic_end(void);

/* This test leaves the memory system in pieces: no final check. */
void test_no_balance(void);

/* Pseudo-random numbers (splitmix64); test_rand draws from the run's seed. */
u64 rng_next(u64 *state);
u64 test_rand(void);
u64 test_seed(void);

/* Text printed only with -v. */
void test_note(const char *fmt, ...) printf_like(1, 2);
