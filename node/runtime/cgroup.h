/* cgroup: what the control groups of this process allow it.
 *
 * Both versions are understood, side by side as systems in transition have them. A group may use no
 * more than any group above it, so every level counts and the tightest limit wins. In a container
 * the path of a group may be one of the host's, which does not exist inside: then what the
 * container shows as the root is what applies.
 *
 * Threads   any; reads files, so not while anybody waits for a message. */
#ifndef NATTER_RUNTIME_CGROUP_H
#define NATTER_RUNTIME_CGROUP_H

#include "node/runtime/system_file.h"

#include <stdint.h>

#define CGROUP_NO_LIMIT 0

/* Processor time a second, in thousandths of a processor (1500 is one and a half); CGROUP_NO_LIMIT.
 */
uint64_t cgroup_cpu_limit_milli(const struct system_folders *folders);

/* Memory in bytes; CGROUP_NO_LIMIT. */
uint64_t cgroup_memory_limit_bytes(const struct system_folders *folders);

#endif
