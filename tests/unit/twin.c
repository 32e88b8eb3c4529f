#include "tests/unit/twin.h"

#include "devices/serial_chip.h"
#include "guest/abi/edu.h"
#include "guest/abi/pci.h"
#include "guest/abi/ptlcall.h"

#include "devices/types.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_AT       0x8000u /* where a call's text lies in guest memory */
#define DESCRIPTOR_AT 0x9000u
#define PATTERN_AT    0x4000u /* bytes that are not 0, for DMA */
#define PATTERN_SIZE  256u
#define INPUT_SIZE    1000 /* bytes of the serial port's file */
#define RESET_RARE    20

uint64_t twin_random(uint64_t *state)
{
    uint64_t value = *state += 0x9e3779b97f4a7c15;

    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
    value = (value ^ value >> 27) * 0x94d049bb133111eb;
    return value ^ value >> 31;
}

static void note_line(void *opaque, unsigned gsi, bool level)
{
    struct twin *twin = opaque;
    const size_t used = strlen(twin->told);

    snprintf(twin->told + used, TWIN_TOLD - used, "%u%c ", gsi, level ? '+' : '-');
}

static void note_message(void *opaque, uint64_t address, uint32_t data)
{
    struct twin *twin = opaque;
    const size_t used = strlen(twin->told);

    snprintf(twin->told + used, TWIN_TOLD - used, "%" PRIx64 "=%x ", address, data);
}

/* The ports' files: what is read is the same in all twins, what is written goes to --out. */
static void add_serial(struct twin *twin)
{
    char properties[256], byte;
    int fd;

    snprintf(twin->input, sizeof(twin->input), "%s/in", twin->fixture.out_dir);
    fd = open(twin->input, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    for (unsigned i = 0; i < INPUT_SIZE; i++) {
        byte = (char)(i * 7);
        ck_assert_int_eq(write(fd, &byte, 1), 1);
    }
    close(fd);
    snprintf(properties, sizeof(properties), "port=0x2f8,irq=3,in=%s,out=%s/out", twin->input,
             twin->fixture.out_dir);
    fixture_device(&twin->fixture, "serial", properties);
}

/* The properties with which all of a device's state can change, and none of its threads has part in that. */
static const char *properties_of(const struct device_type *type, const char *log)
{
    if (strcmp(type->name, "ptlcall") == 0)
        return log;
    if (strcmp(type->name, "alarm") == 0)
        return "irq=7";
    return strcmp(type->name, "doorbell") == 0 ? "irq=6,ioeventfd=off" : NULL;
}

void twin_begin(struct twin *twin)
{
    struct fixture *fixture = &twin->fixture;
    uint8_t pattern[PATTERN_SIZE];
    char log[128];

    fixture_setup(fixture);
    twin->told[0] = '\0';
    snprintf(log, sizeof(log), "log=%s/log", fixture->out_dir);
    fixture->machine.config.wall_clock = fixture->machine.config.clock = 1;
    fixture->machine.irqs.sink =
        (struct irq_sink){.set = note_line, .message = note_message, .opaque = twin};
    for (const struct device_type *const *type = device_types; *type; type++)
        if (strncmp((*type)->name, "xen", strlen("xen")) !=
            0) /* for domains, which are not saved */
            fixture_device(fixture, (*type)->name, properties_of(*type, log));
    add_serial(twin);
    for (unsigned i = 0; i < PATTERN_SIZE; i++)
        pattern[i] = (uint8_t)(i + 1);
    memory_write(&fixture->machine.memory, gpa(PATTERN_AT), pattern, sizeof(pattern));
}

void twin_end(struct twin *twin)
{
    fixture_teardown(&twin->fixture);
}

/* A number: small, a byte, one bit, or any. */
static uint64_t number(uint64_t *random)
{
    const uint64_t how = twin_random(random) % 5, value = twin_random(random);

    if (how == 0)
        return value & 0xf;
    if (how == 1)
        return value & 0xff;
    if (how == 2)
        return 1ull << (value & 63);
    return how == 3 ? value & UINT32_MAX : value;
}

/* Of the regions of the bus, one. */
static struct bus_region pick_region(const struct bus *bus, uint64_t *random)
{
    const struct bus_region *regions[BUS_REGIONS + BUS_MOVING];
    unsigned count = 0;

    for (unsigned i = 0; i < bus->region_count; i++)
        regions[count++] = &bus->regions[i];
    for (unsigned key = 0; key < BUS_MOVING; key++)
        if (bus->moving[key].device)
            regions[count++] = &bus->moving[key];
    return *regions[twin_random(random) % count];
}

/* An address in the front of a region. */
static uint64_t pick_address(const struct bus *bus, unsigned size, uint64_t *random)
{
    const struct bus_region region = pick_region(bus, random);
    uint64_t span = region.last - region.first + 1;

    if (span > 0x100)
        span = 0x100;
    return region.first + (twin_random(random) % span & ~(uint64_t)(size - 1));
}

static void play_port(struct twin *twin, uint64_t *random, struct twin_step *step)
{
    const unsigned size = 1u << (twin_random(random) % 8 < 6 ? 0 : twin_random(random) % 3);
    const uint16_t port = (uint16_t)pick_address(&twin->fixture.machine.bus[BUS_PIO], size, random);

    if (twin_random(random) & 1)
        step->action = fixture_out(&twin->fixture, port, size, (uint32_t)number(random));
    else
        step->value = fixture_in(&twin->fixture, port, size);
}

static void play_memory(struct twin *twin, uint64_t *random, struct twin_step *step)
{
    const unsigned size = twin_random(random) & 1 ? 4 : 8;
    const uint64_t address = pick_address(&twin->fixture.machine.bus[BUS_MMIO], size, random);

    if (twin_random(random) & 1)
        step->action = fixture_store(&twin->fixture, address, size, number(random));
    else
        step->value = fixture_load(&twin->fixture, address, size);
}

/* A register that can be written, most often so that the device stays where it is reached. */
static void play_config(struct twin *twin, uint64_t *random, struct twin_step *step)
{
    static const uint8_t registers[] = {PCI_REG_COMMAND,
                                        PCI_REG_COMMAND,
                                        PCI_REG_COMMAND,
                                        0x10,
                                        0x14,
                                        0x3c,
                                        0x40,
                                        0x44,
                                        0x48,
                                        0x4c};
    const uint8_t reg = registers[twin_random(random) % sizeof(registers)];
    uint64_t value = number(random);

    if (reg == PCI_REG_COMMAND && twin_random(random) % 4)
        value |= PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_BUS_MASTER;
    if (reg == 0x40)
        value = (twin_random(random) & 1) << 16;
    fixture_out(&twin->fixture, PCI_PORT_ADDRESS, 4,
                PCI_ADDRESS_ENABLE | (uint32_t)(twin_random(random) % 4) << 11 | reg);
    step->action = fixture_out(&twin->fixture, PCI_PORT_DATA, 4, (uint32_t)value);
}

/* A transfer, mostly one that is possible: the values of edu's four registers for DMA. */
static void make_transfer(uint64_t *random, uint64_t values[4])
{
    const bool out = twin_random(random) & 1;
    const uint64_t buffer = EDU_BUFFER + twin_random(random) % EDU_BUFFER_SIZE;
    const uint64_t ram = PATTERN_AT + twin_random(random) % PATTERN_SIZE;

    values[0] = out ? buffer : ram;
    values[1] = out ? ram : buffer;
    values[2] = twin_random(random) % PATTERN_SIZE;
    values[3] =
        EDU_DMA_START | (out ? EDU_DMA_FROM_EDU : 0) | (twin_random(random) & EDU_DMA_INTERRUPT);
}

/* edu, wherever its BAR is: what one register has, then a computation and a transfer. */
static void play_edu(struct twin *twin, uint64_t *random, struct twin_step *step)
{
    const struct bus *bus = &twin->fixture.machine.bus[BUS_MMIO];
    static const uint8_t registers[] = {EDU_LIVENESS,   EDU_FACTORIAL,       EDU_INTERRUPTS,
                                        EDU_DMA_SOURCE, EDU_DMA_DESTINATION, EDU_DMA_COUNT,
                                        EDU_DMA_COMMAND};
    const uint8_t reg = registers[twin_random(random) % sizeof(registers)];
    const uint64_t factorial = twin_random(random) % 40;
    uint64_t values[4];

    make_transfer(random, values);
    for (unsigned key = 0; key < BUS_MOVING; key++) {
        const struct bus_region region = bus->moving[key];

        if (!region.device || strcmp(region.name, "edu") != 0)
            continue;
        step->value = fixture_load(&twin->fixture, region.first + reg, 4);
        fixture_store(&twin->fixture, region.first + EDU_LIVENESS, 4, number(random));
        fixture_store(&twin->fixture, region.first + EDU_STATUS, 4, number(random));
        fixture_store(&twin->fixture, region.first + EDU_FACTORIAL, 4, factorial);
        for (unsigned i = 0; i < 4; i++)
            step->action =
                fixture_store(&twin->fixture, region.first + EDU_DMA_SOURCE + 8 * i, 8, values[i]);
    }
}

/* A serial port in loopback, at times with more bytes than it can hold; it may stay in loopback. */
static void play_loopback(struct twin *twin, uint64_t *random, struct twin_step *step)
{
    static const uint16_t ports[] = {0x3f8, 0x2f8};
    const uint16_t port = ports[twin_random(random) & 1];
    const unsigned count = twin_random(random) % 20;

    fixture_out(&twin->fixture, port + SERIAL_MCR, 1, 0x10 | (twin_random(random) & 0xf));
    fixture_out(&twin->fixture, port + SERIAL_FCR, 1, (uint32_t)twin_random(random) & 0xc1);
    for (unsigned i = 0; i < count; i++)
        fixture_out(&twin->fixture, port, 1, (uint32_t)twin_random(random) & 0xff);
    step->value = fixture_in(&twin->fixture, port, 1);
    if (twin_random(random) & 1)
        fixture_out(&twin->fixture, port + SERIAL_MCR, 1, (uint32_t)number(random) & 0xff);
}

/* A command of the keyboard controller, with its byte or without. */
static void play_keyboard(struct twin *twin, uint64_t *random, struct twin_step *step)
{
    static const uint8_t commands[] = {0x20, 0x60, 0x60, 0xaa, 0xd0, 0xd1};

    step->action =
        fixture_out(&twin->fixture, 0x64, 1, commands[twin_random(random) % sizeof(commands)]);
    if (twin_random(random) & 1)
        fixture_out(&twin->fixture, 0x60, 1, (uint32_t)number(random) & 0xff);
}

/* A serial port is asked for its cause, and for what has come. */
static void play_reading(struct twin *twin, uint64_t *random, struct twin_step *step)
{
    static const uint16_t ports[] = {0x3f8, 0x2f8};
    const uint16_t port = ports[twin_random(random) & 1];
    const unsigned count = twin_random(random) % 40;

    fixture_out(&twin->fixture, port + SERIAL_LCR, 1, 0);
    fixture_out(&twin->fixture, port + SERIAL_IER, 1, (uint32_t)twin_random(random) & 0xf);
    step->value = fixture_in(&twin->fixture, port + SERIAL_IIR, 1);
    for (unsigned i = 0; i < count; i++)
        step->value = step->value * 3 + fixture_in(&twin->fixture, port, 1);
}

static void play_typing(struct twin *twin, uint64_t *random, struct twin_step *step)
{
    uint8_t bytes[40];
    const size_t count = twin_random(random) % sizeof(bytes);

    for (size_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)twin_random(random);
    step->value = console_type(&twin->fixture.machine.console, bytes, count);
}

/* A call that changes the session, or shows it; registers count 32 bits, without paging. */
static void play_call(struct twin *twin, uint64_t *random, struct twin_step *step)
{
    static const char *const lists[] = {
        "-run",           "-stop",         "-kill-after-run -run",     "-kill",
        "-stopinsns 12k", "-stopcycle 99", "-fast-fwd-insns 7 -wrong", "-corefreq inf"};
    static const uint16_t ports[] = {PTLCALL_DEFAULT_PORT, 0xc000};
    static const uint8_t ops[] = {PTLCALL_OP_VERSION, PTLCALL_OP_MARKER, PTLCALL_OP_ENQUEUE,
                                  PTLCALL_OP_ENQUEUE, PTLCALL_OP_LOG,    0xff};
    const char *list = lists[twin_random(random) % (sizeof(lists) / sizeof(lists[0]))];
    const struct ptlcall_descriptor descriptor = {TEXT_AT, strlen(list)};
    struct kvm_regs *regs = &twin->fixture.vcpu->run->s.regs.regs;
    const struct memory *memory = &twin->fixture.machine.memory;

    memory_write(memory, gpa(TEXT_AT), list, descriptor.length);
    memory_write(memory, gpa(DESCRIPTOR_AT), &descriptor, sizeof(descriptor));
    regs->rax = ops[twin_random(random) % sizeof(ops)];
    regs->rdi = regs->rax == PTLCALL_OP_ENQUEUE ? DESCRIPTOR_AT : TEXT_AT;
    regs->rsi = regs->rax == PTLCALL_OP_ENQUEUE ? 1 : descriptor.length;
    step->action = fixture_out(&twin->fixture, ports[twin_random(random) & 1], 1, 0);
}

/* Every timer that is set fires, whatever the time. */
static void play_timers(struct twin *twin, uint64_t *random, struct twin_step *step)
{
    struct device_timer *timer = twin->fixture.machine.timers.first;

    (void)random;
    for (; timer; timer = timer->next)
        step->value = step->value * 2 + device_timer_fire(timer);
}

static void play_reset(struct twin *twin, uint64_t *random, struct twin_step *step)
{
    (void)step;
    if (twin_random(random) % RESET_RARE)
        return;
    for (struct device *device = twin->fixture.machine.devices; device; device = device->next)
        device_reset(device);
}

struct twin_step twin_play(struct twin *twin, uint64_t seed)
{
    static void (*const plays[])(struct twin *, uint64_t *, struct twin_step *) = {
        play_port,   play_port,     play_port,     play_port,    play_port,
        play_port,   play_port,     play_port,     play_memory,  play_memory,
        play_config, play_edu,      play_edu,      play_typing,  play_call,
        play_reset,  play_loopback, play_keyboard, play_reading, play_timers,
    };
    struct machine *machine = &twin->fixture.machine;
    struct twin_step step = {0};
    struct stat status;

    twin->told[0] = '\0';
    plays[twin_random(&seed) % (sizeof(plays) / sizeof(plays[0]))](twin, &seed, &step);
    step.rax = twin->fixture.vcpu->run->s.regs.regs.rax;
    step.end = atomic_exchange(&machine->end, 0);
    step.shown = fstat(twin->fixture.console, &status) == 0 ? (uint64_t)status.st_size : 0;
    return step;
}

void twin_copy(struct twin *to, const struct twin *from)
{
    const uint64_t size = memory_size(&from->fixture.machine.memory);

    memory_write(&to->fixture.machine.memory, gpa(0),
                 memory_at(&from->fixture.machine.memory, gpa(0), size), size);
    to->fixture.vcpu->run->s.regs = from->fixture.vcpu->run->s.regs;
}

bool twin_memory_equal(const struct twin *one, const struct twin *other)
{
    const uint64_t size = memory_size(&one->fixture.machine.memory);

    return memcmp(memory_at(&one->fixture.machine.memory, gpa(0), size),
                  memory_at(&other->fixture.machine.memory, gpa(0), size), size) == 0;
}
