/* settings_value: one option's value, read from a configuration or a flag, checked, and written back.
 *
 * All by the option's row in the table: there is no code for any single option here.
 *
 * Owns      the texts it puts into struct options: they stand on the heap, and options_free() frees
 *           them.
 * Threads   none of its business. Allocates for texts only. */
#ifndef NATTER_RUNTIME_SETTINGS_VALUE_H
#define NATTER_RUNTIME_SETTINGS_VALUE_H

#include "lib/base/conf.h"
#include "node/runtime/settings_table.h"

/* What is wrong with a value, as a sentence for people. Empty: nothing. */
struct value_problem {
    char text[512];
};

/* Sets the field of <option> in *options to what <value> of a configuration says. False with
 * *problem filled when it is of the wrong type or out of range; then the field is as it was. True
 * with *problem filled when it is accepted with a warning. */
bool option_set_from_conf(const struct option *option, struct options *options,
                          const struct conf_value *value, struct value_problem *problem);

/* The same from the text behind a flag. */
bool option_set_from_flag(const struct option *option, struct options *options, const char *text,
                          struct value_problem *problem);

/* Sets the field to its default; false when memory is out. */
bool option_set_default(const struct option *option, struct options *options);

/* Sets the field to what it is in <from>; false when memory is out. */
bool option_copy(const struct option *option, struct options *to, const struct options *from);

/* Whether the field says the same in both; an option without a field always does. */
bool option_is_equal(const struct option *option, const struct options *a, const struct options *b);

/* Writes the value as one would write it in a configuration ("64mb", "2m", true), cut to <size>;
 * texts in double quotes. */
void option_show(const struct option *option, const struct options *options, char *out,
                 size_t size);

/* Writes what the option takes: "an integer from -1 to 65535". */
void option_show_expected(const struct option *option, char *out, size_t size);

/* Writes a size ("64mb", "1000") or a duration ("2m", "1m30s") as the language has them. */
void show_size(int64_t bytes, char *out, size_t size);
void show_duration(int64_t ns, char *out, size_t size);

/* Frees the field if it is a text, and makes it NULL. */
void option_free_text(const struct option *option, struct options *options);

/* Options at their defaults; NULL when memory is out. */
struct options *options_new(void);

/* Frees them and their texts; NULL is fine. */
void options_free(struct options *options);

#endif
