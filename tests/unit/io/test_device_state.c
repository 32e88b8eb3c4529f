/* The state of devices: saved as text, loaded from it, and text that is refused. */
#include "devices/types.h"

#include "devices/serial_chip.h"
#include "guest/abi/edu.h"
#include "guest/abi/pci.h"
#include "guest/abi/ptlcall.h"
#include "tests/unit/twin.h"
#include "vmm/core/machine_device.h"
#include "vmm/core/machine_run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

Suite *device_state_suite(void);

static struct twin one, other;

static void setup(void)
{
    twin_begin(&one);
    twin_begin(&other);
}

static void teardown(void)
{
    twin_end(&one);
    twin_end(&other);
}

static struct device *device_of(struct twin *twin, const char *name)
{
    struct device *device = twin->fixture.machine.devices;

    while (device && strcmp(device->name, name) != 0)
        device = device->next;
    ck_assert_msg(device != NULL, "there is no %s", name);
    return device;
}

/* The state, as a string to be freed. */
static char *state_of(struct device *device)
{
    struct text text = {0};

    state_write(device, &text);
    text_append(&text, "", 1);
    ck_assert(!text.failed);
    return text.bytes;
}

static int take(struct device *device, const char *state, struct error *error)
{
    return state_read(device, state, strlen(state), error);
}

static void ck_assert_state(struct device *device, const char *expected)
{
    char *state = state_of(device);

    ck_assert_str_eq(state, expected);
    free(state);
}

/* What (name) is in one machine, it shall be in the other. */
static void bring_over(const char *name)
{
    char *state = state_of(device_of(&one, name));
    struct error error;

    ck_assert_msg(take(device_of(&other, name), state, &error) == 0, "%s", error.text);
    free(state);
}

/* Where (field) is in (state), from byte (at) on. */
static char *find_field(char *state, const char *field, unsigned at)
{
    char line[64];
    char *found;

    snprintf(line, sizeof(line), "\n%s=", field);
    found = strstr(state, line);
    ck_assert_msg(found != NULL, "there is no field %s", field);
    return found + strlen(line) + 2 * (size_t)at;
}

START_TEST(a_state_is_text_with_a_line_for_each_field)
{
    ck_assert_state(device_of(&one, "i8042.0"), "device i8042.0 version 1\n"
                                                "status=04\n"
                                                "mode=00\n"
                                                "data=00\n"
                                                "command=00\n");
}
END_TEST

START_TEST(integers_are_little_endian)
{
    char *state;

    fixture_out(&one.fixture, PCI_PORT_ADDRESS, 4, 0x80001234);
    state = state_of(device_of(&one, "pci-host.0"));
    ck_assert_str_eq(find_field(state, "address", 0), "34120080\n");
    free(state);
}
END_TEST

START_TEST(a_device_without_state_has_a_name_only)
{
    ck_assert_state(device_of(&one, "port92.0"), "device port92.0 version 0\n");
    bring_over("port92.0");
}
END_TEST

/* Types of which nothing changes after create(), and those of domains, which are not saved. */
static const char *const constant[] = {"debugcon", "debug-exit", "port92", "xen-ring", "xen"};

static bool is_constant(const struct device_type *type)
{
    for (size_t i = 0; i < sizeof(constant) / sizeof(constant[0]); i++)
        if (strcmp(type->name, constant[i]) == 0)
            return true;
    return false;
}

START_TEST(every_type_that_is_not_constant_declares_its_state)
{
    for (const struct device_type *const *type = device_types; *type; type++) {
        ck_assert_msg(is_constant(*type) == !(*type)->state,
                      "%s: give it a table of its state, or list it here", (*type)->name);
        ck_assert_msg(!is_constant(*type) || !(*type)->reset, "%s: what is reset is state",
                      (*type)->name);
    }
}
END_TEST

START_TEST(fields_lie_in_the_instance_behind_what_all_devices_have)
{
    for (const struct device_type *const *type = device_types; *type; type++) {
        const struct state_field *field = (*type)->state ? (*type)->state->fields : NULL;

        for (; field && field->name; field++) {
            ck_assert_uint_ge(field->offset, sizeof(struct device));
            ck_assert_uint_le(field->size, STATE_FIELD_MAX);
            ck_assert_uint_le(field->offset + field->size, (*type)->instance_size);
            ck_assert_msg(field->bits == 0 || field->size <= 8, "%s: bits of no integer",
                          field->name);
        }
    }
}
END_TEST

static const struct {
    const char *text, *sentence;
} malformed[] = {
    {"", "device i8042.0: its state is another device's"},
    {"device i8042.", "device i8042.0: its state is another device's"},
    {"device cmos.0 version 1\n", "device i8042.0: its state is another device's"},
    {"device i8042.0 version 2\nstatus=04\nmode=00\ndata=00\ncommand=00\n",
     "device i8042.0: its state is not of version 1; restore it with the minivmm that saved it"},
    {"device i8042.0 version 1 \nstatus=04\nmode=00\ndata=00\ncommand=00\n", "version 1"},
    {"device i8042.0 version 1\nmode=00\ndata=00\ncommand=00\n",
     "device i8042.0: its state has no valid status at its place"},
    {"device i8042.0 version 1\nmode=00\nstatus=04\ndata=00\ncommand=00\n", "valid status"},
    {"device i8042.0 version 1\nspeed=00\nstatus=04\nmode=00\ndata=00\ncommand=00\n",
     "valid status"},
    {"device i8042.0 version 1\nstatus=4\nmode=00\ndata=00\ncommand=00\n", "valid status"},
    {"device i8042.0 version 1\nstatus=0400\nmode=00\ndata=00\ncommand=00\n", "valid status"},
    {"device i8042.0 version 1\nstatus=04\r\nmode=00\ndata=00\ncommand=00\n", "valid status"},
    {"device i8042.0 version 1\nstatus=04\nmode=0A\ndata=00\ncommand=00\n", "valid mode"},
    {"device i8042.0 version 1\nstatus=04\nmode=0x\ndata=00\ncommand=00\n", "valid mode"},
    {"device i8042.0 version 1\nstatus=04\nmode=00\ndata=00\ncommand=00", "valid command"},
    {"device i8042.0 version 1\nstatus=04\nmode=00\ndata=00\ncommand=00\n\n",
     "device i8042.0: there is extra text after its state"},
    {"device i8042.0 version 1\nstatus=04\nmode=00\ndata=00\ncommand=00\ncommand=00\n",
     "extra text"},
};

START_TEST(text_that_is_not_exactly_the_state_is_refused)
{
    struct error error = {""};

    ck_assert_int_eq(take(device_of(&one, "i8042.0"), malformed[_i].text, &error), -EINVAL);
    ck_assert_msg(strstr(error.text, malformed[_i].sentence) != NULL, "%s", error.text);
}
END_TEST

/* From byte (at) of (field) on the state has (bytes); (refused): the field that is named for it. */
static const struct {
    const char *device, *field;
    unsigned at;
    const char *bytes, *refused;
} values[] = {
    {"serial.0", "chip.ier", 0, "10", "chip.ier"},
    {"serial.0", "chip.ier", 0, "0f", NULL},
    {"serial.0", "chip.mcr", 0, "20", "chip.mcr"},
    {"serial.0", "chip.mcr", 0, "1f", NULL},
    {"serial.0", "chip.msr_deltas", 0, "10", "chip.msr_deltas"},
    {"serial.0", "chip.fifo_enabled", 0, "02", "chip.fifo_enabled"},
    {"serial.0", "chip.fifo_enabled", 0, "01", NULL},
    {"serial.0", "chip.empty_event", 0, "ff", "chip.empty_event"},
    {"serial.0", "chip.overrun", 0, "80", "chip.overrun"},
    {"serial.0", "chip.trigger", 0, "00000000", "chip.trigger"},
    {"serial.0", "chip.trigger", 0, "0e000000", "chip.trigger"}, /* without the FIFO */
    {"serial.0", "chip.trigger", 0, "01000080", "chip.trigger"},
    {"serial.0", "chip.first", 0, "0f000000", NULL},
    {"serial.0", "chip.first", 0, "10000000", "chip.first"},
    {"serial.0", "chip.first", 0, "000000ff", "chip.first"},
    {"serial.0", "chip.count", 0, "01000000", NULL},
    {"serial.0", "chip.count", 0, "02000000", "chip.count"}, /* without the FIFO */
    {"serial.0", "chip.count", 0, "ffffffff", "chip.count"},
    {"serial.0", "status_asked", 0, "02", "status_asked"},
    {"serial.0", "line_up", 0, "02", "line_up"},
    {"serial.0", "typed.count", 0, "00020000", NULL},
    {"serial.0", "typed.count", 0, "01020000", "typed"},
    {"serial.0", "typed.count", 0, "ffffffff", "typed"},
    {"serial.1", "typed.file_read", 0, "00000000ff000000", NULL},
    {"serial.1", "typed.file_read", 0, "ffffffffffffffff", "typed"},
    {"ptlcall.0", "ptlcall.session.simulating", 0, "02", "ptlcall.session.simulating"},
    {"ptlcall.0", "ptlcall.session.kill_after_run", 0, "7f", "ptlcall.session.kill_after_run"},
    {"ptlcall-pci.0", "config", 0x00, "35", "config"},           /* vendor */
    {"ptlcall-pci.0", "config", 0x10, "01", "config"},           /* a flag of BAR0 */
    {"ptlcall-pci.0", "config", 0x10, "000820e0", "config"},     /* below its size */
    {"ptlcall-pci.0", "config", PCI_REG_STATUS, "08", "config"}, /* without an interrupt */
    {"ptlcall-pci.0", "interrupt", 0, "01", "interrupt"},
    {"edu.0", "config", PCI_REG_STATUS, "18", "config"},
    {"edu.0", "config", PCI_REG_CAPABILITIES, "00", "config"},
    {"edu.0", "config", PCI_REG_INTERRUPT_LINE, "ff", NULL},
    {"edu.0", "interrupt", 0, "02", "interrupt"},
    {"edu.0", "interrupt", 0, "01", "interrupts"}, /* for no reason */
    {"edu.0", "interrupts", 0, "00000080", "interrupts"},
    {"edu.0", "status", 0, "01", "status"},
    {"edu.0", "command", 0, "01", "command"},
    {"edu.0", "count", 0, "ffffffffffffffff", NULL},
    {"pci-host.0", "config", PCI_REG_COMMAND + 1, "01", "config"},
    {"pci-host.0", "address", 0, "01", "address"},
    {"pci-host.0", "interrupt", 0, "01", "interrupt"},
    {"cmos.0", "index", 0, "7f", NULL},
    {"cmos.0", "index", 0, "80", "index"},
    {"cmos.0", "bytes", 0x0a, "a6", "bytes"},
    {"cmos.0", "bytes", 0x0b, "12", "bytes"},
    {"cmos.0", "bytes", 0x0c, "80", "bytes"},
    {"cmos.0", "bytes", 0x0d, "80", "bytes"},
    {"i8042.0", "status", 0, "00", "status"},
    {"i8042.0", "status", 0, "06", "status"},
    {"i8042.0", "status", 0, "0d", NULL},
    {"i8042.0", "command", 0, "60", NULL},
    {"i8042.0", "command", 0, "20", "command"},
    {"post.0", "last", 0, "34010000", NULL},
    {"post.0", "last", 0, "34000000", "last"},
    {"post.0", "last", 0, "00030000", "last"},
    {"fw_cfg.0", "position", 0, "04000000", NULL},
    {"fw_cfg.0", "position", 0, "05000000", "position"},
    {"fw_cfg.0", "key", 0, "ffff", NULL},
};

/* A state with a value in it that no guest can bring about is refused, and changes nothing. */
START_TEST(a_value_that_cannot_be_is_refused)
{
    struct device *device = device_of(&one, values[_i].device);
    char *before = state_of(device), *state = state_of(device);
    struct error error = {""};
    char named[64];
    int result;

    memcpy(find_field(state, values[_i].field, values[_i].at), values[_i].bytes,
           strlen(values[_i].bytes));
    result = take(device, state, &error);
    if (values[_i].refused) {
        snprintf(named, sizeof(named), "its state has an impossible %s", values[_i].refused);
        ck_assert_int_eq(result, -EINVAL);
        ck_assert_msg(strstr(error.text, named) != NULL, "%s", error.text);
        ck_assert_state(device, before);
    } else {
        ck_assert_msg(result == 0, "%s", error.text);
        ck_assert_state(device, state);
    }
    free(before);
    free(state);
}
END_TEST

#define COM1     0x3f8
#define COM1_GSI 4
#define COM2     0x2f8
#define OUT2     0x08 /* of MCR: the interrupt line is connected */

/* Any change of an interrupt, of either machine, from here on is noted in (told). */
static void forget_interrupts(void)
{
    one.told[0] = other.told[0] = '\0';
}

START_TEST(a_line_that_is_up_is_so_without_telling_and_falls_once)
{
    fixture_out(&one.fixture, COM1 + SERIAL_MCR, 1, OUT2);
    fixture_out(&one.fixture, COM1 + SERIAL_IER, 1, 0x02);
    ck_assert_str_eq(one.told, "4+ ");
    bring_over("serial.0");
    ck_assert_str_eq(other.told, "");
    ck_assert_uint_eq(other.fixture.machine.irqs.raised[COM1_GSI], 1);
    ck_assert_uint_eq(fixture_in(&other.fixture, COM1 + SERIAL_IIR, 1), 0x02);
    ck_assert_str_eq(other.told, "4- ");
}
END_TEST

START_TEST(a_state_loaded_twice_raises_a_line_once)
{
    fixture_out(&one.fixture, COM1 + SERIAL_MCR, 1, OUT2);
    fixture_out(&one.fixture, COM1 + SERIAL_IER, 1, 0x02);
    bring_over("serial.0");
    bring_over("serial.0");
    ck_assert_uint_eq(other.fixture.machine.irqs.raised[COM1_GSI], 1);
}
END_TEST

/* edu is in slot 2, its BAR the second one. */
#define EDU_SLOT 2
#define EDU_AT   (PCI_MEMORY_BASE + MIB)
#define EDU_GSI  10

static void configure(struct twin *twin, unsigned reg, uint32_t value)
{
    fixture_out(&twin->fixture, PCI_PORT_ADDRESS, 4, PCI_ADDRESS(EDU_SLOT, 0, reg));
    fixture_out(&twin->fixture, PCI_PORT_DATA, 4, value);
}

START_TEST(of_a_shared_interrupt_each_device_brings_its_own_line)
{
    struct twin *twins[] = {&one, &other};

    for (unsigned i = 0; i < 2; i++)
        fixture_device(&twins[i]->fixture, "edu", "addr=4");
    fixture_store(&one.fixture, EDU_AT + EDU_RAISE, 4, 1);
    fixture_store(&one.fixture, EDU_AT + MIB + EDU_RAISE, 4, 1);
    forget_interrupts();
    bring_over("edu.0");
    bring_over("edu.1");
    ck_assert_uint_eq(other.fixture.machine.irqs.raised[EDU_GSI], 2);
    fixture_store(&other.fixture, EDU_AT + EDU_ACKNOWLEDGE, 4, 1);
    ck_assert_str_eq(other.told, "");
    fixture_store(&other.fixture, EDU_AT + MIB + EDU_ACKNOWLEDGE, 4, 1);
    ck_assert_str_eq(other.told, "10- ");
}
END_TEST

START_TEST(a_message_is_not_sent_again)
{
    configure(&one, PCI_REG_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_BUS_MASTER);
    configure(&one, 0x40 + PCI_MSI_ADDRESS, 0xfee00000);
    configure(&one, 0x40 + PCI_MSI_DATA, 0x41);
    configure(&one, 0x40, PCI_MSI_ENABLE << 16);
    fixture_store(&one.fixture, EDU_AT + EDU_RAISE, 4, 1);
    ck_assert_str_eq(one.told, "fee00000=41 ");
    bring_over("edu.0");
    ck_assert_str_eq(other.told, "");
    fixture_store(&other.fixture, EDU_AT + EDU_RAISE, 4, 2);
    ck_assert_str_eq(other.told, "");
    fixture_store(&other.fixture, EDU_AT + EDU_ACKNOWLEDGE, 4, 3);
    fixture_store(&other.fixture, EDU_AT + EDU_RAISE, 4, 4);
    ck_assert_str_eq(other.told, "fee00000=41 ");
}
END_TEST

START_TEST(a_bar_decodes_where_it_was_moved_to)
{
    const uint64_t moved = PCI_MEMORY_BASE + 16 * MIB;

    configure(&one, PCI_REG_BAR(0), (uint32_t)moved);
    bring_over("edu.0");
    ck_assert_uint_eq(fixture_load(&other.fixture, moved, 4), EDU_IDENTITY);
    ck_assert_uint_eq(fixture_load(&other.fixture, EDU_AT, 4), UINT32_MAX);
}
END_TEST

START_TEST(a_bar_that_was_switched_off_does_not_decode)
{
    configure(&one, PCI_REG_COMMAND, 0);
    bring_over("edu.0");
    ck_assert_uint_eq(fixture_load(&other.fixture, EDU_AT, 4), UINT32_MAX);
}
END_TEST

static void type_at(struct twin *twin, const char *text)
{
    ck_assert_uint_eq(console_type(&twin->fixture.machine.console, (const uint8_t *)text,
                                   strlen(text)),
                      strlen(text));
}

static void ck_assert_reads(struct twin *twin, uint16_t port, const char *expected)
{
    for (; *expected; expected++)
        ck_assert_uint_eq(fixture_in(&twin->fixture, port, 1), (uint8_t)*expected);
}

START_TEST(what_was_typed_waits_before_what_is_typed_since)
{
    type_at(&one, "abcd");
    ck_assert_reads(&one, COM1, "ab");
    type_at(&other, "ef");
    bring_over("serial.0");
    type_at(&other, "g");
    ck_assert_reads(&other, COM1, "cdefg");
    ck_assert_uint_eq(fixture_in(&other.fixture, COM1 + SERIAL_LSR, 1) & SERIAL_LSR_RECEIVED, 0);
}
END_TEST

START_TEST(what_is_typed_before_the_state_comes_finds_room_behind_a_full_one)
{
    static char text[CONSOLE_INPUT + 1], since[CONSOLE_INPUT + 1];

    memset(text, 'a', CONSOLE_INPUT);
    memset(since, 'b', CONSOLE_INPUT);
    type_at(&one, text);
    type_at(&other, since);
    bring_over("serial.0");
    ck_assert_uint_eq(console_room(&other.fixture.machine.console), 0);
    ck_assert_uint_eq(console_type(&other.fixture.machine.console, (const uint8_t *)"c", 1), 0);
    ck_assert_reads(&other, COM1, text);
    ck_assert_reads(&other, COM1, since);
    type_at(&other, "c");
    ck_assert_reads(&other, COM1, "c");
}
END_TEST

START_TEST(what_is_typed_before_the_state_comes_is_told)
{
    fixture_out(&one.fixture, COM1 + SERIAL_MCR, 1, OUT2);
    fixture_out(&one.fixture, COM1 + SERIAL_IER, 1, 0x01);
    type_at(&other, "a");
    ck_assert_str_eq(other.told, "");
    bring_over("serial.0");
    ck_assert_str_eq(other.told, "4+ ");
}
END_TEST

/* Of the file each twin has one; they are the same. */
START_TEST(a_file_is_read_on_from_where_it_was)
{
    const uint8_t first = (uint8_t)fixture_in(&one.fixture, COM2, 1);

    ck_assert_uint_eq(first, 0);
    ck_assert_uint_eq(fixture_in(&one.fixture, COM2, 1), 7);
    bring_over("serial.1");
    for (unsigned i = 2; i < 600; i++)
        ck_assert_uint_eq(fixture_in(&other.fixture, COM2, 1), (uint8_t)(i * 7));
}
END_TEST

START_TEST(a_file_that_was_at_its_end_is_not_read_again)
{
    for (unsigned i = 0; i < 2000; i++)
        fixture_in(&one.fixture, COM2, 1);
    bring_over("serial.1");
    ck_assert_uint_eq(fixture_in(&other.fixture, COM2 + SERIAL_LSR, 1) & SERIAL_LSR_RECEIVED, 0);
}
END_TEST

START_TEST(a_file_is_not_read_twice_by_a_state_loaded_twice)
{
    fixture_in(&one.fixture, COM2, 1);
    bring_over("serial.1");
    bring_over("serial.1");
    for (unsigned i = 1; i < 600; i++)
        ck_assert_uint_eq(fixture_in(&other.fixture, COM2, 1), (uint8_t)(i * 7));
}
END_TEST

#define COM3     0x3e8
#define FIFO_MAX 300 /* bytes: more than a console takes ahead */

/* A third port that reads a FIFO with (length) bytes in it. Its end for writing. */
static int add_fifo(struct twin *twin, const char *bytes, size_t length)
{
    char path[128], properties[160];
    int fd;

    snprintf(path, sizeof(path), "%s/fifo", twin->fixture.out_dir);
    snprintf(properties, sizeof(properties), "port=0x3e8,irq=0,in=%s", path);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    fd = open(path, O_RDWR | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes, length), (ssize_t)length);
    fixture_device(&twin->fixture, "serial", properties);
    return fd;
}

/* The next byte of COM3, which comes on a thread of its own. */
static char await_byte(struct twin *twin)
{
    while (!(fixture_in(&twin->fixture, COM3 + SERIAL_LSR, 1) & SERIAL_LSR_RECEIVED))
        usleep(100);
    return (char)fixture_in(&twin->fixture, COM3, 1);
}

START_TEST(a_fifo_is_read_meanwhile_and_nothing_of_it_lost)
{
    static char bytes[FIFO_MAX];
    int fifos[2];

    for (unsigned i = 0; i < FIFO_MAX; i++)
        bytes[i] = (char)i;
    fifos[0] = add_fifo(&one, "abc", 3);
    ck_assert_int_eq(await_byte(&one), 'a');
    fifos[1] = add_fifo(&other, bytes, sizeof(bytes));
    bring_over("serial.2");
    ck_assert_int_eq(await_byte(&other), 'b');
    ck_assert_int_eq(await_byte(&other), 'c');
    for (unsigned i = 0; i < FIFO_MAX; i++)
        ck_assert_int_eq(await_byte(&other), bytes[i]);
    close(fifos[0]);
    close(fifos[1]);
}
END_TEST

/* As between the arrival of a byte and the notification of its device. */
START_TEST(input_that_has_just_come_raises_its_line_before_it_is_saved)
{
    struct console *console = &one.fixture.machine.console;
    void (*const heard)(void *opaque) = console->heard;

    fixture_out(&one.fixture, COM1 + SERIAL_MCR, 1, OUT2);
    fixture_out(&one.fixture, COM1 + SERIAL_IER, 1, 0x01);
    console->heard = NULL;
    type_at(&one, "a");
    console->heard = heard;
    ck_assert_str_eq(one.told, "");
    bring_over("serial.0");
    ck_assert_str_eq(one.told, "4+ ");
    ck_assert_str_eq(other.told, "");
    ck_assert_uint_eq(other.fixture.machine.irqs.raised[COM1_GSI], 1);
}
END_TEST

/* A second read of the status, after an unanswered prompt, writes the buffered output. */
START_TEST(a_driver_that_waits_for_an_answer_still_does)
{
    fixture_in(&one.fixture, COM1 + SERIAL_LSR, 1);
    bring_over("serial.0");
    fixture_out(&other.fixture, 0xe9, 1, '?');
    ck_assert_int_eq(lseek(other.fixture.console, 0, SEEK_END), 0);
    fixture_in(&other.fixture, COM1 + SERIAL_LSR, 1);
    ck_assert_int_eq(lseek(other.fixture.console, 0, SEEK_END), 1);
}
END_TEST

START_TEST(the_last_post_code_is_the_machine_s_again)
{
    fixture_out(&one.fixture, 0x80, 1, 0x34);
    bring_over("post.0");
    ck_assert_uint_eq(atomic_load(&other.fixture.machine.post), MACHINE_POST | 0x34);
}
END_TEST

/* A call of VERSION, which is op 0. */
static void call_version(struct twin *twin)
{
    twin->fixture.vcpu->run->s.regs.regs.rax = 0;
    fixture_out(&twin->fixture, 0xe0, 1, 0);
}

START_TEST(calls_are_numbered_on)
{
    struct error error;

    call_version(&one);
    call_version(&one);
    bring_over("ptlcall.0");
    call_version(&other);
    ck_assert_int_eq(machine_flush(&other.fixture.machine, &error), 0);
    ck_assert_str_eq(fixture_out_file(&other.fixture, "log"),
                     "ptlcall 3 vcpu=0 via=port op=VERSION result=1\n");
}
END_TEST

START_TEST(limits_that_a_guest_gave_are_state)
{
    static const char list[] = "-stopinsns 0x12345678";
    const struct ptlcall_descriptor descriptor = {0x8000, sizeof(list) - 1};
    const struct memory *memory = &one.fixture.machine.memory;
    struct kvm_regs *regs = &one.fixture.vcpu->run->s.regs.regs;
    char *state;

    memory_write(memory, gpa(0x8000), list, sizeof(list));
    memory_write(memory, gpa(0x9000), &descriptor, sizeof(descriptor));
    *regs = (struct kvm_regs){.rax = PTLCALL_OP_ENQUEUE, .rdi = 0x9000, .rsi = 1};
    fixture_out(&one.fixture, 0xe0, 1, 0);
    bring_over("ptlcall.0");
    state = state_of(device_of(&other, "ptlcall.0"));
    ck_assert_int_eq(strncmp(find_field(state, "ptlcall.session.limits", 0), "78563412", 8), 0);
    free(state);
}
END_TEST

START_TEST(changes_of_interrupts_are_counted)
{
    struct irq_hub *hub = &one.fixture.machine.irqs;
    const unsigned before = irq_changes(hub);

    fixture_out(&one.fixture, COM1 + SERIAL_MCR, 1, OUT2);
    ck_assert_uint_eq(irq_changes(hub), before);
    fixture_out(&one.fixture, COM1 + SERIAL_IER, 1, 0x02);
    ck_assert_uint_eq(irq_changes(hub), before + 1);
}
END_TEST

#define ROUNDS       100
#define STEPS_BEFORE 600 /* at most */
#define STEPS_AFTER  200

/* Fields, by the number of their type, that were something else than at the start in some state. */
#define TYPES_MAX  64
#define FIELDS_MAX 64
static bool seen[TYPES_MAX][FIELDS_MAX];

static unsigned type_number(const struct device_type *type)
{
    unsigned number = 0;

    while (device_types[number] != type)
        number++;
    ck_assert_uint_lt(number, TYPES_MAX);
    return number;
}

static const char *next_line(const char *text)
{
    return strchr(text, '\n') + 1;
}

static void note_seen(const struct device_type *type, const char *state, const char *at_start)
{
    bool *changed = seen[type_number(type)];

    for (unsigned i = 0; *(state = next_line(state)); i++) {
        at_start = next_line(at_start);
        ck_assert_uint_lt(i, FIELDS_MAX);
        changed[i] |= strncmp(state, at_start, (size_t)(next_line(state) - state)) != 0;
    }
}

/* (other) is just made: all of (one) is brought there, and the same text comes back. */
static void bring_all_over(void)
{
    struct device *to = other.fixture.machine.devices;

    twin_copy(&other, &one);
    for (struct device *from = one.fixture.machine.devices; from;
         from = from->next, to = to->next) {
        char *state = state_of(from), *at_start = state_of(to);
        struct error error;

        note_seen(from->type, state, at_start);
        ck_assert_msg(take(to, state, &error) == 0, "%s", error.text);
        ck_assert_state(to, state);
        free(state);
        free(at_start);
    }
    ck_assert_str_eq(other.told, "");
}

/* What both have shown from here on can be compared. */
static void begin_output(struct twin *twin)
{
    struct error error;

    ck_assert_int_eq(machine_flush(&twin->fixture.machine, &error), 0);
    ck_assert_int_eq(ftruncate(twin->fixture.console, 0), 0);
    ck_assert_int_eq(lseek(twin->fixture.console, 0, SEEK_SET), 0);
}

static void ck_assert_alike(void)
{
    struct device *twin = other.fixture.machine.devices;

    ck_assert(twin_memory_equal(&one, &other));
    ck_assert_mem_eq(one.fixture.machine.irqs.raised, other.fixture.machine.irqs.raised,
                     sizeof(one.fixture.machine.irqs.raised));
    ck_assert_str_eq(fixture_console(&one.fixture), fixture_console(&other.fixture));
    for (struct device *device = one.fixture.machine.devices; device; device = device->next) {
        char *state = state_of(device);

        ck_assert_state(twin, state);
        free(state);
        twin = twin->next;
    }
}

static void play_both(uint64_t seed)
{
    const struct twin_step step = twin_play(&one, seed), again = twin_play(&other, seed);

    ck_assert_uint_eq(step.value, again.value);
    ck_assert_uint_eq(step.rax, again.rax);
    ck_assert_uint_eq(step.shown, again.shown);
    ck_assert_uint_eq(step.action, again.action);
    ck_assert_uint_eq(step.end, again.end);
    ck_assert_str_eq(one.told, other.told);
}

static void play_round(uint64_t *random)
{
    const unsigned before = twin_random(random) % STEPS_BEFORE;

    setup();
    for (unsigned i = 0; i < before; i++)
        twin_play(&one, twin_random(random));
    begin_output(&one);
    bring_all_over();
    for (unsigned i = 0; i < STEPS_AFTER; i++)
        play_both(twin_random(random));
    ck_assert_alike();
    teardown();
}

/* All PCI devices have this field, but only edu interrupts. */
static bool is_idle(const struct device_type *type, const char *field)
{
    return strcmp(field, "interrupt") == 0 && strcmp(type->name, "edu") != 0;
}

static void ck_assert_all_seen(void)
{
    for (const struct device_type *const *type = device_types; *type; type++) {
        const struct state_field *fields = (*type)->state ? (*type)->state->fields : NULL;

        for (unsigned i = 0; fields && fields[i].name; i++)
            ck_assert_msg(seen[type_number(*type)][i] || is_idle(*type, fields[i].name),
                          "%s: %s is the same in all states", (*type)->name, fields[i].name);
    }
}

START_TEST(a_machine_loaded_at_any_point_goes_on_as_the_one_that_was_saved)
{
    uint64_t random = 5;

    for (unsigned round = 0; round < ROUNDS; round++)
        play_round(&random);
    ck_assert_all_seen();
}
END_TEST

/* One for each type of devices.def, and serial.1, which a twin has too; there are none of Xen's. */
#define DEVICE(name) +1
enum {
    DEVICES = 1
#include "devices/devices.def"
              - 2
};
#undef DEVICE

static struct device *device_number(struct twin *twin, int number)
{
    struct device *device = twin->fixture.machine.devices;

    while (device && number-- > 0)
        device = device->next;
    return device;
}

START_TEST(every_device_of_a_machine_is_damaged_below)
{
    ck_assert_ptr_nonnull(device_number(&one, DEVICES - 1));
    ck_assert_ptr_null(device_number(&one, DEVICES));
}
END_TEST

/* The state of a device after some steps. */
static char *driven_state(int number)
{
    uint64_t random = (uint64_t)number;

    for (unsigned i = 0; i < STEPS_BEFORE; i++)
        twin_play(&one, twin_random(&random));
    return state_of(device_number(&one, number));
}

START_TEST(a_state_cut_short_is_refused)
{
    struct device *device = device_number(&other, _i);
    char *state = driven_state(_i), *before = state_of(device);
    const size_t length = strlen(state);

    for (size_t cut = 0; cut < length; cut++) {
        char *part = malloc(cut + 1); /* so that ASan sees a read after it */

        ck_assert_ptr_nonnull(part);
        memcpy(part, state, cut);
        ck_assert_int_eq(state_read(device, part, cut, NULL), -EINVAL);
        free(part);
    }
    ck_assert_state(device, before);
    ck_assert_int_eq(take(device, state, NULL), 0);
    free(state);
    free(before);
}
END_TEST

/* What a damaged byte is: another bit pattern, or another digit. */
static char damage(char byte, unsigned how)
{
    static const char digits[] = "0123456789abcdef";
    const char *digit = memchr(digits, byte, 16);

    if (digit && how > 0)
        return digits[((unsigned)(digit - digits) + (how == 1 ? 1 : 8)) % 16];
    return (char)(byte ^ (1 << how));
}

START_TEST(a_damaged_byte_is_refused_or_harmless)
{
    struct device *device = device_number(&other, _i);
    char *state = driven_state(_i);
    uint64_t random = 1;

    for (size_t at = 0; state[at]; at++) {
        for (unsigned how = 0; how < 3; how++) {
            const char byte = state[at];

            state[at] = damage(byte, how);
            if (take(device, state, NULL) == 0)
                for (unsigned step = 0; step < 3; step++)
                    twin_play(&other, twin_random(&random));
            state[at] = byte;
        }
    }
    free(state);
}
END_TEST

static TCase *text_tests(void)
{
    TCase *tcase = tcase_create("text");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_state_is_text_with_a_line_for_each_field);
    tcase_add_test(tcase, integers_are_little_endian);
    tcase_add_test(tcase, a_device_without_state_has_a_name_only);
    tcase_add_test(tcase, every_type_that_is_not_constant_declares_its_state);
    tcase_add_test(tcase, fields_lie_in_the_instance_behind_what_all_devices_have);
    tcase_add_loop_test(tcase, text_that_is_not_exactly_the_state_is_refused, 0,
                        sizeof(malformed) / sizeof(malformed[0]));
    tcase_add_loop_test(tcase, a_value_that_cannot_be_is_refused, 0,
                        sizeof(values) / sizeof(values[0]));
    return tcase;
}

static TCase *loading_tests(void)
{
    TCase *tcase = tcase_create("loading");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_line_that_is_up_is_so_without_telling_and_falls_once);
    tcase_add_test(tcase, a_state_loaded_twice_raises_a_line_once);
    tcase_add_test(tcase, of_a_shared_interrupt_each_device_brings_its_own_line);
    tcase_add_test(tcase, a_message_is_not_sent_again);
    tcase_add_test(tcase, a_bar_decodes_where_it_was_moved_to);
    tcase_add_test(tcase, a_bar_that_was_switched_off_does_not_decode);
    tcase_add_test(tcase, what_was_typed_waits_before_what_is_typed_since);
    tcase_add_test(tcase, what_is_typed_before_the_state_comes_finds_room_behind_a_full_one);
    tcase_add_test(tcase, what_is_typed_before_the_state_comes_is_told);
    tcase_add_test(tcase, a_file_is_read_on_from_where_it_was);
    tcase_add_test(tcase, a_file_that_was_at_its_end_is_not_read_again);
    tcase_add_test(tcase, a_file_is_not_read_twice_by_a_state_loaded_twice);
    tcase_add_test(tcase, a_fifo_is_read_meanwhile_and_nothing_of_it_lost);
    tcase_add_test(tcase, input_that_has_just_come_raises_its_line_before_it_is_saved);
    tcase_add_test(tcase, a_driver_that_waits_for_an_answer_still_does);
    tcase_add_test(tcase, the_last_post_code_is_the_machine_s_again);
    tcase_add_test(tcase, calls_are_numbered_on);
    tcase_add_test(tcase, limits_that_a_guest_gave_are_state);
    tcase_add_test(tcase, changes_of_interrupts_are_counted);
    return tcase;
}

Suite *device_state_suite(void)
{
    Suite *suite = suite_create("device_state");
    TCase *whole = tcase_create("whole machines"), *damaged = tcase_create("damaged");

    suite_add_tcase(suite, text_tests());
    suite_add_tcase(suite, loading_tests());
    tcase_add_test(whole, a_machine_loaded_at_any_point_goes_on_as_the_one_that_was_saved);
    suite_add_tcase(suite, whole);
    tcase_add_checked_fixture(damaged, setup, teardown);
    tcase_add_test(damaged, every_device_of_a_machine_is_damaged_below);
    tcase_add_loop_test(damaged, a_state_cut_short_is_refused, 0, DEVICES);
    tcase_add_loop_test(damaged, a_damaged_byte_is_refused_or_harmless, 0, DEVICES);
    suite_add_tcase(suite, damaged);
    return suite;
}
