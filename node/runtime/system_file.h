/* system_file: the small files in which the kernel tells about the machine.
 *
 * The folders are passed in, so that a test shows a machine of its own making.
 *
 * Threads   any. Allocates nothing. */
#ifndef NATTER_RUNTIME_SYSTEM_FILE_H
#define NATTER_RUNTIME_SYSTEM_FILE_H

#include "lib/base/bytes.h"

#include <stdbool.h>

#define SYSTEM_FILE_PATH_MAX 4096 /* bytes, the NUL included */

/* Where the kernel's files are. */
struct system_folders {
    const char *proc;   /* usually "/proc" */
    const char *cgroup; /* usually "/sys/fs/cgroup" */
};

extern const struct system_folders system_folders_usual;

/* Reads what fits of the file at <path> into <room>, up to its first NUL, as one text: *out is a
 * view of <room> without the last newline. False when there is no such file or it cannot be read.
 */
bool system_file_read(const char *path, char *room, size_t size, struct bytes *out);

/* The same of a file that is kept open, from its beginning. */
bool system_file_read_fd(int fd, char *room, size_t size, struct bytes *out);

/* Takes the first line off *text; false when nothing is left. */
bool system_file_take_line(struct bytes *text, struct bytes *line);

/* Takes the first word off *text, the blanks before it skipped; false when there is none left. */
bool system_file_take_word(struct bytes *text, struct bytes *word);

/* Takes a word that is a number; false, after taking it, when it is none. */
bool system_file_take_number(struct bytes *text, uint64_t *out);

#endif
