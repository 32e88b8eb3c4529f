/*
 * The keyboard controller of a PC, without keyboard and mouse: software resets the machine through
 * it, and finds by it that there is no keyboard.
 */
#include "vmm/core/machine.h"
#include "vmm/core/machine_device.h"

enum i8042_port { I8042_DATA, I8042_COMMAND };

#define I8042_DATA_PORT    0x60
#define I8042_COMMAND_PORT 0x64

/* Bytes written to the command port. 0xf0 to 0xff pulse the output lines whose bits are 0. */
#define COMMAND_READ_MODE    0x20
#define COMMAND_WRITE_MODE   0x60 /* the next byte written to the data port */
#define COMMAND_SELF_TEST    0xaa
#define COMMAND_READ_OUTPUT  0xd0
#define COMMAND_WRITE_OUTPUT 0xd1 /* the next byte written to the data port */
#define COMMAND_PULSE        0xf0

#define SELF_TEST_PASSED 0x55
#define OUTPUT_RUN       0x01 /* the line that resets the machine when it is 0 */
#define OUTPUT_A20       0x02 /* always 1 here */

#define STATUS_FULL    0x01 /* a byte waits at the data port */
#define STATUS_PASSED  0x04 /* the self test was passed */
#define STATUS_COMMAND 0x08 /* the last write went to the command port */

struct i8042 {
    struct device device;
    uint8_t status;
    uint8_t mode;    /* the "command byte": kept and read back, without effect here */
    uint8_t data;    /* the byte to read, valid with STATUS_FULL */
    uint8_t command; /* the command that waits for its data byte; 0: no command */
};

static const struct property i8042_properties[] = {{0}};

static void i8042_reset(struct device *device)
{
    struct i8042 *i8042 = (struct i8042 *)device;

    i8042->status = STATUS_PASSED;
    i8042->mode = 0;
    i8042->data = 0;
    i8042->command = 0;
}

static int i8042_create(struct device *device, struct error *error)
{
    static const struct device_claim claims[] = {
        {.space = BUS_PIO,
         .index = I8042_DATA,
         .base = I8042_DATA_PORT,
         .size = 1,
         .widest = 1,
         .name = "i8042"},
        {.space = BUS_PIO,
         .index = I8042_COMMAND,
         .base = I8042_COMMAND_PORT,
         .size = 1,
         .widest = 1,
         .name = "i8042"},
    };

    i8042_reset(device);
    return device_claim_all(device, claims, sizeof(claims) / sizeof(claims[0]), error);
}

static uint64_t i8042_read(struct device *device, const struct device_access *access)
{
    struct i8042 *i8042 = (struct i8042 *)device;

    if (access->region == I8042_COMMAND)
        return i8042->status;
    i8042->status &= (uint8_t)~STATUS_FULL;
    return i8042->data;
}

static void answer(struct i8042 *i8042, uint8_t data)
{
    i8042->data = data;
    i8042->status |= STATUS_FULL;
}

static void take_output(struct i8042 *i8042, uint64_t lines)
{
    if (!(lines & OUTPUT_RUN))
        machine_end(i8042->device.machine, OUTCOME_RESET, 0);
}

static void take_command(struct i8042 *i8042, uint8_t command)
{
    i8042->command = 0;
    switch (command) {
    case COMMAND_READ_MODE:
        answer(i8042, i8042->mode);
        break;
    case COMMAND_SELF_TEST:
        answer(i8042, SELF_TEST_PASSED);
        break;
    case COMMAND_READ_OUTPUT:
        answer(i8042, OUTPUT_RUN | OUTPUT_A20);
        break;
    case COMMAND_WRITE_MODE:
    case COMMAND_WRITE_OUTPUT:
        i8042->command = command;
        break;
    default:
        if (command >= COMMAND_PULSE)
            take_output(i8042, command);
        break;
    }
}

/* A byte that no command waits for is for the keyboard, which does not exist. */
static void take_data(struct i8042 *i8042, uint8_t data)
{
    if (i8042->command == COMMAND_WRITE_MODE)
        i8042->mode = data;
    else if (i8042->command == COMMAND_WRITE_OUTPUT)
        take_output(i8042, data);
    i8042->command = 0;
}

static void i8042_write(struct device *device, const struct device_access *access, uint64_t value)
{
    struct i8042 *i8042 = (struct i8042 *)device;

    if (access->region == I8042_COMMAND) {
        i8042->status |= STATUS_COMMAND;
        take_command(i8042, (uint8_t)value);
    } else {
        i8042->status &= (uint8_t)~STATUS_COMMAND;
        take_data(i8042, (uint8_t)value);
    }
}

static int i8042_loaded(struct device *device, struct error *error)
{
    const struct i8042 *i8042 = (const struct i8042 *)device;

    if (!(i8042->status & STATUS_PASSED))
        return state_refuse(device, "status", error);
    if (i8042->command && i8042->command != COMMAND_WRITE_MODE &&
        i8042->command != COMMAND_WRITE_OUTPUT)
        return state_refuse(device, "command", error);
    return 0;
}

static const struct state_field i8042_fields[] = {
    STATE_BITS(struct i8042, status, STATUS_FULL | STATUS_PASSED | STATUS_COMMAND),
    STATE_FIELD(struct i8042, mode),
    STATE_FIELD(struct i8042, data),
    STATE_FIELD(struct i8042, command),
    {0},
};

static const struct device_state i8042_state = {
    .version = 1,
    .fields = i8042_fields,
    .loaded = i8042_loaded,
};

const struct device_type i8042_type = {
    .name = "i8042",
    .help = "keyboard controller at ports 0x60 and 0x64, without a keyboard: 0xfe to 0x64 resets",
    .instance_size = sizeof(struct i8042),
    .locking = DEVICE_LOCKED,
    .properties = i8042_properties,
    .state = &i8042_state,
    .create = i8042_create,
    .read = i8042_read,
    .write = i8042_write,
    .reset = i8042_reset,
};
