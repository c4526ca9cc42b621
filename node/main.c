#include "lib/base/log.h"
#include "node/runtime/node.h"

#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    struct options o = {.host = "127.0.0.1", .port = 4222, .max_control_line = 4096, .max_payload = 1 << 20, .max_pending = 64 << 20, .max_connections = 65536, .ping_interval_ns = 120000000000, .ping_max = 2, .write_deadline_ns = 10000000000};
    struct node node;
    for (int i = 1; i + 1 < argc; i += 2) if (strcmp(argv[i], "--shards") == 0) o.shards = atoi(argv[i+1]); else if (strcmp(argv[i], "-p") == 0) o.port = strtol(argv[i + 1], NULL, 10);
    log_open(&(struct log_options){.level = LOG_INFO, .with_time = true});
    if (!node_init(&node, &o)) return 1;
    int st = node_run(&node);
    node_fini(&node);
    return st;
}
