#include "node/runtime/cgroup.h"

#include <stdio.h>

/* The kernel's "none" of version 1 is the largest multiple of a page; nobody has as much. */
#define V1_MEMORY_NONE (UINT64_C(1) << 62)

#define FILE_SIZE_MAX 4096 /* of /proc/self/cgroup; each limit is a line */

/* Reads the limit of the one group whose files are in <folder>; CGROUP_NO_LIMIT when it sets none.
 */
typedef uint64_t limit_fn(const char *folder);

/* Where a kind of limit is found. A controller of version 2 has no name; its groups are at the
 * root, or beside those of version 1. */
struct hierarchy {
    const char *controller; /* as it stands in /proc/self/cgroup; empty: version 2 */
    const char *beneath[3]; /* folders below the root where it may be mounted; NULL-terminated */
    limit_fn *limit;
};

static bool read_file_in(const char *folder, const char *name, char *room, struct bytes *out)
{
    char path[SYSTEM_FILE_PATH_MAX];
    int len = snprintf(path, sizeof path, "%s/%s", folder, name);

    return len > 0 && (size_t)len < sizeof path && system_file_read(path, room, FILE_SIZE_MAX, out);
}

static bool read_number_in(const char *folder, const char *name, uint64_t *out)
{
    char room[FILE_SIZE_MAX];
    struct bytes text;

    return read_file_in(folder, name, room, &text) && system_file_take_number(&text, out);
}

static uint64_t milli_of(uint64_t quota_us, uint64_t period_us)
{
    uint64_t milli;

    if (period_us == 0 || quota_us > UINT64_MAX / 1000)
        return CGROUP_NO_LIMIT;
    milli = quota_us * 1000 / period_us;
    return milli > 0 ? milli : 1;
}

/* "max 100000" or "150000 100000". */
static uint64_t cpu_limit_v2(const char *folder)
{
    char room[FILE_SIZE_MAX];
    struct bytes text;
    uint64_t quota_us;
    uint64_t period_us;

    if (!read_file_in(folder, "cpu.max", room, &text))
        return CGROUP_NO_LIMIT;
    if (!system_file_take_number(&text, &quota_us) || !system_file_take_number(&text, &period_us))
        return CGROUP_NO_LIMIT;
    return milli_of(quota_us, period_us);
}

/* The quota is -1 for none, which is no number here. */
static uint64_t cpu_limit_v1(const char *folder)
{
    uint64_t quota_us;
    uint64_t period_us;

    if (!read_number_in(folder, "cpu.cfs_quota_us", &quota_us) ||
        !read_number_in(folder, "cpu.cfs_period_us", &period_us))
        return CGROUP_NO_LIMIT;
    return milli_of(quota_us, period_us);
}

/* A number, or "max". */
static uint64_t memory_limit_v2(const char *folder)
{
    uint64_t limit;

    return read_number_in(folder, "memory.max", &limit) ? limit : CGROUP_NO_LIMIT;
}

static uint64_t memory_limit_v1(const char *folder)
{
    uint64_t limit;

    if (!read_number_in(folder, "memory.limit_in_bytes", &limit) || limit >= V1_MEMORY_NONE)
        return CGROUP_NO_LIMIT;
    return limit;
}

static const struct hierarchy cpu_hierarchies[] = {
    {"", {"", "/unified"}, cpu_limit_v2},
    {"cpu", {"/cpu", "/cpu,cpuacct"}, cpu_limit_v1},
};

static const struct hierarchy memory_hierarchies[] = {
    {"", {"", "/unified"}, memory_limit_v2},
    {"memory", {"/memory"}, memory_limit_v1},
};

static uint64_t tighter(uint64_t a, uint64_t b)
{
    if (a == CGROUP_NO_LIMIT || b == CGROUP_NO_LIMIT)
        return a == CGROUP_NO_LIMIT ? b : a;
    return a < b ? a : b;
}

/* The tightest limit from the group at <group> up to the root at <root>. */
static uint64_t limit_upwards(const char *root, struct bytes group, limit_fn *limit)
{
    char folder[SYSTEM_FILE_PATH_MAX];
    uint64_t tightest = CGROUP_NO_LIMIT;
    int len = snprintf(folder, sizeof folder, "%s%.*s", root, BYTES_ARG(group));

    if (len < 0 || (size_t)len >= sizeof folder)
        return CGROUP_NO_LIMIT;
    for (;;) {
        char *slash;

        tightest = tighter(tightest, limit(folder));
        slash = strrchr(folder, '/');
        if (slash == NULL || (size_t)(slash - folder) < strlen(root))
            return tightest;
        *slash = '\0';
    }
}

/* Whether <name> is one of the names in "cpu,cpuacct"; the list of version 2 is empty. */
static bool lists(struct bytes controllers, const char *name)
{
    for (;;) {
        const char *comma = memchr(controllers.data, ',', controllers.len);
        size_t len = comma != NULL ? (size_t)(comma - controllers.data) : controllers.len;

        if (bytes_equal_str(bytes_of(controllers.data, len), name))
            return true;
        if (comma == NULL)
            return false;
        controllers = bytes_after(controllers, len + 1);
    }
}

/* Splits "4:cpu,cpuacct:/system.slice/natter.service". */
static bool split_line(struct bytes line, struct bytes *controllers, struct bytes *group)
{
    const char *first = memchr(line.data, ':', line.len);
    const char *second;

    if (first == NULL)
        return false;
    line = bytes_after(line, (size_t)(first - line.data) + 1);
    second = memchr(line.data, ':', line.len);
    if (second == NULL)
        return false;
    *controllers = bytes_of(line.data, (size_t)(second - line.data));
    *group = bytes_after(line, controllers->len + 1);
    return true;
}

static uint64_t limit_in(const struct system_folders *folders, const struct hierarchy *hierarchy,
                         struct bytes groups)
{
    uint64_t tightest = CGROUP_NO_LIMIT;
    struct bytes controllers;
    struct bytes group;
    struct bytes line;

    while (system_file_take_line(&groups, &line)) {
        if (!split_line(line, &controllers, &group) || !lists(controllers, hierarchy->controller))
            continue;
        for (size_t i = 0; i < 3 && hierarchy->beneath[i] != NULL; i++) {
            char root[SYSTEM_FILE_PATH_MAX];
            int len = snprintf(root, sizeof root, "%s%s", folders->cgroup, hierarchy->beneath[i]);

            if (len > 0 && (size_t)len < sizeof root)
                tightest = tighter(tightest, limit_upwards(root, group, hierarchy->limit));
        }
    }
    return tightest;
}

static uint64_t limit_of(const struct system_folders *folders, const struct hierarchy *hierarchies,
                         size_t count)
{
    uint64_t tightest = CGROUP_NO_LIMIT;
    char path[SYSTEM_FILE_PATH_MAX];
    char room[FILE_SIZE_MAX];
    struct bytes groups;
    int len = snprintf(path, sizeof path, "%s/self/cgroup", folders->proc);

    if (len < 0 || (size_t)len >= sizeof path ||
        !system_file_read(path, room, sizeof room, &groups))
        return CGROUP_NO_LIMIT;
    for (size_t i = 0; i < count; i++)
        tightest = tighter(tightest, limit_in(folders, &hierarchies[i], groups));
    return tightest;
}

uint64_t cgroup_cpu_limit_milli(const struct system_folders *folders)
{
    return limit_of(folders, cpu_hierarchies, 2);
}

uint64_t cgroup_memory_limit_bytes(const struct system_folders *folders)
{
    return limit_of(folders, memory_hierarchies, 2);
}
