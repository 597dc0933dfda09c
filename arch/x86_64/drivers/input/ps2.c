/* SPDX-License-Identifier: MIT
 *
 * The keyboard port of the 8042 controller (IBM PS/2 Technical Reference, "Keyboard and
 * Auxiliary Device Controller"; kernel switch `nops2`). Setting the controller up waits, with
 * bounds; what is asked of the keyboard itself (it may take most of a second) goes on from the
 * tick: enable scanning, and once more after a reset when it does not answer; lights.
 * The mouse port stays closed.
 */
#include "arch/x86_64/drivers/input/ps2.h"
#include "arch/time.h"
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/drivers/input/scancode.h"
#include "arch/x86_64/drivers/irq/irq.h"
#include "arch/x86_64/drivers/irq/pic.h"
#include "kernel/cmdline.h"
#include "kernel/main.h"
#include "kernel/term/keyboard.h"
#include "lib/log.h"

#define DATA    0x60
#define STATUS  0x64 /* read */
#define COMMAND 0x64 /* write */

#define STATUS_OUTPUT 0x01 /* a byte for us */
#define STATUS_INPUT  0x02 /* ours is not taken yet */
#define STATUS_MOUSE  0x20
#define STATUS_PARITY 0x80
#define NO_CONTROLLER 0xff

#define READ_CONFIG      0x20
#define WRITE_CONFIG     0x60
#define DISABLE_MOUSE    0xa7
#define SELF_TEST        0xaa
#define DISABLE_KEYBOARD 0xad
#define ENABLE_KEYBOARD  0xae

#define CONFIG_KEYBOARD_IRQ 0x01
#define CONFIG_MOUSE_IRQ    0x02
#define CONFIG_NO_KEYBOARD  0x10
#define CONFIG_TRANSLATE    0x40 /* set 2 of the keyboard to set 1 */

#define SELF_TEST_PASSED 0x55

#define KEY_LIGHTS 0xed
#define KEY_SET    0xf0
#define KEY_ENABLE 0xf4
#define KEY_RESET  0xff
#define KEY_ACK    0xfa
#define KEY_RESEND 0xfe
#define KEY_READY  0xaa /* power-on test passed */
#define KEY_LOST_A 0x00 /* buffer overrun, in set 2 and set 1 */
#define KEY_LOST_B 0xff

#define WAIT_NS       (20 * 1000000ull)
#define SELF_TEST_NS  (500 * 1000000ull)
#define WAIT_POLLS    100000u /* should the clock stand still */
#define FLUSH_MAX     64u
#define POLL_MAX      16u
#define ANSWER_TICKS  (TICK_HZ / 4)
#define RESET_TICKS   TICK_HZ
#define RESENDS_MAX   3u
#define USAGE_PAUSE   0x48
#define USAGE_L_SHIFT 0xe1

/* What is to be told to the keyboard, in this order. */
enum { DO_RESET = 1, DO_SET = 2, DO_ENABLE = 4, DO_LIGHTS = 8 };

static struct {
    bool present, raw; /* raw: the controller does not translate */
    struct scancode decoder;
    bool left_shift;
    u8 wanted;
    u8 doing; /* one of the bits of wanted, 0: idle */
    u8 bytes[2], nbytes, at;
    u8 resends, ticks, resets;
    u8 lights;
} ps2;

/* ---- the controller, waiting ---- */

static bool wait_status(u8 mask, u8 want, u64 ns)
{
    u64 end = clock_monotonic_ns() + ns;

    for (u32 i = 0; i < WAIT_POLLS; i++) {
        if ((inb(STATUS) & mask) == want)
            return true;
        if (clock_monotonic_ns() > end)
            return false;
        cpu_relax();
    }
    return false;
}

static bool command(u8 byte)
{
    if (!wait_status(STATUS_INPUT, 0, WAIT_NS))
        return false;
    outb(COMMAND, byte);
    return true;
}

static bool write_config(u8 config)
{
    if (!command(WRITE_CONFIG) || !wait_status(STATUS_INPUT, 0, WAIT_NS))
        return false;
    outb(DATA, config);
    return true;
}

/* What the controller answers to a command within ns, -1: nothing. */
static int ask(u8 byte, u64 ns)
{
    if (!command(byte) || !wait_status(STATUS_OUTPUT, STATUS_OUTPUT, ns))
        return -1;
    return inb(DATA);
}

static void flush(void)
{
    for (u32 i = 0; i < FLUSH_MAX && inb(STATUS) & STATUS_OUTPUT; i++)
        inb(DATA);
}

static bool controller_init(void)
{
    int config, now;

    if (inb(STATUS) == NO_CONTROLLER || !command(DISABLE_KEYBOARD) ||
        !command(DISABLE_MOUSE))
        return false;
    flush();
    config = ask(READ_CONFIG, WAIT_NS);
    if (config < 0)
        return false;
    /* The test may reset the controller, so the configuration is written afterwards. One
     * that fails it may still work, and there is nothing better to try. */
    if (ask(SELF_TEST, SELF_TEST_NS) != SELF_TEST_PASSED)
        printk("ps2: the controller fails its self test\n");
    config &= ~(CONFIG_MOUSE_IRQ | CONFIG_NO_KEYBOARD);
    config |= CONFIG_KEYBOARD_IRQ | CONFIG_TRANSLATE;
    command(DISABLE_MOUSE);
    flush();
    if (!write_config((u8)config))
        return false;
    now = ask(READ_CONFIG, WAIT_NS);
    ps2.raw = now >= 0 && !(now & CONFIG_TRANSLATE);
    return command(ENABLE_KEYBOARD);
}

/* ---- the keyboard, from the tick ---- */

static void send(u8 byte)
{
    outb(DATA, byte);
    ps2.ticks = ps2.doing == DO_RESET ? RESET_TICKS : ANSWER_TICKS;
}

static u8 lights_as_ps2(u8 leds)
{
    return (u8)((leds & 3) << 1 | (leds >> 2 & 1)); /* Scroll stands first here */
}

static void begin(u8 what, u8 first, u8 second, u8 nbytes)
{
    ps2.wanted &= (u8)~what;
    ps2.doing = what;
    ps2.bytes[0] = first;
    ps2.bytes[1] = second;
    ps2.nbytes = nbytes;
    ps2.at = ps2.resends = 0;
    send(first);
}

/* Starts what is next, when the controller can take a byte. */
static void next_command(void)
{
    if (ps2.lights != lights_as_ps2(keyboard_leds()))
        ps2.wanted |= DO_LIGHTS;
    if (!ps2.wanted || inb(STATUS) & STATUS_INPUT)
        return;
    if (ps2.wanted & DO_RESET) {
        begin(DO_RESET, KEY_RESET, 0, 1);
    } else if (ps2.wanted & DO_SET) {
        begin(DO_SET, KEY_SET, 1, 2);
    } else if (ps2.wanted & DO_ENABLE) {
        begin(DO_ENABLE, KEY_ENABLE, 0, 1);
    } else {
        ps2.lights = lights_as_ps2(keyboard_leds());
        begin(DO_LIGHTS, KEY_LIGHTS, ps2.lights, 2);
    }
}

static void greet(void)
{
    ps2.wanted = DO_ENABLE | DO_LIGHTS | (ps2.raw ? DO_SET : 0);
    ps2.doing = 0;
}

/* No answer. A keyboard that cannot be enabled is reset, once; the rest is not vital. */
static void give_up(void)
{
    if (ps2.doing == DO_ENABLE && !ps2.resets) {
        ps2.resets++;
        ps2.wanted |= DO_RESET | DO_ENABLE;
    }
    ps2.doing = 0;
}

/* True: the byte answers what was sent. */
static bool answered(u8 byte)
{
    if (!ps2.doing)
        return false;
    if (byte == KEY_RESEND) {
        if (++ps2.resends > RESENDS_MAX)
            give_up();
        else
            send(ps2.bytes[ps2.at]);
        return true;
    }
    if (byte != KEY_ACK)
        return false;
    if (++ps2.at < ps2.nbytes)
        send(ps2.bytes[ps2.at]);
    else if (ps2.doing != DO_RESET) /* that one ends with KEY_READY */
        ps2.doing = 0;
    return true;
}

static void lost_track(void)
{
    ps2.decoder = (struct scancode){0};
    ps2.left_shift = false;
    keyboard_release_all();
}

static void take(u8 byte)
{
    u8 usage;
    bool down;

    if (answered(byte))
        return;
    /* Plugged in or reset; the same byte is the release of the left Shift key. */
    if (byte == KEY_READY && !ps2.decoder.prefix && !ps2.left_shift) {
        lost_track();
        greet();
        return;
    }
    if (byte == KEY_LOST_A || byte == KEY_LOST_B) {
        lost_track();
        return;
    }
    if (!scancode_next(&ps2.decoder, byte, &usage, &down))
        return;
    if (usage == USAGE_L_SHIFT)
        ps2.left_shift = down;
    keyboard_key(usage, down);
    if (usage == USAGE_PAUSE && down)
        keyboard_key(usage, false); /* it does not tell */
}

void ps2_receive(void)
{
    if (!ps2.present)
        return;
    for (u32 i = 0; i < POLL_MAX; i++) {
        u8 status = inb(STATUS), byte;

        if (status == NO_CONTROLLER || !(status & STATUS_OUTPUT))
            break;
        byte = inb(DATA);
        if (status & STATUS_MOUSE)
            continue;
        if (status & STATUS_PARITY)
            lost_track();
        else
            take(byte);
    }
}

void ps2_tick(void)
{
    ps2_receive();
    if (!ps2.present)
        return;
    if (ps2.doing && --ps2.ticks == 0)
        give_up();
    if (!ps2.doing)
        next_command();
}

bool ps2_is_busy(void)
{
    return ps2.present && (ps2.doing | ps2.wanted || ps2.lights != keyboard_leds());
}

void ps2_init(void)
{
    if (cmdline_get("nops2") || !controller_init())
        return;
    greet();
    ps2.present = true;
    pic_unmask(IRQ_KEYBOARD);
    printk("ps2: keyboard controller found%s\n", ps2.raw ? ", no translation" : "");
}
