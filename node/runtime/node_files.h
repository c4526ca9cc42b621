/* node_files: the small files by which others find a running node.
 *
 * The pid file holds the process id; the ports file, "<program>_<pid>.ports" in a folder, the URLs it
 * listens on, as JSON. Both go when the node does.
 *
 * Threads   worker 0's. */
#ifndef NATTER_RUNTIME_NODE_FILES_H
#define NATTER_RUNTIME_NODE_FILES_H

#include <stdbool.h>

struct node;

/* Writes those the options name; false, having said why in the log, when one cannot be written. */
bool node_files_write(struct node *node);
void node_files_remove(struct node *node);

#endif
