/* --stats=json. docs/stats.schema.json describes every key. */
#ifndef VMM_OBSERVE_STATS_JSON_H
#define VMM_OBSERVE_STATS_JSON_H

#include "vmm/observe/stats_table.h"

/* Write (stats) as JSON. Write errors stay in (file). */
void stats_write_json(const struct stats_report *report, FILE *file);

#endif
