/*
 * A program that runs a machine in its own process: embed IMAGE runs a guest with a device of the program's own, a port
 * that counts what is written to it.
 *
 *     cc -o embed embed.c $(pkg-config --cflags --libs minivmm)
 */
#include <minivmm.h>
#include <stdio.h>

static void port_write(void *opaque, const struct minivmm_access *access, uint64_t value)
{
    (void)access;
    *(uint64_t *)opaque += value;
}

int main(int argc, char **argv)
{
    struct minivmm_config config = MINIVMM_CONFIG;
    struct minivmm_image image = {.path = argc > 1 ? argv[1] : NULL};
    uint64_t sum = 0;
    const struct minivmm_region port = {.name = "sum",
                                        .space = MINIVMM_PORTS,
                                        .base = 0x510c,
                                        .size = 4,
                                        .write = port_write,
                                        .opaque = &sum};
    struct minivmm_machine *machine = NULL;
    struct minivmm_result result = {.exit_status = 1};
    struct minivmm_error error;

    if (minivmm_take_kick_signal(&error) < 0 || minivmm_create(&config, &machine, &error) < 0 ||
        minivmm_add_region(machine, &port, &error) < 0 ||
        minivmm_load(machine, &image, &error) < 0) {
        fprintf(stderr, "embed: %s\n", error.text);
        result.exit_status = minivmm_exit_status(error.outcome, 0);
    } else {
        minivmm_run(machine, &result);
        printf("status %d, sum %llu\n", result.exit_status, (unsigned long long)sum);
    }
    minivmm_destroy(machine, NULL);
    return result.exit_status;
}
