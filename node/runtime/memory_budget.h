/* memory_budget: what to do when the node as a whole runs out of room.
 *
 * The process has a budget. Near it publishers are held back, nearer still the slowest consumers
 * go; the process never does. Each step is left a little below where it was entered, so that the
 * node does not flutter between two of them:
 *
 *       0 ................... 80 %      85 %      90 %      95 %      100 %
 *         NORMAL ------------------------>|
 *                              |<---- HOLD_BACK ------------>|
 *                                                 |<--------- CUT
 *
 * Threads   a budget belongs to one thread. Decides only; memory_used_bytes() alone asks the
 * system. */
#ifndef NATTER_RUNTIME_MEMORY_BUDGET_H
#define NATTER_RUNTIME_MEMORY_BUDGET_H

#include "node/runtime/system_file.h"

#include <stdbool.h>
#include <stdint.h>

#define MEMORY_BUDGET_NONE 0

/* Per cent of the budget at which a level is entered and left. */
#define MEMORY_HOLD_BACK_ENTER 85
#define MEMORY_HOLD_BACK_LEAVE 80
#define MEMORY_CUT_ENTER 95
#define MEMORY_CUT_LEAVE 90

enum memory_level {
    MEMORY_NORMAL,
    MEMORY_HOLD_BACK, /* read no more from those who publish */
    MEMORY_CUT        /* close the slowest consumers as well */
};

struct memory_budget {
    uint64_t bytes; /* MEMORY_BUDGET_NONE: always MEMORY_NORMAL */
    enum memory_level level;
};

/* What a node gets that was given no budget: three quarters of its control groups' limit, because
 * the kernel counts its sockets' buffers against that too; MEMORY_BUDGET_NONE without such a limit.
 */
uint64_t memory_budget_default(uint64_t cgroup_limit_bytes);

void memory_budget_init(struct memory_budget *budget, uint64_t bytes);

/* Takes note that <used_bytes> are in use, and returns the level that follows. */
enum memory_level memory_budget_update(struct memory_budget *budget, uint64_t used_bytes);

/* What the process has resident; false when the system does not tell. */
bool memory_used_bytes(const struct system_folders *folders, uint64_t *out);

#endif
