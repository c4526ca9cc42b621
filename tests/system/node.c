#include "tests/system/node.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    PATH_BYTES = 256,
    ARGS_MAX = 32,
    START_TRIES = 5,
    START_DEADLINE_MS = 20000, /* a sanitized node on a busy machine */
    STOP_DEADLINE_MS = 20000,
    LOOK_EVERY_MS = 2,
    PORT_FIRST = 10000, /* below the ports that the kernel gives to outgoing connections */
    PORT_COUNT = 20000,
    LOG_TAIL_BYTES = 3000,
    SANITIZER_STATUS = 77
};

struct node {
    char dir[PATH_BYTES];
    char path[PATH_BYTES * 2 + 16]; /* what node_file() returned last */
    char url[64];
    char port_text[16];
    bool has_config;
    bool waited; /* the process has ended, or its status is somebody else's business */
    bool ended;
    int status;
    uint16_t port;
    pid_t pid;
};

int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void sleep_ms(int ms)
{
    struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000L};

    nanosleep(&pause, NULL);
}

static _Noreturn void give_up(const char *what)
{
    fprintf(stderr, "node: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

static const char *program(void)
{
    const char *path = getenv("NATTER_NODE");

    return path != NULL && path[0] != '\0' ? path : NATTER_NODE_DEFAULT;
}

bool node_is_reference(void)
{
    const char *slash = strrchr(program(), '/');
    const char *name = slash == NULL ? program() : slash + 1;

    return strncmp(name, "nats-server", strlen("nats-server")) == 0;
}

uint16_t node_port(const struct node *node)
{
    return node->port;
}

pid_t node_pid(const struct node *node)
{
    return node->pid;
}

const char *node_url(const struct node *node)
{
    return node->url;
}

const char *node_file(struct node *node, const char *name)
{
    snprintf(node->path, sizeof node->path, "%s/%s", node->dir, name);
    return node->path;
}

/* The next port, in an order of this process, that nobody is bound to. */
static uint16_t free_port(void)
{
    static unsigned tries;

    for (unsigned i = 0; i < PORT_COUNT; i++) {
        unsigned offset = ((unsigned)getpid() * 17 + tries++) % PORT_COUNT;
        struct sockaddr_in address = {.sin_family = AF_INET};
        int on = 1;
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        address.sin_port = htons((uint16_t)(PORT_FIRST + offset));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        int bound = bind(fd, (struct sockaddr *)&address, sizeof address);
        close(fd);
        if (bound == 0)
            return ntohs(address.sin_port);
    }
    give_up("no free port");
}

/* Looks among the kernel's sockets for one of <pid> that listens on <port>. Trying a connection
 * instead would be seen by the node, and counted. */
static bool owns_socket(pid_t pid, unsigned long inode)
{
    char path[PATH_BYTES], link[64], wanted[64];
    struct dirent *entry;
    bool found = false;

    snprintf(wanted, sizeof wanted, "socket:[%lu]", inode);
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *dir = opendir(path);
    while (dir != NULL && !found && (entry = readdir(dir)) != NULL) {
        ssize_t len = readlinkat(dirfd(dir), entry->d_name, link, sizeof link - 1);
        if (len < 0)
            continue;
        link[len] = '\0';
        found = strcmp(link, wanted) == 0;
    }
    if (dir != NULL)
        closedir(dir);
    return found;
}

static bool listens_in(const char *table, pid_t pid, uint16_t port)
{
    char line[512];
    bool found = false;
    FILE *file = fopen(table, "re");

    while (file != NULL && !found && fgets(line, sizeof line, file) != NULL) {
        unsigned local_port, state;
        unsigned long inode;
        if (sscanf(line, " %*d: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s %*u %*d %lu",
                   &local_port, &state, &inode) == 3)
            found = local_port == port && state == 0x0A && owns_socket(pid, inode);
    }
    if (file != NULL)
        fclose(file);
    return found;
}

static bool listens(const struct node *node)
{
    return listens_in("/proc/net/tcp", node->pid, node->port) ||
           listens_in("/proc/net/tcp6", node->pid, node->port);
}

bool node_refuses(const struct node *node)
{
    for (int64_t end = now_ms() + NODE_DEADLINE_MS; listens(node); sleep_ms(LOOK_EVERY_MS)) {
        if (now_ms() > end)
            return false;
    }
    return true;
}

/* Adds the blank-separated <words> to <argv>, which then looks into <copy>. */
static size_t add_words(const char *words, char *copy, size_t size, const char *argv[],
                        size_t count)
{
    snprintf(copy, size, "%s", words == NULL ? "" : words);
    for (char *at = copy; count < ARGS_MAX - 1;) {
        at += strspn(at, " ");
        if (*at == '\0')
            break;
        argv[count++] = at;
        at += strcspn(at, " ");
        if (*at != '\0')
            *at++ = '\0';
    }
    return count;
}

/* The sanitizers' options, each after what the environment says already. */
static void set_sanitizer_log(const char *dir)
{
    static const char *const names[] = {"ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char text[1024];
        const char *old = getenv(names[i]);
        snprintf(text, sizeof text, "%s:log_path=%s/sanitizer:exitcode=%d", old == NULL ? "" : old,
                 dir, SANITIZER_STATUS);
        setenv(names[i], text, 1);
    }
}

/* Runs <argv>, writing to <output>; reports of sanitizers go to <dir> if there is one. */
static pid_t spawn(const char *const argv[], const char *output, const char *dir)
{
    pid_t parent = getpid();
    pid_t pid = fork();

    if (pid < 0)
        give_up("fork");
    if (pid > 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(127);
    if (dir != NULL)
        set_sanitizer_log(dir);
    int out = open(output, O_WRONLY | O_CREAT | O_APPEND, 0600);
    int in = open("/dev/null", O_RDONLY);
    dup2(in, 0);
    dup2(out, 1);
    dup2(out, 2);
    signal(SIGPIPE, SIG_DFL);
    execv(argv[0], (char *const *)(uintptr_t)argv);
    dprintf(2, "cannot run %s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

static void launch(struct node *node)
{
    char words[1024], config[PATH_BYTES + 16], pid_file[PATH_BYTES + 16], log[PATH_BYTES + 16];
    const char *shards = getenv("NATTER_SHARDS");
    const char *argv[ARGS_MAX] = {program(),       "-a", "127.0.0.1", "-p",
                                  node->port_text, "-P", pid_file};
    size_t count = 7;

    snprintf(config, sizeof config, "%s/node.conf", node->dir);
    snprintf(pid_file, sizeof pid_file, "%s/node.pid", node->dir);
    snprintf(log, sizeof log, "%s/node.log", node->dir);
    if (node->has_config) {
        argv[count++] = "-c";
        argv[count++] = config;
    }
    if (shards != NULL && shards[0] != '\0' && !node_is_reference()) {
        argv[count++] = "--shards";
        argv[count++] = shards;
    }
    count = add_words(getenv("NATTER_NODE_ARGS"), words, sizeof words, argv, count);
    argv[count] = NULL;
    node->pid = spawn(argv, log, node->dir);
}

/* Whether the process has ended; then its status is known. */
static bool has_ended(struct node *node)
{
    int status;

    if (node->ended)
        return true;
    if (waitpid(node->pid, &status, WNOHANG) != node->pid)
        return false;
    node->ended = true;
    node->status =
        WIFEXITED(status) ? WEXITSTATUS(status) : NODE_KILLED_BY_SIGNAL + WTERMSIG(status);
    return true;
}

static bool came_up(struct node *node)
{
    for (int64_t end = now_ms() + START_DEADLINE_MS; now_ms() < end; sleep_ms(LOOK_EVERY_MS)) {
        if (listens(node))
            return true;
        if (has_ended(node))
            return false;
    }
    return false;
}

/* The whole file as a string, to be freed; empty when there is none. */
static char *read_file(const char *path)
{
    size_t len = 0, size = 1 << 16;
    char *text = malloc(size);
    FILE *file = fopen(path, "re");

    if (text == NULL)
        give_up("memory");
    while (file != NULL && !feof(file) && !ferror(file)) {
        if (size - len < 4096 && (text = realloc(text, size *= 2)) == NULL)
            give_up("memory");
        len += fread(text + len, 1, size - len - 1, file);
    }
    if (file != NULL)
        fclose(file);
    text[len] = '\0';
    return text;
}

/* Prints and counts the reports that sanitizers left, and removes all files of the folder. */
static int clean_folder(struct node *node)
{
    int reports = 0;
    struct dirent *entry;
    DIR *dir = opendir(node->dir);

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        if (strncmp(entry->d_name, "sanitizer", strlen("sanitizer")) == 0) {
            char *report = read_file(node_file(node, entry->d_name));
            fprintf(stderr, "node: a sanitizer reports:\n%s\n", report);
            free(report);
            reports++;
        }
        unlink(node_file(node, entry->d_name));
    }
    if (dir != NULL)
        closedir(dir);
    rmdir(node->dir);
    return reports;
}

static void choose_port(struct node *node)
{
    node->port = free_port();
    snprintf(node->port_text, sizeof node->port_text, "%u", (unsigned)node->port);
    snprintf(node->url, sizeof node->url, "nats://127.0.0.1:%s", node->port_text);
}

struct node *node_start(const char *config)
{
    const char *tmp = getenv("TMPDIR");
    struct node *node = calloc(1, sizeof *node);

    if (node == NULL)
        give_up("memory");
    snprintf(node->dir, sizeof node->dir, "%s/natter-test-XXXXXX", tmp == NULL ? "/tmp" : tmp);
    if (mkdtemp(node->dir) == NULL)
        give_up(node->dir);
    if (config != NULL)
        node_configure(node, config);
    for (int i = 0; i < START_TRIES; i++) {
        node->ended = false;
        choose_port(node);
        launch(node);
        if (came_up(node))
            return node;
    }
    fprintf(stderr, "node: %s does not come up:\n", program());
    node_print_log(node);
    if (!node->ended)
        kill(node->pid, SIGKILL);
    clean_folder(node);
    exit(EXIT_FAILURE);
}

void node_configure(struct node *node, const char *config)
{
    FILE *file = fopen(node_file(node, "node.conf"), "we");

    if (file == NULL || fputs(config, file) < 0 || fclose(file) != 0)
        give_up("node.conf");
    node->has_config = true;
}

void node_signal(struct node *node, int signal)
{
    if (kill(node->pid, signal) != 0)
        give_up("kill");
}

int node_wait(struct node *node, int deadline_ms)
{
    node->waited = true;
    for (int64_t end = now_ms() + deadline_ms; !has_ended(node); sleep_ms(LOOK_EVERY_MS)) {
        if (now_ms() > end)
            return NODE_STILL_RUNNING;
    }
    return node->status;
}

bool node_logs(struct node *node, const char *wanted)
{
    for (int64_t end = now_ms() + NODE_DEADLINE_MS; now_ms() < end; sleep_ms(LOOK_EVERY_MS)) {
        char *text = read_file(node_file(node, "node.log"));
        bool found = strstr(text, wanted) != NULL;
        free(text);
        if (found)
            return true;
    }
    return false;
}

void node_print_log(struct node *node)
{
    char *text = read_file(node_file(node, "node.log"));
    size_t len = strlen(text);

    fprintf(stderr, "--- the end of its log:\n%s---\n",
            len > LOG_TAIL_BYTES ? text + len - LOG_TAIL_BYTES : text);
    free(text);
}

int64_t node_resident_kib(const struct node *node)
{
    char path[64], line[256];
    int64_t kib = 0;

    snprintf(path, sizeof path, "/proc/%d/status", (int)node->pid);
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "VmRSS: %" SCNd64, &kib) == 1)
            break;
    }
    if (file != NULL)
        fclose(file);
    return kib;
}

int node_open_files(const struct node *node)
{
    char path[64];
    int count = 0;

    snprintf(path, sizeof path, "/proc/%d/fd", (int)node->pid);
    DIR *dir = opendir(path);
    while (dir != NULL && readdir(dir) != NULL)
        count++;
    if (dir != NULL)
        closedir(dir);
    return count - 2; /* "." and ".." */
}

bool node_stop(struct node *node)
{
    int wanted = node_is_reference() ? 1 : 0; /* nats-server before 2.14 ends with 1 on SIGTERM */
    bool judged = node->waited;
    bool good = true;

    if (!has_ended(node)) {
        node_signal(node, SIGTERM);
        if (node_wait(node, STOP_DEADLINE_MS) == NODE_STILL_RUNNING) {
            fprintf(stderr, "node: it does not end on SIGTERM\n");
            kill(node->pid, SIGKILL);
            waitpid(node->pid, NULL, 0);
            good = false;
        }
    } else if (!judged) {
        fprintf(stderr, "node: it ended by itself\n");
        good = false;
    }
    if (node->ended && !judged && node->status != wanted) {
        fprintf(stderr, "node: its exit status is %d\n", node->status);
        good = false;
    }
    if (!good)
        node_print_log(node);
    good = clean_folder(node) == 0 && good;
    free(node);
    return good;
}

void node_run(const char *const args[], struct node_run *run)
{
    char output[] = "/tmp/natter-run-XXXXXX";
    const char *argv[ARGS_MAX] = {program()};
    struct node process = {0};

    for (size_t i = 0; args[i] != NULL && i < ARGS_MAX - 2; i++)
        argv[i + 1] = args[i];
    close(mkstemp(output));
    process.pid = spawn(argv, output, NULL);
    run->status = node_wait(&process, START_DEADLINE_MS);
    if (run->status == NODE_STILL_RUNNING) {
        kill(process.pid, SIGKILL);
        waitpid(process.pid, NULL, 0);
    }
    char *text = read_file(output);
    snprintf(run->output, sizeof run->output, "%s", text);
    free(text);
    unlink(output);
}
