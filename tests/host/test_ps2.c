/* SPDX-License-Identifier: MIT
 *
 * The driver of the 8042 (arch/x86_64/drivers/input/ps2.c) against a model of controller and keyboard,
 * in good order and broken in every way: nothing waits without bound, keys arrive. Each
 * access to a port takes a microsecond of the model's time.
 */
#include "arch/time.h"
#include "arch/x86_64/cpu/cpu.h"
#include "kernel/main.h"
#include "lib/string.h"
#include "tests/host/harness.h"

static struct {
    /* what is broken */
    bool absent, input_stuck, output_stuck, config_silent, test_silent, test_fails;
    bool no_translation, no_keyboard, deaf, resends, random;
    /* the controller */
    u8 config, command;
    bool open;
    u8 out[64];
    u32 head, tail;
    /* the keyboard */
    bool enabled;
    u8 lights, set, pending;
    u32 resets;
    u64 now; /* ns */
} model;

static struct {
    u32 count, released;
    u8 usage;
    bool down;
} got;

static void answer(u8 byte)
{
    CHECK(model.tail - model.head < sizeof(model.out));
    model.out[model.tail++ % sizeof(model.out)] = byte;
}

/* A byte sent to the keyboard. */
static void keyboard_gets(u8 byte)
{
    if (model.no_keyboard || model.deaf)
        return;
    if (model.resends) {
        answer(0xfe);
        return;
    }
    answer(0xfa);
    if (model.pending == 0xed)
        model.lights = byte;
    else if (model.pending == 0xf0)
        model.set = byte;
    else if (byte == 0xf4)
        model.enabled = true;
    else if (byte == 0xff) {
        model.resets++;
        model.enabled = false;
        answer(0xaa);
    }
    model.pending = !model.pending && (byte == 0xed || byte == 0xf0) ? byte : 0;
}

static void controller_gets(u8 byte)
{
    model.command = byte == 0x60 ? byte : 0;
    if (byte == 0x20 && !model.config_silent)
        answer(model.config);
    else if (byte == 0xaa && !model.test_silent)
        answer(model.test_fails ? 0xfc : 0x55);
    else if (byte == 0xad)
        model.open = false;
    else if (byte == 0xae)
        model.open = true;
}

static u8 model_inb(u16 port)
{
    u8 byte = 0;

    model.now += 1000;
    if (model.absent)
        return 0xff;
    if (model.random)
        return (u8)test_rand();
    if (port == 0x64)
        return (u8)(0x04 | (model.input_stuck ? 2 : 0) |
                    (model.output_stuck || model.head != model.tail));
    CHECK_EQ(port, 0x60);
    if (model.head != model.tail)
        byte = model.out[model.head++ % sizeof(model.out)];
    return byte;
}

static void model_outb(u16 port, u8 byte)
{
    model.now += 1000;
    if (model.absent || model.random)
        return;
    if (port == 0x64) {
        controller_gets(byte);
    } else if (model.command == 0x60) {
        model.config = model.no_translation ? byte & 0xbf : byte;
        model.command = 0;
    } else {
        keyboard_gets(byte);
    }
}

static u64 model_clock(void)
{
    return model.now;
}

static const char *model_cmdline(const char *key)
{
    (void)key;
    return NULL;
}

static u8 model_leds;

static u8 model_keyboard_leds(void)
{
    return model_leds;
}

static void model_key(u8 usage, bool down)
{
    got.count++;
    got.usage = usage;
    got.down = down;
}

static void model_release_all(void)
{
    got.released++;
}

static void model_unmask(u32 line)
{
    CHECK_EQ(line, 1);
}

#define inb                  model_inb
#define outb                 model_outb
#define clock_monotonic_ns   model_clock
#define cmdline_get          model_cmdline
#define keyboard_leds        model_keyboard_leds
#define keyboard_key         model_key
#define keyboard_release_all model_release_all
#define pic_unmask           model_unmask
#include "arch/x86_64/drivers/input/ps2.c"
#include "arch/x86_64/drivers/input/ps2.h"

static void start(void)
{
    u64 began = model.now;

    ps2_init();
    CHECK(model.now - began < 1000000000ull);
}

static void ticks(u32 n)
{
    while (n--) {
        u64 began = model.now;

        ps2_tick();
        CHECK(model.now - began < 1000000);
        model.now += 1000000000 / TICK_HZ;
    }
}

static void key_comes(u8 code, u8 usage, bool down)
{
    u32 before = got.count;

    answer(code);
    ps2_receive();
    CHECK_EQ(got.count, before + 1);
    CHECK_EQ(got.usage, usage);
    CHECK_EQ(got.down, down);
}

TEST(ps2_in_order)
{
    answer(0x1e); /* typed in front of the boot loader */
    start();
    CHECK(ps2.present && model.open);
    CHECK_EQ(model.config & 0x73, 0x41); /* interrupt, translation, only the keyboard */
    ticks(10);
    CHECK(model.enabled);
    CHECK_EQ(model.resets, 0);
    CHECK_EQ(got.count, 0);
    key_comes(0x1e, 0x04, true);
    key_comes(0x9e, 0x04, false);
    model_leds = 3;
    ticks(10);
    CHECK_EQ(model.lights, 6);
    /* Pause is pressed and let go; Shift's release is not taken for a new keyboard. */
    answer(0xe1);
    ps2_receive();
    CHECK_EQ(got.count, 4);
    for (u32 i = 0; i < 5; i++)
        answer("\x1d\x45\xe1\x9d\xc5"[i]);
    ps2_receive();
    CHECK_EQ(got.count, 4);
    key_comes(0x2a, 0xe1, true);
    key_comes(0xaa, 0xe1, false);
    CHECK_EQ(got.released, 0);
}

TEST(ps2_no_controller)
{
    model.absent = true;
    start();
    CHECK(!ps2.present);
    CHECK(model.now < 100000); /* seen at once */
    ticks(10);
}

TEST(ps2_broken_controllers)
{
    bool *const faults[] = {&model.input_stuck,   &model.output_stuck,
                            &model.config_silent, &model.test_silent,
                            &model.test_fails,    &model.no_translation,
                            &model.no_keyboard,   &model.deaf,
                            &model.resends,       &model.random};

    for (u32 set = 0; set < 1u << ARRAY_SIZE(faults); set++) {
        memset(&model, 0, sizeof(model));
        memset(&ps2, 0, sizeof(ps2));
        for (u32 i = 0; i < ARRAY_SIZE(faults); i++)
            *faults[i] = set >> i & 1;
        start();
        ticks(300);
        CHECK(!model.input_stuck || !ps2.present || model.random);
    }
}

TEST(ps2_failed_self_test)
{
    model.test_fails = true;
    start();
    CHECK(ps2.present);
    ticks(10);
    key_comes(0x1e, 0x04, true);
}

TEST(ps2_without_translation)
{
    model.no_translation = true;
    start();
    ticks(10);
    CHECK(ps2.present && model.enabled);
    CHECK_EQ(model.set, 1);
}

/* Nobody answers: one reset, then quiet. A keyboard plugged in afterwards is welcome. */
TEST(ps2_plugged_in_later)
{
    model.no_keyboard = true;
    start();
    ticks(1000);
    CHECK(ps2.present && !ps2.doing && !ps2.wanted);
    CHECK_EQ(ps2.resets, 1);
    model.no_keyboard = false;
    answer(0xaa);
    model_leds = 2;
    ticks(10);
    CHECK(model.enabled);
    CHECK_EQ(model.lights, 4);
    CHECK_EQ(got.released, 1);
    key_comes(0x9e, 0x04, false);
}

/* Deaf until its reset. */
TEST(ps2_reset_helps)
{
    model.deaf = true;
    start();
    ticks(20);
    model.deaf = false;
    ticks(20);
    CHECK_EQ(model.resets, 1);
    ticks(20);
    CHECK(model.enabled);
}

TEST(ps2_lost_track)
{
    start();
    ticks(10);
    answer(0xe0);
    answer(0xff);
    ps2_receive();
    CHECK_EQ(got.released, 1);
    key_comes(0x48, 0x60, true); /* no prefix is left */
}
