#include "node/runtime/processors.h"

#include "node/runtime/cgroup.h"

#include <assert.h>
#include <sched.h>

static_assert(sizeof(unsigned long) == sizeof(uint64_t), "the kernel's masks are words of 64 bits");

bool processor_set_has(const struct processor_set *set, uint64_t number)
{
    return number < PROCESSORS_MAX && (set->bits[number / 64] >> (number % 64) & 1) != 0;
}

/* Should the system not tell, one processor is what there surely is. */
void processors_allowed(struct processor_set *out)
{
    *out = (struct processor_set){0};
    if (sched_getaffinity(0, sizeof out->bits, (cpu_set_t *)(void *)out->bits) == 0) {
        for (size_t i = 0; i < PROCESSORS_MAX / 64; i++)
            out->count += (unsigned)__builtin_popcountll(out->bits[i]);
    }
    if (out->count == 0) {
        out->bits[0] = 1;
        out->count = 1;
    }
}

unsigned processors_usable_of(unsigned allowed, uint64_t quota_milli)
{
    uint64_t by_quota = quota_milli / 1000 + (quota_milli % 1000 != 0);

    assert(allowed > 0);
    if (quota_milli == CGROUP_NO_LIMIT || by_quota >= allowed)
        return allowed;
    return (unsigned)by_quota;
}

unsigned processors_usable(const struct system_folders *folders)
{
    struct processor_set allowed;

    processors_allowed(&allowed);
    return processors_usable_of(allowed.count, cgroup_cpu_limit_milli(folders));
}
