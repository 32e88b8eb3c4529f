#include "vmm/observe/stats.h"

#include "vmm/core/machine.h"
#include "vmm/core/vcpu.h"
#include "vmm/observe/stats_json.h"
#include "vmm/observe/stats_table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

struct stats {
    struct observer observer; /* first */
    struct machine *machine;
    struct stats_table *tables; /* by vCPU */
};

static void table_init(struct stats_table *table)
{
    table->reasons[EXIT_REASON_OTHER] = &table->other_reasons;
    table->others.tally = &table->other_places;
}

static void table_clear(struct stats_table *table)
{
    for (unsigned reason = 0; reason < EXIT_REASONS; reason++)
        if (reason != EXIT_REASON_OTHER)
            free(table->reasons[reason]);
    for (unsigned i = 0; i < STATS_PLACES; i++)
        free(table->places[i].tally);
}

static struct tally *reason_of(struct stats_table *stats, unsigned reason)
{
    struct tally **tally = &stats->reasons[reason];

    if (!*tally)
        *tally = calloc(1, sizeof(**tally));
    return *tally ? *tally : &stats->other_reasons;
}

/* Use the free (place) for an address, or (others) if the table is full or memory is out. */
static struct place *place_take(struct stats_table *stats, struct place *place,
                                enum bus_space space, uint64_t address)
{
    struct tally *tally = NULL;

    if (stats->place_count < STATS_PLACES * 3 / 4)
        tally = calloc(1, sizeof(*tally));
    if (!tally)
        return &stats->others;
    stats->place_count++;
    *place = (struct place){.space = space, .address = address, .tally = tally};
    return place;
}

/* Open addressing; a quarter stays free, so that every search ends. */
static struct place *place_of(struct stats_table *stats, enum bus_space space, uint64_t address)
{
    /* Multiplication by 2^64 over the golden ratio spreads neighbours; Knuth, volume 3, 6.4. */
    uint64_t hash = (address * 2 + space) * 0x9e3779b97f4a7c15ull >> 32;
    struct place *place;

    for (;; hash++) {
        place = &stats->places[hash % STATS_PLACES];
        if (!place->tally)
            return place_take(stats, place, space, address);
        if (place->address == address && place->space == space)
            return place;
    }
}

static void tally_count(struct tally *tally, uint64_t run_ns, uint64_t handle_ns)
{
    histogram_add(&tally->run, run_ns);
    histogram_add(&tally->handle, handle_ns);
}

static void tally_merge(struct tally *sum, const struct tally *more)
{
    histogram_merge(&sum->run, &more->run);
    histogram_merge(&sum->handle, &more->handle);
}

static void place_merge(struct place *sum, const struct place *more)
{
    tally_merge(sum->tally, more->tally);
    sum->reads += more->reads;
    sum->writes += more->writes;
}

static void table_count(struct stats_table *stats, const struct kvm_run *run, uint64_t run_ns,
                        uint64_t handle_ns)
{
    struct place *place;
    uint64_t elements;
    bool write;

    tally_count(reason_of(stats, exit_reason_index(run->exit_reason)), run_ns, handle_ns);
    if (run->exit_reason == KVM_EXIT_IO) {
        place = place_of(stats, BUS_PIO, run->io.port);
        elements = run->io.count;
        write = run->io.direction == KVM_EXIT_IO_OUT;
    } else if (run->exit_reason == KVM_EXIT_MMIO) {
        place = place_of(stats, BUS_MMIO, run->mmio.phys_addr);
        elements = 1;
        write = run->mmio.is_write;
    } else {
        return;
    }
    tally_count(place->tally, run_ns, handle_ns);
    *(write ? &place->writes : &place->reads) += elements;
}

/* Add the tables of one vCPU. */
static void stats_merge(struct stats_table *sum, const struct stats_table *stats)
{
    for (unsigned reason = 0; reason < EXIT_REASONS; reason++)
        if (stats->reasons[reason])
            tally_merge(reason_of(sum, reason), stats->reasons[reason]);
    for (unsigned i = 0; i < STATS_PLACES; i++) {
        const struct place *place = &stats->places[i];

        if (place->tally)
            place_merge(place_of(sum, place->space, place->address), place);
    }
    place_merge(&sum->others, &stats->others);
}

static int compare_places(const void *left, const void *right)
{
    const struct place *a = left;
    const struct place *b = right;

    if (!a->tally != !b->tally)
        return a->tally ? -1 : 1;
    if (a->space != b->space)
        return a->space < b->space ? -1 : 1;
    return a->address < b->address ? -1 : a->address > b->address;
}

/* Add the tables of all vCPUs to (sum), and write it. */
static void report(const struct stats *stats, struct stats_table *sum, bool json, FILE *file)
{
    struct machine *machine = stats->machine;
    struct tally all = {0};
    struct stats_report report = {.machine = machine, .stats = sum, .all = &all};

    for (unsigned id = 0; id < machine->vcpu_count; id++) {
        stats_merge(sum, &stats->tables[id]);
        report.unclaimed += atomic_load(&machine->vcpus[id].unclaimed);
    }
    for (unsigned reason = 0; reason < EXIT_REASONS; reason++)
        if (sum->reasons[reason])
            tally_merge(&all, sum->reasons[reason]);
    qsort(sum->places, STATS_PLACES, sizeof(sum->places[0]), compare_places);
    (json ? stats_write_json : stats_write_table)(&report, file);
}

int stats_write(struct stats *stats, bool json, int fd)
{
    struct stats_table *sum = calloc(1, sizeof(*sum));
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    FILE *file = copy < 0 ? NULL : fdopen(copy, "w");
    int result;

    if (!sum || !file) {
        if (copy >= 0)
            close(copy);
        free(sum);
        return -ENOMEM;
    }
    table_init(sum);
    report(stats, sum, json, file);
    result = ferror(file) ? -EIO : 0;
    if (fclose(file) != 0)
        result = -errno;
    table_clear(sum);
    free(sum);
    return result;
}

void stats_count(struct stats *stats, unsigned id, const struct kvm_run *run, uint64_t run_ns,
                 uint64_t handle_ns)
{
    table_count(&stats->tables[id], run, run_ns, handle_ns);
}

static void observe_exit(struct observer *observer, struct vcpu *vcpu,
                         const struct exit_times *times)
{
    stats_count((struct stats *)observer, vcpu->id, vcpu->run, times->exited - times->entered,
                times->handled - times->exited);
}

struct stats *stats_create(struct machine *machine)
{
    struct stats *stats = calloc(1, sizeof(*stats));

    if (stats)
        stats->tables = calloc(machine->vcpu_count, sizeof(*stats->tables));
    if (!stats || !stats->tables) {
        free(stats);
        return NULL;
    }
    for (unsigned id = 0; id < machine->vcpu_count; id++)
        table_init(&stats->tables[id]);
    stats->machine = machine;
    stats->observer.exit = observe_exit;
    observer_add(&machine->observers, &stats->observer);
    return stats;
}

void stats_destroy(struct stats *stats)
{
    if (!stats)
        return;
    observer_remove(&stats->machine->observers, &stats->observer);
    for (unsigned id = 0; id < stats->machine->vcpu_count; id++)
        table_clear(&stats->tables[id]);
    free(stats->tables);
    free(stats);
}
