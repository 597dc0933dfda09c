/* SPDX-License-Identifier: MIT
 *
 * What USB devices say: configurations searched for a keyboard, boot reports turned into
 * keys. Both against bytes of real shapes and against hostile ones, each in a block of its
 * exact size, so that the sanitizer sees one byte too many.
 */
#include "arch/x86_64/drivers/usb/descriptor.h"
#include "arch/x86_64/drivers/usb/report.h"
#include "lib/string.h"
#include "tests/host/harness.h"
#include <stdlib.h>

/* A receiver for a mouse and a keyboard: the keyboard is the second interface. */
static const u8 receiver[] = {
    9, 2,    66,   0, 2, 1, 0,    0xa0, 49, /* configuration 1 */
    9, 4,    0,    0, 1, 3, 1,    2,    0,
    9, 0x21, 0x11, 1, 0, 1, 0x22, 0x40, 0, /* mouse */
    7, 5,    0x81, 3, 8, 0, 4,             /* its endpoint */
    9, 4,    1,    0, 2, 3, 1,    1,    0,
    9, 0x21, 0x11, 1, 0, 1, 0x22, 0x41, 0, /* keyboard */
    7, 5,    0x02, 3, 8, 0, 10,            /* OUT */
    7, 5,    0x83, 3, 8, 0, 10,            /* IN 3 */
};

static const u8 hub[] = {9, 2, 25,   0, 1, 7, 0, 0xe0, 0, /* configuration 7 */
                         9, 4, 0,    0, 1, 9, 0, 1,    0, /* hub */
                         7, 5, 0x81, 3, 1, 0, 12};

/* The search on a copy without a spare byte. */
static bool find(const u8 *bytes, size_t n, u32 code, u32 mask, struct usb_function *f)
{
    u8 *copy = malloc(n ? n : 1);
    bool found;

    memcpy(copy, bytes, n);
    found = usb_find_function(n ? copy : copy + 1, n, code, mask, f);
    free(copy);
    return found;
}

static bool find_keyboard(const u8 *bytes, size_t n, struct usb_function *f)
{
    return find(bytes, n, USB_BOOT_KEYBOARD, 0xffffff, f);
}

TEST(usb_finds_keyboard_in_composite_device)
{
    struct usb_function f;

    CHECK(find_keyboard(receiver, sizeof(receiver), &f));
    CHECK_EQ(f.configuration, 1);
    CHECK_EQ(f.interface, 1);
    CHECK_EQ(f.endpoint, 3);
    CHECK_EQ(f.packet, 8);
    CHECK_EQ(f.interval, 10);
    CHECK(!find(receiver, sizeof(receiver), USB_ANY_HUB, 0xff0000, &f));
    CHECK(find(hub, sizeof(hub), USB_ANY_HUB, 0xff0000, &f));
    CHECK_EQ(f.configuration, 7);
    CHECK_EQ(f.endpoint, 1);
    CHECK(!find_keyboard(hub, sizeof(hub), &f));
}

TEST(usb_needs_whole_descriptors)
{
    struct usb_function f;
    u8 bytes[sizeof(receiver)];

    /* Cut anywhere, the last endpoint is missing. */
    for (size_t n = 0; n < sizeof(receiver); n++)
        CHECK(!find_keyboard(receiver, n, &f));
    /* The length it claims counts too, and a longer one reads nothing more. */
    memcpy(bytes, receiver, sizeof(bytes));
    bytes[2] = sizeof(receiver) - 1;
    CHECK(!find_keyboard(bytes, sizeof(bytes), &f));
    bytes[2] = bytes[3] = 0xff;
    CHECK(find_keyboard(bytes, sizeof(bytes), &f));
}

/* One byte of the receiver changed must hide the keyboard. */
static void check_hidden(size_t at, u8 value)
{
    struct usb_function f;
    u8 bytes[sizeof(receiver)];

    memcpy(bytes, receiver, sizeof(bytes));
    bytes[at] = value;
    if (find_keyboard(bytes, sizeof(bytes), &f))
        FAIL("a keyboard although byte %zu is %#x", at, value);
}

TEST(usb_refuses_hostile_descriptors)
{
    size_t interface = 34, endpoint = 59;

    check_hidden(0, 8);             /* configuration too short */
    check_hidden(1, 3);             /* not a configuration */
    check_hidden(9, 0);             /* a descriptor without length: no end of the walk */
    check_hidden(9, 1);             /* shorter than its own head */
    check_hidden(9, 255);           /* longer than what is left */
    check_hidden(interface, 8);     /* too short: the next one starts inside it */
    check_hidden(interface + 3, 1); /* an alternate setting */
    check_hidden(interface + 6, 0); /* no boot interface */
    check_hidden(endpoint, 6);      /* endpoint too short */
    check_hidden(endpoint + 2, 0x03); /* OUT */
    check_hidden(endpoint + 2, 0x80); /* endpoint 0 */
    check_hidden(endpoint + 3, 2);    /* bulk */
    check_hidden(endpoint + 4, 0);    /* packets of no byte */
    check_hidden(endpoint + 5, 5);    /* of more than 1024 */
}

TEST(usb_random_descriptors)
{
    for (int round = 0; round < 20000; round++) {
        u8 bytes[sizeof(receiver)];
        struct usb_function f;
        size_t n = test_rand() % (sizeof(bytes) + 1);

        memcpy(bytes, receiver, sizeof(bytes));
        for (u64 changes = test_rand() % 6; changes; changes--)
            bytes[test_rand() % sizeof(bytes)] = (u8)test_rand();
        if (!find_keyboard(bytes, n, &f))
            continue;
        CHECK(f.endpoint >= 1 && f.endpoint <= 15);
        CHECK(f.packet >= 1 && f.packet <= 1024);
    }
}

/* ---- reports ---- */

static bool down[256]; /* what the calls said */
static u32 calls;

static void key(u8 usage, bool is_down)
{
    if (down[usage] == is_down)
        FAIL("usage %#x %s twice", usage, is_down ? "went down" : "came up");
    down[usage] = is_down;
    calls++;
}

static void take(struct report_state *held, const u8 *report, size_t n)
{
    u8 *copy = malloc(n ? n : 1);

    memcpy(copy, report, n);
    calls = 0;
    report_decode(held, n ? copy : copy + 1, n, key);
    free(copy);
}

#define TAKE(held, ...) \
    take(held, (const u8[]){__VA_ARGS__}, sizeof((const u8[]){__VA_ARGS__}))

TEST(usb_report_differences)
{
    struct report_state held = {0};

    TAKE(&held, 0x02, 0, 0x04, 0, 0, 0, 0, 0); /* Shift and A */
    CHECK(down[0xe1] && down[0x04] && calls == 2);
    TAKE(&held, 0x02, 0, 0x05, 0x04, 0, 0, 0, 0); /* and B, in another order */
    CHECK(down[0x05] && down[0x04] && calls == 1);
    TAKE(&held, 0x80, 0, 0x05, 0, 0, 0, 0, 0); /* A up, Shift up, right GUI down */
    CHECK(!down[0x04] && !down[0xe1] && down[0xe7] && calls == 3);
    TAKE(&held, 0x80, 0, 0x05, 0, 0, 0, 0, 0);
    CHECK_EQ(calls, 0);
    TAKE(&held, 0, 0xff, 0, 0, 0, 0, 0, 0); /* the reserved byte means nothing */
    CHECK(!down[0x05] && !down[0xe7] && calls == 2);
}

TEST(usb_report_rollover_keeps_keys)
{
    struct report_state held = {0};

    TAKE(&held, 0, 0, 0x04, 0x05, 0, 0, 0, 0);
    TAKE(&held, 0x01, 0, 1, 1, 1, 1, 1, 1); /* too many: only Control is true */
    CHECK(down[0x04] && down[0x05] && down[0xe0] && calls == 1);
    TAKE(&held, 0x01, 0, 0x06, 0, 0, 0, 0, 2); /* the other errors alike */
    CHECK_EQ(calls, 0);
    TAKE(&held, 0, 0, 0, 0, 0, 0, 0, 0);
    CHECK(!down[0x04] && !down[0x05] && !down[0xe0] && calls == 3);
}

TEST(usb_report_lengths)
{
    struct report_state held = {0};

    TAKE(&held, 0, 0, 0x04, 0, 0, 0, 0, 0);
    TAKE(&held, 1, 0); /* no key in it: not a report */
    CHECK_EQ(calls, 0);
    take(&held, (const u8[]){0}, 0);
    CHECK_EQ(calls, 0);
    TAKE(&held, 0, 0, 0x05); /* short: the missing keys are up */
    CHECK(!down[0x04] && down[0x05] && calls == 2);
    TAKE(&held, 0, 0, 0x05, 0, 0, 0, 0, 0, 0x06, 0x07); /* longer: the rest is not keys */
    CHECK_EQ(calls, 0);
    TAKE(&held, 0, 0, 0x05, 0x05, 0x08, 0x08, 0xe3, 0xff); /* twice, and beyond keys */
    CHECK(down[0x08] && calls == 1);
}

TEST(usb_random_reports)
{
    struct report_state held = {0};

    for (int round = 0; round < 50000; round++) {
        u8 report[12];
        size_t n = test_rand() % sizeof(report);

        for (size_t i = 0; i < n; i++)
            report[i] = test_rand() % 4 ? (u8)(test_rand() % 12) : (u8)test_rand();
        take(&held, report, n);
        for (u32 i = 0; i < 8; i++)
            CHECK_EQ(down[0xe0 + i], held.modifiers >> i & 1);
    }
    TAKE(&held, 0, 0, 0, 0, 0, 0, 0, 0);
    for (u32 i = 0; i < 256; i++)
        CHECK(!down[i]);
}
