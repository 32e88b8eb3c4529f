/*
 * CMOS RAM and real-time clock, as far as a PC's software reads them: an MC146818 at ports 0x70 and
 * 0x71, without its interrupts. The time is the host's, in UTC; a guest cannot set it.
 */
#include "vmm/core/machine.h"
#include "vmm/core/machine_device.h"

#include <time.h>

#define CMOS_PORT  0x70
#define CMOS_PORTS 2
#define CMOS_SIZE  128

/*
 * Registers. The registers up to 9 that are not listed are those of the alarm, kept as plain bytes.
 */
enum cmos_register {
    CMOS_SECONDS = 0x00,
    CMOS_MINUTES = 0x02,
    CMOS_HOURS = 0x04,
    CMOS_WEEKDAY = 0x06, /* 1: Sunday */
    CMOS_DAY = 0x07,
    CMOS_MONTH = 0x08,
    CMOS_YEAR = 0x09,
    CMOS_STATUS_A = 0x0a,
    CMOS_STATUS_B = 0x0b,
    CMOS_STATUS_C = 0x0c,
    CMOS_STATUS_D = 0x0d,
    CMOS_BASE_MEMORY = 0x15,      /* KiB, 2 bytes, low byte first, like all that follow */
    CMOS_EXTENDED_MEMORY = 0x17,  /* KiB above 1 MiB, 2 bytes */
    CMOS_EXTENDED_MEMORY2 = 0x30, /* the same value, as found at start */
    CMOS_CENTURY = 0x32,
    CMOS_MEMORY_16M = 0x34, /* 64 KiB units from 16 MiB to 4 GiB, 2 bytes */
    CMOS_MEMORY_4G = 0x5b,  /* 64 KiB units above 4 GiB, 3 bytes */
    CMOS_LAST_CPU = 0x5f,   /* number of CPUs - 1 */
};

#define STATUS_A_DIVIDER 0x26 /* 32768 Hz time base, periodic rate of 976 us */
#define STATUS_A_UIP     0x80 /* the time changes soon */
#define STATUS_B_24H     0x02
#define STATUS_B_BINARY  0x04
#define STATUS_B_SET     0x80
#define STATUS_B_KEPT    (STATUS_B_24H | STATUS_B_BINARY | STATUS_B_SET) /* no interrupts */
#define STATUS_D_VALID   0x80
#define HOURS_PM         0x80

#define SECOND_NS 1000000000u
#define UIP_NS    244000u /* UIP is set this long before a change */

struct cmos {
    struct device device;
    uint8_t index;
    uint8_t bytes[CMOS_SIZE]; /* the entries for the time are not used */
};

static const struct property cmos_properties[] = {{0}};

static void put_number(struct cmos *cmos, unsigned reg, unsigned count, uint64_t value)
{
    const uint64_t most = (UINT64_C(1) << 8 * count) - 1;

    if (value > most)
        value = most;
    for (unsigned i = 0; i < count; i++)
        cmos->bytes[reg + i] = (uint8_t)(value >> 8 * i);
}

static uint64_t above(uint64_t end, uint64_t start)
{
    return end > start ? end - start : 0;
}

static void cmos_reset(struct device *device)
{
    struct cmos *cmos = (struct cmos *)device;
    const struct machine *machine = device->machine;
    const uint64_t low = memory_low_end(&machine->memory);
    const uint64_t high = memory_size(&machine->memory) - low;

    cmos->index = 0;
    for (unsigned i = 0; i < CMOS_SIZE; i++)
        cmos->bytes[i] = 0;
    cmos->bytes[CMOS_STATUS_A] = STATUS_A_DIVIDER;
    cmos->bytes[CMOS_STATUS_B] = STATUS_B_24H;
    put_number(cmos, CMOS_BASE_MEMORY, 2, 640);
    put_number(cmos, CMOS_EXTENDED_MEMORY, 2, above(low, MIB) / 1024);
    put_number(cmos, CMOS_EXTENDED_MEMORY2, 2, above(low, MIB) / 1024);
    put_number(cmos, CMOS_MEMORY_16M, 2, above(low, 16 * MIB) / (64 * 1024));
    put_number(cmos, CMOS_MEMORY_4G, 3, high / (64 * 1024));
    put_number(cmos, CMOS_LAST_CPU, 1, machine->config.vcpu_count - 1);
}

static int cmos_create(struct device *device, struct error *error)
{
    const struct device_claim claim = {
        .space = BUS_PIO,
        .base = CMOS_PORT,
        .size = CMOS_PORTS,
        .widest = 1,
        .name = "cmos",
    };

    cmos_reset(device);
    return device_claim(device, &claim, error);
}

/* A number of the time in the format that status B selects: binary or BCD. */
static uint8_t encode(const struct cmos *cmos, int number)
{
    if (cmos->bytes[CMOS_STATUS_B] & STATUS_B_BINARY)
        return (uint8_t)number;
    return (uint8_t)(number / 10 % 10 << 4 | number % 10);
}

static uint8_t encode_hours(const struct cmos *cmos, int hours)
{
    if (cmos->bytes[CMOS_STATUS_B] & STATUS_B_24H)
        return encode(cmos, hours);
    return encode(cmos, hours % 12 ? hours % 12 : 12) | (hours >= 12 ? HOURS_PM : 0);
}

static bool is_time(unsigned reg)
{
    return reg == CMOS_SECONDS || reg == CMOS_MINUTES || reg == CMOS_HOURS ||
           (reg >= CMOS_WEEKDAY && reg <= CMOS_YEAR) || reg == CMOS_CENTURY;
}

static uint8_t read_time(const struct cmos *cmos, unsigned reg)
{
    const time_t seconds = (time_t)(machine_wall_clock(cmos->device.machine) / SECOND_NS);
    struct tm date;

    if (!gmtime_r(&seconds, &date))
        return 0;
    switch (reg) {
    case CMOS_SECONDS:
        return encode(cmos, date.tm_sec);
    case CMOS_MINUTES:
        return encode(cmos, date.tm_min);
    case CMOS_HOURS:
        return encode_hours(cmos, date.tm_hour);
    case CMOS_WEEKDAY:
        return encode(cmos, date.tm_wday + 1);
    case CMOS_DAY:
        return encode(cmos, date.tm_mday);
    case CMOS_MONTH:
        return encode(cmos, date.tm_mon + 1);
    case CMOS_YEAR:
        return encode(cmos, date.tm_year % 100);
    default:
        return encode(cmos, (date.tm_year + 1900) / 100);
    }
}

static bool about_to_change(const struct cmos *cmos)
{
    return machine_wall_clock(cmos->device.machine) % SECOND_NS >= SECOND_NS - UIP_NS;
}

static uint64_t cmos_read(struct device *device, const struct device_access *access)
{
    const struct cmos *cmos = (const struct cmos *)device;

    if (access->offset == 0)
        return 0xff; /* the index cannot be read back */
    if (is_time(cmos->index))
        return read_time(cmos, cmos->index);
    if (cmos->index == CMOS_STATUS_A)
        return cmos->bytes[CMOS_STATUS_A] | (about_to_change(cmos) ? STATUS_A_UIP : 0u);
    if (cmos->index == CMOS_STATUS_D)
        return STATUS_D_VALID;
    return cmos->bytes[cmos->index];
}

static void cmos_write(struct device *device, const struct device_access *access, uint64_t value)
{
    struct cmos *cmos = (struct cmos *)device;

    if (access->offset == 0) {
        cmos->index = value & (CMOS_SIZE - 1); /* bit 7 masks NMIs; the machine has no NMI source */
        return;
    }
    switch (cmos->index) {
    case CMOS_STATUS_A:
        value &= (uint8_t)~STATUS_A_UIP;
        break;
    case CMOS_STATUS_B:
        value &= STATUS_B_KEPT;
        break;
    case CMOS_STATUS_C:
    case CMOS_STATUS_D:
        return;
    default:
        break;
    }
    cmos->bytes[cmos->index] = (uint8_t)value;
}

/* Registers that cannot be written stay 0. */
static int cmos_loaded(struct device *device, struct error *error)
{
    const struct cmos *cmos = (const struct cmos *)device;

    if (cmos->bytes[CMOS_STATUS_A] & STATUS_A_UIP ||
        cmos->bytes[CMOS_STATUS_B] & (uint8_t)~STATUS_B_KEPT || cmos->bytes[CMOS_STATUS_C] ||
        cmos->bytes[CMOS_STATUS_D])
        return state_refuse(device, "bytes", error);
    return 0;
}

static const struct state_field cmos_fields[] = {
    STATE_BITS(struct cmos, index, CMOS_SIZE - 1),
    STATE_FIELD(struct cmos, bytes),
    {0},
};

static const struct device_state cmos_state = {
    .version = 1,
    .fields = cmos_fields,
    .loaded = cmos_loaded,
};

const struct device_type cmos_type = {
    .name = "cmos",
    .help = "CMOS RAM and clock at ports 0x70 and 0x71: the host's time in UTC, memory sizes",
    .instance_size = sizeof(struct cmos),
    .locking = DEVICE_LOCKED,
    .properties = cmos_properties,
    .state = &cmos_state,
    .create = cmos_create,
    .read = cmos_read,
    .write = cmos_write,
    .reset = cmos_reset,
};
