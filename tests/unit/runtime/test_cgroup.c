#include "node/runtime/cgroup.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A machine of the test's making: a folder with "proc" and "cgroup" in it. */
static char machine[64];
static char proc[128];
static char cgroup[128];
static struct system_folders folders;

static void make_machine(void)
{
    snprintf(machine, sizeof machine, "/tmp/natter-cgroup-XXXXXX");
    cr_assert_not_null(mkdtemp(machine));
    snprintf(proc, sizeof proc, "%s/proc", machine);
    snprintf(cgroup, sizeof cgroup, "%s/cgroup", machine);
    folders = (struct system_folders){.proc = proc, .cgroup = cgroup};
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *at)
{
    (void)info;
    (void)type;
    (void)at;
    return remove(path);
}

static void remove_machine(void)
{
    nftw(machine, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

TestSuite(cgroup, .init = make_machine, .fini = remove_machine);

/* Writes the file <name> of the machine, and the folders it is in. */
static void has_file(const char *name, const char *text)
{
    char path[512];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", machine, name);
    for (char *slash = path + strlen(machine) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
    file = fopen(path, "w");
    cr_assert_not_null(file, "%s", path);
    fputs(text, file);
    fclose(file);
}

Test(cgroup, without_any_there_is_no_limit)
{
    cr_expect_eq(cgroup_cpu_limit_milli(&folders), CGROUP_NO_LIMIT);
    cr_expect_eq(cgroup_memory_limit_bytes(&folders), CGROUP_NO_LIMIT);
}

Test(cgroup, version_2_limits_processors_and_memory)
{
    has_file("proc/self/cgroup", "0::/app.slice/natter\n");
    has_file("cgroup/app.slice/natter/cpu.max", "150000 100000\n");
    has_file("cgroup/app.slice/natter/memory.max", "1073741824\n");
    cr_expect_eq(cgroup_cpu_limit_milli(&folders), 1500);
    cr_expect_eq(cgroup_memory_limit_bytes(&folders), 1073741824);
}

Test(cgroup, version_2_says_max_for_none)
{
    has_file("proc/self/cgroup", "0::/natter\n");
    has_file("cgroup/natter/cpu.max", "max 100000\n");
    has_file("cgroup/natter/memory.max", "max\n");
    cr_expect_eq(cgroup_cpu_limit_milli(&folders), CGROUP_NO_LIMIT);
    cr_expect_eq(cgroup_memory_limit_bytes(&folders), CGROUP_NO_LIMIT);
}

Test(cgroup, the_tightest_of_the_groups_above_counts)
{
    has_file("proc/self/cgroup", "0::/a/b/c\n");
    has_file("cgroup/a/b/c/cpu.max", "400000 100000\n");
    has_file("cgroup/a/b/cpu.max", "max 100000\n");
    has_file("cgroup/a/cpu.max", "250000 100000\n");
    has_file("cgroup/a/b/memory.max", "500000\n");
    has_file("cgroup/a/memory.max", "900000\n");
    cr_expect_eq(cgroup_cpu_limit_milli(&folders), 2500);
    cr_expect_eq(cgroup_memory_limit_bytes(&folders), 500000);
}

Test(cgroup, in_a_container_the_root_stands_for_a_path_of_the_host)
{
    has_file("proc/self/cgroup", "0::/docker/4f53cda18c2b\n");
    has_file("cgroup/cpu.max", "200000 100000\n");
    has_file("cgroup/memory.max", "268435456\n");
    cr_expect_eq(cgroup_cpu_limit_milli(&folders), 2000);
    cr_expect_eq(cgroup_memory_limit_bytes(&folders), 268435456);
}

Test(cgroup, in_a_namespace_of_its_own_the_root_is_the_group)
{
    has_file("proc/self/cgroup", "0::/\n");
    has_file("cgroup/cpu.max", "50000 100000\n");
    cr_expect_eq(cgroup_cpu_limit_milli(&folders), 500);
}

Test(cgroup, version_1_has_a_hierarchy_for_each_controller)
{
    has_file("proc/self/cgroup", "9:name=systemd:/x\n4:memory:/group/natter\n"
                                 "3:cpu,cpuacct:/group/natter\n2:cpuset:/\n0::/\n");
    has_file("cgroup/cpu,cpuacct/group/natter/cpu.cfs_quota_us", "-1\n");
    has_file("cgroup/cpu,cpuacct/group/natter/cpu.cfs_period_us", "100000\n");
    has_file("cgroup/cpu,cpuacct/group/cpu.cfs_quota_us", "300000\n");
    has_file("cgroup/cpu,cpuacct/group/cpu.cfs_period_us", "100000\n");
    has_file("cgroup/memory/group/natter/memory.limit_in_bytes", "536870912\n");
    has_file("cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    cr_expect_eq(cgroup_cpu_limit_milli(&folders), 3000);
    cr_expect_eq(cgroup_memory_limit_bytes(&folders), 536870912);
}

Test(cgroup, version_1_writes_a_huge_number_for_none)
{
    has_file("proc/self/cgroup", "4:memory:/\n");
    has_file("cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    cr_expect_eq(cgroup_memory_limit_bytes(&folders), CGROUP_NO_LIMIT);
}

Test(cgroup, version_2_beside_version_1_is_called_unified)
{
    has_file("proc/self/cgroup", "1:name=systemd:/\n0::/natter\n");
    has_file("cgroup/unified/natter/cpu.max", "100000 100000\n");
    cr_expect_eq(cgroup_cpu_limit_milli(&folders), 1000);
}

Test(cgroup, nonsense_is_no_limit)
{
    has_file("proc/self/cgroup", "\n:\nno colons\n0::/a\n1:cpu\n");
    has_file("cgroup/a/cpu.max", "much 0\n");
    has_file("cgroup/cpu.max", "100000 0\n");
    has_file("cgroup/a/memory.max", "");
    cr_expect_eq(cgroup_cpu_limit_milli(&folders), CGROUP_NO_LIMIT);
    cr_expect_eq(cgroup_memory_limit_bytes(&folders), CGROUP_NO_LIMIT);
}
