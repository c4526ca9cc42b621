#include "node/runtime/system_file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

const struct system_folders system_folders_usual = {.proc = "/proc", .cgroup = "/sys/fs/cgroup"};

/* The kernel gives some files piece by piece, so that one read is not always all. */
bool system_file_read_fd(int fd, char *room, size_t size, struct bytes *out)
{
    size_t len = 0;
    ssize_t n;

    do {
        n = pread(fd, room + len, size - len, (off_t)len);
        if (n > 0)
            len += (size_t)n;
    } while ((n > 0 && len < size) || (n < 0 && errno == EINTR));
    if (n < 0)
        return false;
    len = strnlen(room, len);
    if (len > 0 && room[len - 1] == '\n')
        len--;
    *out = bytes_of(room, len);
    return true;
}

bool system_file_read(const char *path, char *room, size_t size, struct bytes *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool was_read;

    if (fd < 0)
        return false;
    was_read = system_file_read_fd(fd, room, size, out);
    close(fd);
    return was_read;
}

bool system_file_take_line(struct bytes *text, struct bytes *line)
{
    const char *end;

    if (text->len == 0)
        return false;
    end = memchr(text->data, '\n', text->len);
    if (end == NULL) {
        *line = *text;
        *text = bytes_after(*text, text->len);
    } else {
        *line = bytes_of(text->data, (size_t)(end - text->data));
        *text = bytes_after(*text, line->len + 1);
    }
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

bool system_file_take_word(struct bytes *text, struct bytes *word)
{
    size_t len = 0;

    while (text->len > 0 && is_blank(text->data[0]))
        *text = bytes_after(*text, 1);
    while (len < text->len && !is_blank(text->data[len]))
        len++;
    *word = bytes_of(text->data, len);
    *text = bytes_after(*text, len);
    return len > 0;
}

bool system_file_take_number(struct bytes *text, uint64_t *out)
{
    struct bytes word;

    return system_file_take_word(text, &word) && bytes_to_u64(word, UINT64_MAX, out);
}
