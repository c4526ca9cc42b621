/* The table of options, and what is written from it. */
#include "node/runtime/settings_help.h"
#include "node/runtime/settings_table.h"
#include "node/runtime/settings_value.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static const char *written_by(void (*write)(FILE *out))
{
    static char text[65536];
    FILE *out = fmemopen(text, sizeof text, "w");

    cr_assert_not_null(out);
    write(out);
    fclose(out);
    return text;
}

Test(settings_table, every_flag_of_the_table_is_shown)
{
    const char *shown_help = written_by(settings_write_help);

    for (size_t i = 0; i < options_table_rows; i++) {
        const char *list = options_table[i].flags;
        struct bytes flag;

        while (take_name(&list, &flag)) {
            char shown[64];

            snprintf(shown, sizeof shown, " -%.*s", BYTES_ARG(flag));
            if (strstr(shown_help, shown) == NULL)
                snprintf(shown, sizeof shown, " --%.*s", BYTES_ARG(flag));
            cr_expect_not_null(strstr(shown_help, shown), "%s", shown);
        }
    }
}

Test(settings_table, no_name_stands_for_two_things)
{
    for (size_t i = 0; i < options_table_rows; i++) {
        const char *lists[] = {options_table[i].name, options_table[i].aliases};
        const char *flag_list = options_table[i].flags;
        struct bytes name;

        for (size_t l = 0; l < 2; l++) {
            while (take_name(&lists[l], &name)) {
                char key[64];

                snprintf(key, sizeof key, "%.*s", BYTES_ARG(name));
                cr_expect_eq(option_by_key(key), &options_table[i], "%s", key);
                cr_expect_null(foreign_by_key(key), "%s", key);
            }
        }
        while (take_name(&flag_list, &name)) {
            cr_expect_eq(option_by_flag(name), &options_table[i]);
            cr_expect_null(command_by_flag(name));
            cr_expect_null(foreign_by_flag(name));
        }
    }
}

/* docs/options.md, found from where this file stands. */
Test(settings_table, reference_page_is_what_the_table_says)
{
    char path[1024];
    const char *self = strstr(__FILE__, "tests/unit/runtime/");
    FILE *page;
    static char page_text[65536];
    size_t len;

    cr_assert_not_null(self);
    snprintf(path, sizeof path, "%.*sdocs/options.md", (int)(self - __FILE__), __FILE__);
    page = fopen(path, "r");
    cr_assert_not_null(page, "%s", path);
    len = fread(page_text, 1, sizeof page_text - 1, page);
    fclose(page);
    page_text[len] = '\0';
    cr_expect(strcmp(page_text, written_by(settings_write_markdown)) == 0,
              "docs/options.md is stale: natter-node --options-markdown > docs/options.md");
}

Test(settings_table, default_lies_within_the_range)
{
    for (size_t i = 0; i < options_table_rows; i++) {
        const struct option *option = &options_table[i];

        if (option->type == OPTION_INTEGER || option->type == OPTION_SIZE ||
            option->type == OPTION_DURATION)
            cr_expect(option->fallback >= option->min && option->fallback <= option->max, "%s",
                      option->name);
    }
}

Test(settings_table, sizes_and_durations_are_shown_as_they_are_written)
{
    char shown[64];

    show_size(64 << 20, shown, sizeof shown);
    cr_expect_str_eq(shown, "64mb");
    show_size(1000, shown, sizeof shown);
    cr_expect_str_eq(shown, "1000");
    show_duration(5430500000000, shown, sizeof shown);
    cr_expect_str_eq(shown, "1h30m30s500ms");
    show_duration(-3000000000, shown, sizeof shown);
    cr_expect_str_eq(shown, "-3s");
    show_duration(0, shown, sizeof shown);
    cr_expect_str_eq(shown, "0s");
}
