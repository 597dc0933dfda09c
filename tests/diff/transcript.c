/* SPDX-License-Identifier: MIT
 *
 * The transcript: a line for each operation, summed up in a digest or written out; and
 * looking at memory with the signals caught.
 */
#include "tests/diff/diff.h"
#include <stdarg.h>

static char line[4096];
static size_t length;

void say(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(line + length, sizeof(line) - length, fmt, ap);
    va_end(ap);
    length += (size_t)n;
    if (length > sizeof(line) - 2)
        length = sizeof(line) - 2;
}

void say_end(void)
{
    uint64_t d = common->digest;
    line[length++] = '\n';
    for (size_t i = 0; i < length; i++)
        d = (d ^ (unsigned char)line[i]) * 0x100000001b3ull;
    common->digest = d;
    common->lines++;
    if (full_text && write(1, line, length) < 0)
        _exit(3);
    length = 0;
}

long say_result(long result)
{
    if (result == -1) {
        int err = errno;
        if (err == EPERM || err == EACCES)
            hit(err == EPERM ? SEAL_REFUSES : NO_RIGHT, PLAIN);
        say(" = E%d", err);
        return -err;
    }
    say(" = %ld", result);
    return result;
}

long say_address(void *got)
{
    if (got == MAP_FAILED)
        return say_result(-1);
    size_t at = (size_t)((unsigned char *)got - ARENA);
    say(at < PAGES * P ? " = +%#zx" : " = elsewhere", at);
    return 0;
}

/* ---- memory under the catcher ---- */
static __thread jmp_buf back;
static __thread volatile bool armed;
static __thread siginfo_t caught;

static void on_fault(int sig, siginfo_t *info, void *context)
{
    (void)context;
    if (!armed) {
        say("unexpected signal %d code %d address %p", sig, info->si_code, info->si_addr);
        say_end();
        _exit(4);
    }
    armed = false;
    caught = *info;
    _longjmp(back, sig);
}

void touch_arm(void)
{
    struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
    sigaction(SIGSEGV, &sa, NULL);
    sigaction(SIGBUS, &sa, NULL);
}

int touch_read(const volatile void *p, uint64_t *value)
{
    int sig = _setjmp(back);
    if (sig)
        return sig;
    armed = true;
    *value = *(const volatile uint64_t *)p;
    armed = false;
    return 0;
}

int touch_write(volatile void *p, uint64_t value)
{
    int sig = _setjmp(back);
    if (sig)
        return sig;
    armed = true;
    *(volatile uint64_t *)p = value;
    armed = false;
    return 0;
}

static void say_signal(size_t i, int sig)
{
    hit(sig == SIGBUS ? BUS : SEGV, PLAIN);
    say(" %zu:%s/%d@%+ld", i, sig == SIGBUS ? "BUS" : "SEGV", caught.si_code,
        (long)((unsigned char *)caught.si_addr - (ARENA + i * P)));
}

/* Four words of a page, or the signal. */
static bool sum_page(size_t i, uint64_t *sum)
{
    static const size_t places[] = {0, 8, 2040, 4088};
    for (int k = 0; k < 4; k++) {
        uint64_t v = 0;
        int sig = touch_read(ARENA + i * P + places[k], &v);
        if (sig) {
            say_signal(i, sig);
            return false;
        }
        *sum = (*sum ^ v) * 0x9e3779b97f4a7c15ull + i;
    }
    return true;
}

void say_contents(size_t at, size_t n, size_t samples)
{
    uint64_t sum = 0;
    int signals = 0;
    for (size_t k = 0; k < samples && k < n; k++) {
        size_t i = at + (samples >= n ? k : k == 0 ? 0 : k == 1 ? n - 1 : pick(n));
        if (!readable(i) && signals >= 2)
            continue;
        signals += !sum_page(i, &sum);
    }
    say(" sum %08x", (unsigned)(sum >> 32));
}

void say_file(int file)
{
    struct stat st;
    fstat(fds[file], &st);
    common->size[file] = st.st_size;
    say(" size %lld blocks %lld", (long long)st.st_size, (long long)st.st_blocks);
}

/* What the files hold, so that a page too many shows where it comes from. */
void say_blocks(void)
{
    struct stat st;
    say(" blocks");
    for (int i = 0; i < FILES; i++)
        say(" %lld", fstat(fds[i], &st) ? -1LL : (long long)st.st_blocks);
}
