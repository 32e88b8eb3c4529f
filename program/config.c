#include "program/config.h"

void config_from_options(const struct options *options, struct minivmm_config *config)
{
    *config = (struct minivmm_config)MINIVMM_CONFIG;
    config->memory_size = options->memory_size;
    config->vcpu_count = options->vcpu_count;
    config->irqchip = options->irqchip;
    config->devices = options->devices;
    config->device_count = options->device_count;
    config->ptlcall = options->ptlcall;
    config->debug_exit = options->debug_exit;
    config->stub = options->stub;
    config->out_dir = options->out_dir;
    config->timeout_ns = options->timeout_ns;
    config->stats = options->stats;
    config->stats_path = options->stats_file;
    config->record = options->record;
    config->trace = options->trace;
    config->checkpoint_at = options->checkpoint_at;
    config->checkpoint_path = options->checkpoint_at_path;
    if (options->quiet)
        config->message_fd = -1;
}
