#include "node/runtime/memory_budget.h"

#include "node/runtime/cgroup.h"

#include <assert.h>
#include <stdio.h>
#include <unistd.h>

static_assert(MEMORY_HOLD_BACK_LEAVE < MEMORY_HOLD_BACK_ENTER, "else the level flutters");
static_assert(MEMORY_CUT_LEAVE < MEMORY_CUT_ENTER, "else the level flutters");
static_assert(MEMORY_HOLD_BACK_ENTER <= MEMORY_CUT_LEAVE, "who leaves CUT still holds back");

uint64_t memory_budget_default(uint64_t cgroup_limit_bytes)
{
    if (cgroup_limit_bytes == CGROUP_NO_LIMIT)
        return MEMORY_BUDGET_NONE;
    return cgroup_limit_bytes - cgroup_limit_bytes / 4;
}

void memory_budget_init(struct memory_budget *budget, uint64_t bytes)
{
    *budget = (struct memory_budget){.bytes = bytes, .level = MEMORY_NORMAL};
}

static uint64_t percent_of(uint64_t bytes, unsigned percent)
{
    return bytes / 100 * percent + bytes % 100 * percent / 100;
}

enum memory_level memory_budget_update(struct memory_budget *budget, uint64_t used_bytes)
{
    unsigned cut = budget->level == MEMORY_CUT ? MEMORY_CUT_LEAVE : MEMORY_CUT_ENTER;
    unsigned hold_back =
        budget->level == MEMORY_NORMAL ? MEMORY_HOLD_BACK_ENTER : MEMORY_HOLD_BACK_LEAVE;

    if (budget->bytes == MEMORY_BUDGET_NONE)
        budget->level = MEMORY_NORMAL;
    else if (used_bytes >= percent_of(budget->bytes, cut))
        budget->level = MEMORY_CUT;
    else if (used_bytes >= percent_of(budget->bytes, hold_back))
        budget->level = MEMORY_HOLD_BACK;
    else
        budget->level = MEMORY_NORMAL;
    return budget->level;
}

/* The second number of statm counts resident pages. */
bool memory_used_bytes(const struct system_folders *folders, uint64_t *out)
{
    char path[SYSTEM_FILE_PATH_MAX];
    char room[256];
    struct bytes text;
    uint64_t size_pages;
    uint64_t resident_pages;
    int len = snprintf(path, sizeof path, "%s/self/statm", folders->proc);

    if (len < 0 || (size_t)len >= sizeof path || !system_file_read(path, room, sizeof room, &text))
        return false;
    if (!system_file_take_number(&text, &size_pages) ||
        !system_file_take_number(&text, &resident_pages))
        return false;
    *out = resident_pages * (uint64_t)sysconf(_SC_PAGESIZE);
    return true;
}
