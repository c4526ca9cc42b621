#include "node/runtime/system_file.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char path[64];
static char room[64];
static struct bytes text;

/* Makes the file hold <len> bytes. */
static void holds(const char *bytes, size_t len)
{
    int fd;

    snprintf(path, sizeof path, "/tmp/natter-file-XXXXXX");
    fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, bytes, len), (ssize_t)len);
    close(fd);
}

static void remove_file(void)
{
    unlink(path);
}

TestSuite(system_file, .fini = remove_file);

Test(system_file, is_read_without_its_last_newline)
{
    holds("12 34\nmore\n", 11);
    cr_assert(system_file_read(path, room, sizeof room, &text));
    cr_expect(bytes_equal_str(text, "12 34\nmore"));
}

Test(system_file, what_does_not_fit_is_cut)
{
    holds("123456789", 9);
    cr_assert(system_file_read(path, room, 4, &text));
    cr_expect(bytes_equal_str(text, "1234"));
}

Test(system_file, may_be_empty_but_must_be_there)
{
    holds("", 0);
    cr_assert(system_file_read(path, room, sizeof room, &text));
    cr_expect_eq(text.len, 0);
    cr_expect_not(system_file_read("/no/such/file", room, sizeof room, &text));
    cr_expect_not(system_file_read("/tmp", room, sizeof room, &text));
}

Test(system_file, is_taken_apart_by_lines_words_and_numbers)
{
    struct bytes line;
    struct bytes word;
    uint64_t number;

    text = bytes_of_str("cpu0  12 x\n\nlast");
    cr_assert(system_file_take_line(&text, &line));
    cr_assert(system_file_take_word(&line, &word));
    cr_expect(bytes_equal_str(word, "cpu0"));
    cr_assert(system_file_take_number(&line, &number));
    cr_expect_eq(number, 12);
    cr_expect_not(system_file_take_number(&line, &number), "x is none");
    cr_expect_not(system_file_take_word(&line, &word));
    cr_assert(system_file_take_line(&text, &line));
    cr_expect_eq(line.len, 0);
    cr_assert(system_file_take_line(&text, &line));
    cr_expect(bytes_equal_str(line, "last"));
    cr_expect_not(system_file_take_line(&text, &line));
}
