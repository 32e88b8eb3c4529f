#include "vmm/stats.h"

#include "vmm/exit.h"
#include "vmm/machine.h"
#include "vmm/vcpu.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PLACES 1024 /* a power of two; ports and addresses beyond are counted as one */

struct tally {
    uint64_t exits;
    uint64_t run_ns, handle_ns;
};

/* One port or address, each way. */
struct place {
    uint64_t address;
    enum bus_space space;
    bool used;
    struct tally tally;
    uint64_t reads, writes; /* elements: a string I/O is one exit with many */
};

struct stats {
    struct tally reasons[EXIT_REASONS];
    struct place places[PLACES];
    unsigned place_count;
    struct place others; /* what found no room in (places) */
};

struct stats *stats_create(void)
{
    return calloc(1, sizeof(struct stats));
}

void stats_destroy(struct stats *stats)
{
    free(stats);
}

/* Open addressing; a quarter stays free, so that every search ends. */
static struct place *place_of(struct stats *stats, enum bus_space space, uint64_t address)
{
    /* Multiplication by 2^64 over the golden ratio spreads neighbours; Knuth, volume 3, 6.4. */
    uint64_t hash = (address * 2 + space) * 0x9e3779b97f4a7c15ull >> 32;

    for (unsigned i = 0; i < PLACES; i++) {
        struct place *place = &stats->places[(hash + i) % PLACES];

        if (place->used && place->space == space && place->address == address)
            return place;
        if (place->used)
            continue;
        if (stats->place_count == PLACES * 3 / 4)
            break;
        stats->place_count++;
        *place = (struct place){.used = true, .space = space, .address = address};
        return place;
    }
    return &stats->others;
}

static void tally_add(struct tally *tally, const struct tally *more)
{
    tally->exits += more->exits;
    tally->run_ns += more->run_ns;
    tally->handle_ns += more->handle_ns;
}

static void place_add(struct place *place, const struct tally *tally, uint64_t reads,
                      uint64_t writes)
{
    tally_add(&place->tally, tally);
    place->reads += reads;
    place->writes += writes;
}

void stats_count(struct stats *stats, const struct kvm_run *run, uint64_t run_ns,
                 uint64_t handle_ns)
{
    const struct tally one = {.exits = 1, .run_ns = run_ns, .handle_ns = handle_ns};

    tally_add(&stats->reasons[exit_reason_index(run->exit_reason)], &one);
    if (run->exit_reason == KVM_EXIT_IO) {
        bool out = run->io.direction == KVM_EXIT_IO_OUT;

        place_add(place_of(stats, BUS_PIO, run->io.port), &one, out ? 0 : run->io.count,
                  out ? run->io.count : 0);
    } else if (run->exit_reason == KVM_EXIT_MMIO) {
        place_add(place_of(stats, BUS_MMIO, run->mmio.phys_addr), &one, !run->mmio.is_write,
                  run->mmio.is_write);
    }
}

/* All vCPUs' tables in one. */
static void merge(struct stats *sum, const struct stats *stats)
{
    for (unsigned reason = 0; reason < EXIT_REASONS; reason++)
        tally_add(&sum->reasons[reason], &stats->reasons[reason]);
    for (unsigned i = 0; i < PLACES; i++) {
        const struct place *place = &stats->places[i];

        if (place->used)
            place_add(place_of(sum, place->space, place->address), &place->tally, place->reads,
                      place->writes);
    }
    place_add(&sum->others, &stats->others.tally, stats->others.reads, stats->others.writes);
}

static int compare_places(const void *left, const void *right)
{
    const struct place *a = left;
    const struct place *b = right;

    if (a->used != b->used)
        return a->used ? -1 : 1;
    if (a->space != b->space)
        return a->space < b->space ? -1 : 1;
    return a->address < b->address ? -1 : a->address > b->address;
}

static const char *const space_names[BUS_SPACES] = {[BUS_PIO] = "port", [BUS_MMIO] = "memory"};

static const char *device_at(struct machine *machine, const struct place *place)
{
    struct bus_region region;

    return bus_find(&machine->bus[place->space], place->address, &region) ? region.name
                                                                          : "unclaimed";
}

static double to_us(uint64_t ns, uint64_t exits)
{
    return exits ? (double)ns / (double)exits / 1000.0 : 0.0;
}

static void write_table(struct machine *machine, const struct stats *sum, uint64_t exits,
                        uint64_t unclaimed, FILE *file)
{
    fprintf(file, "exits %" PRIu64 ", accesses that no device decoded %" PRIu64 "\n\n", exits,
            unclaimed);
    fprintf(file, "%-28s %10s %7s %12s %12s\n", "reason", "exits", "share", "us in guest",
            "us in handler");
    for (unsigned reason = 0; reason < EXIT_REASONS; reason++) {
        const struct tally *tally = &sum->reasons[reason];

        if (tally->exits)
            fprintf(file, "%-28s %10" PRIu64 " %6.2f%% %12.3f %12.3f\n", exit_reason_name(reason),
                    tally->exits, 100.0 * (double)tally->exits / (double)exits,
                    to_us(tally->run_ns, tally->exits), to_us(tally->handle_ns, tally->exits));
    }
    fprintf(file, "\n%-7s %-12s %-16s %10s %10s %10s %12s\n", "space", "address", "device", "exits",
            "reads", "writes", "us in handler");
    for (unsigned i = 0; i < sum->place_count; i++) {
        const struct place *place = &sum->places[i];

        fprintf(file,
                "%-7s 0x%-10" PRIx64 " %-16s %10" PRIu64 " %10" PRIu64 " %10" PRIu64 " %12.3f\n",
                space_names[place->space], place->address, device_at(machine, place),
                place->tally.exits, place->reads, place->writes,
                to_us(place->tally.handle_ns, place->tally.exits));
    }
    if (sum->others.tally.exits)
        fprintf(file, "%-37s %10" PRIu64 " %10" PRIu64 " %10" PRIu64 "\n", "further addresses",
                sum->others.tally.exits, sum->others.reads, sum->others.writes);
}

static void write_json_tally(const struct tally *tally, FILE *file)
{
    fprintf(file, "\"exits\":%" PRIu64 ",\"run_ns\":%" PRIu64 ",\"handle_ns\":%" PRIu64,
            tally->exits, tally->run_ns, tally->handle_ns);
}

static void write_json_accesses(const struct place *place, FILE *file)
{
    write_json_tally(&place->tally, file);
    fprintf(file, ",\"reads\":%" PRIu64 ",\"writes\":%" PRIu64 "}", place->reads, place->writes);
}

static void write_json(struct machine *machine, const struct stats *sum, uint64_t exits,
                       uint64_t unclaimed, FILE *file)
{
    const char *comma = "";

    fprintf(file, "{\"schema\":1,\"exits\":%" PRIu64 ",\"unclaimed\":%" PRIu64 ",\n\"reasons\":[",
            exits, unclaimed);
    for (unsigned reason = 0; reason < EXIT_REASONS; reason++) {
        if (!sum->reasons[reason].exits)
            continue;
        fprintf(file, "%s\n {\"reason\":\"%s\",", comma, exit_reason_name(reason));
        write_json_tally(&sum->reasons[reason], file);
        fputc('}', file);
        comma = ",";
    }
    fprintf(file, "],\n\"addresses\":[");
    comma = "";
    for (unsigned i = 0; i < sum->place_count; i++) {
        const struct place *place = &sum->places[i];

        fprintf(file, "%s\n {\"space\":\"%s\",\"address\":%" PRIu64 ",\"device\":\"%s\",", comma,
                space_names[place->space], place->address, device_at(machine, place));
        write_json_accesses(place, file);
        comma = ",";
    }
    fprintf(file, "],\n\"further\":{");
    write_json_accesses(&sum->others, file);
    fprintf(file, "}\n");
}

int stats_write(struct machine *machine, bool json, int fd)
{
    struct stats *sum = stats_create();
    uint64_t exits = 0;
    uint64_t unclaimed = 0;
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    FILE *file = copy < 0 ? NULL : fdopen(copy, "w");
    int result;

    if (!sum || !file) {
        if (copy >= 0)
            close(copy);
        free(sum);
        return -ENOMEM;
    }
    for (unsigned id = 0; id < machine->vcpu_count; id++) {
        merge(sum, machine->vcpus[id].stats);
        unclaimed += atomic_load(&machine->vcpus[id].unclaimed);
    }
    for (unsigned reason = 0; reason < EXIT_REASONS; reason++)
        exits += sum->reasons[reason].exits;
    qsort(sum->places, PLACES, sizeof(sum->places[0]), compare_places);

    (json ? write_json : write_table)(machine, sum, exits, unclaimed, file);
    result = ferror(file) ? -EIO : 0;
    if (fclose(file) != 0)
        result = -errno;
    stats_destroy(sum);
    return result;
}
