#include "node/runtime/node_files.h"

#include "lib/base/log.h"
#include "lib/net/address.h"
#include "node/runtime/node.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

static bool is_set(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static void ports_path(const struct options *options, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/natter-node_%d.ports", options->ports_file_dir, (int)getpid());
}

static bool write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    bool is_written = file != NULL && fputs(text, file) >= 0;

    if (file != NULL && fclose(file) != 0)
        is_written = false;
    if (!is_written)
        log_event(LOG_ERROR, "node.failed", "reason=\"cannot write %s: %s\"", path,
                  strerror(errno));
    return is_written;
}

static bool write_pid(const struct options *options)
{
    char text[32];

    if (!is_set(options->pid_file))
        return true;
    snprintf(text, sizeof text, "%d", (int)getpid());
    return write_file(options->pid_file, text);
}

static bool write_ports(struct node *node, const struct options *options)
{
    char path[PATH_MAX];
    char url[ADDRESS_URL_SIZE];
    char text[sizeof url + 64];

    if (!is_set(options->ports_file_dir))
        return true;
    ports_path(options, path);
    address_to_url(options->host, node->broker.port, url);
    snprintf(text, sizeof text, "{\"nats\":[\"nats://%s\"]}", url);
    return write_file(path, text);
}

bool node_files_write(struct node *node)
{
    const struct options *options = node_options(node);

    return write_pid(options) && write_ports(node, options);
}

void node_files_remove(struct node *node)
{
    const struct options *options = node_options(node);
    char path[PATH_MAX];

    if (is_set(options->pid_file))
        unlink(options->pid_file);
    if (!is_set(options->ports_file_dir))
        return;
    ports_path(options, path);
    unlink(path);
}
