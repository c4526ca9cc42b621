/* The configuration language. The expectations were checked against nats-server 2.9 where it has
 * them; where natter is stricter or kinder, docs/configuration.md says so. */
#include "lib/base/conf.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct conf *conf;
static struct conf_error error;
static char shown[4096];
static char scratch_dir[64];

static void forget(void)
{
    conf_free(conf);
    conf = NULL;
}

static bool reads(const char *text)
{
    forget();
    conf = conf_read_text(bytes_of_str(text), "test.conf", &error);
    return conf != NULL;
}

static void show(FILE *out, const struct conf_value *value)
{
    switch (value->kind) {
    case CONF_MAP:
    case CONF_ARRAY:
        fputc(value->kind == CONF_MAP ? '{' : '[', out);
        for (const struct conf_value *m = value->first; m != NULL; m = m->next) {
            if (m->key != NULL)
                fprintf(out, "%s=", m->key);
            show(out, m);
            if (m->next != NULL)
                fputc(' ', out);
        }
        fputc(value->kind == CONF_MAP ? '}' : ']', out);
        break;
    case CONF_STRING:
        fputc('\'', out);
        fwrite(value->text, 1, value->text_len, out);
        fputc('\'', out);
        break;
    case CONF_INTEGER:
        fprintf(out, "%lld", (long long)value->integer);
        break;
    case CONF_DATE:
        fprintf(out, "@%lld", (long long)value->integer);
        break;
    case CONF_FLOAT:
        fprintf(out, "%g", value->number);
        break;
    case CONF_BOOL:
        fputs(value->boolean ? "true" : "false", out);
        break;
    }
}

/* The whole tree of <text>: {a=1 b='x'}; or its error: "2:7 message". */
static const char *tree(const char *text)
{
    FILE *out = fmemopen(shown, sizeof shown, "w");

    cr_assert_not_null(out);
    if (reads(text))
        show(out, conf_root(conf));
    else
        fprintf(out, "%u:%u %s", error.place.line, error.place.column, error.message);
    fclose(out);
    return shown;
}

/* The value of x in "x: <text>". */
static const char *value(const char *text)
{
    char line[1024];
    const char *got;
    size_t len;

    snprintf(line, sizeof line, "x: %s", text);
    got = tree(line);
    if (strncmp(got, "{x=", 3) != 0)
        return got;
    len = strlen(got);
    shown[len - 1] = '\0';
    return got + 3;
}

static bool error_has(const char *text, unsigned line, unsigned column, const char *part)
{
    if (reads(text))
        return false;
    if (error.place.line == line && error.place.column == column &&
        strstr(error.message, part) != NULL)
        return true;
    fprintf(stderr, "got %u:%u %s\n", error.place.line, error.place.column, error.message);
    return false;
}

TestSuite(conf, .fini = forget);

Test(conf, key_and_value_are_separated_by_colon_equals_or_blanks)
{
    cr_expect_str_eq(tree("a: 1\nb = 2\nc 3\nd:4\ne=5\n"), "{a=1 b=2 c=3 d=4 e=5}");
    cr_expect_str_eq(tree("a {b 1}\nc: {d: 1}\ne = {f 1}\ng [1]"),
                     "{a={b=1} c={d=1} e={f=1} g=[1]}");
}

Test(conf, key_without_a_separator_may_have_its_value_on_the_next_line)
{
    cr_expect_str_eq(tree("cluster\n{\n port: 1\n}\n"), "{cluster={port=1}}");
    cr_expect(error_has("port:\n4222", 1, 6, "expected a value, but got a new line"));
    cr_expect_str_eq(tree("a { b:\n 3 }"), "{a={b=3}}");
}

Test(conf, brace_that_touches_a_bare_key_is_part_of_it)
{
    cr_expect_not(reads("cluster{\n port: 1\n}\n"));
    cr_expect_str_eq(tree("a#b/c: 1"), "{a#b/c=1}");
}

Test(conf, quoted_keys_may_hold_anything_and_know_no_escapes)
{
    cr_expect_str_eq(tree("\"a b\": 1, 'c:d' = 2, 'e\\n': 3"), "{a b=1 c:d=2 e\\n=3}");
    cr_expect(error_has("x: 1\n\"port: 4\n", 2, 1, "never closed"));
}

Test(conf, entries_end_at_a_newline_a_comma_or_a_semicolon)
{
    cr_expect_str_eq(tree("a: 1; b: 2, c: 3\r\nd: 4"), "{a=1 b=2 c=3 d=4}");
    cr_expect(error_has("a: [1] b: 2", 1, 8, "behind a top-level value, but got 'b'"));
    cr_expect(error_has("a {b: 1 c: 2}", 1, 9, "behind a value, but got 'c'"));
    cr_expect(error_has("a: 1,,b: 2", 1, 6, "expected a key, but got ','"));
}

Test(conf, comments_stand_where_an_entry_or_an_element_may)
{
    cr_expect_str_eq(tree("# one\na: 1 # two\n// three\nb { // four\n c: 2 // five\n # six\n }"),
                     "{a=1 b={c=2}}");
    cr_expect_str_eq(tree("a: [ # one\n x # two\n # three\n, ]"),
                     "4:1 expected a value, but got ','");
    cr_expect_str_eq(tree("a: [ # one\n x, # two\n // three\n y // four\n ]"), "{a=['x' 'y']}");
}

Test(conf, comment_sign_within_a_word_belongs_to_it)
{
    cr_expect_str_eq(value("a#b"), "'a#b'");
    cr_expect_str_eq(value("a #b"), "'a'");
    cr_expect_str_eq(value("nats://a:1 // c"), "'nats://a:1'");
}

Test(conf, elements_are_separated_by_commas_or_newlines_but_not_by_blanks)
{
    cr_expect_str_eq(value("[a, b\n c,\n\n d,]"), "['a' 'b' 'c' 'd']");
    cr_expect_str_eq(value("[]"), "[]");
    cr_expect_str_eq(value("[[1], {a: 2}]"), "[[1] {a=2}]");
    cr_expect(error_has("x: [a b]", 1, 7, "but got 'b'"));
    cr_expect(error_has("x: [,a]", 1, 5, "expected a value"));
    cr_expect(error_has("x: [a,,b]", 1, 7, "expected a value"));
    cr_expect(error_has("x: [a", 1, 6, "but got the end of the file"));
}

Test(conf, braces_around_the_whole_file_are_optional)
{
    cr_expect_str_eq(tree("{ \"a\": 1,\n \"b\": [\"c\"]\n}\n"), "{a=1 b=['c']}");
    cr_expect_str_eq(tree("{ a: 1"), "{a=1}");
    cr_expect_str_eq(tree("a: 1 }\n}"), "{a=1}");
    cr_expect(error_has("a {\n b: 1\n", 1, 3, "never closed"));
    cr_expect_str_eq(tree(""), "{}");
}

Test(conf, later_duplicate_of_a_key_wins_and_takes_its_place_in_the_order)
{
    cr_expect_str_eq(tree("a: 1\nb: 2\na: {c: 3}"), "{b=2 a={c=3}}");
    cr_expect_str_eq(tree("a: 1\na: 2\n"), "{a=2}");
}

Test(conf, keys_are_found_in_any_case)
{
    cr_assert(reads("Max_Payload: 3\nport: 1\nPORT: 2"));
    cr_expect_eq(conf_find(conf_root(conf), "max_payload")->integer, 3);
    cr_expect_eq(conf_find(conf_root(conf), "Port")->integer, 2);
    cr_expect_null(conf_find(conf_root(conf), "ports"));
}

Test(conf, double_quotes_know_escapes_and_span_lines)
{
    cr_expect_str_eq(value("\"a\\tb\\n\\\"c\\\\ \\x41\\x7a\nd\""), "'a\tb\n\"c\\ Az\nd'");
    cr_expect(error_has("x: \"a\\q\"", 1, 6, "invalid escape"));
    cr_expect(error_has("x: \"\\x4\"", 1, 5, "two hexadecimal digits"));
    cr_expect(error_has("x: \"abc\n\n", 1, 4, "never closed"));
}

Test(conf, string_may_hold_a_nul_by_escape_only)
{
    cr_assert(reads("x: \"a\\x00b\""));
    cr_expect_eq(conf_root(conf)->first->text_len, 3);
    cr_expect_arr_eq(conf_root(conf)->first->text, "a\0b", 4);
    conf_free(conf);
    conf = conf_read_text(bytes_of("x: 1\ny: \0", 9), "test.conf", &error);
    cr_expect_null(conf);
    cr_expect_eq(error.place.line, 2);
    cr_expect_eq(error.place.column, 4);
}

Test(conf, single_quotes_are_raw)
{
    cr_expect_str_eq(value("'a\\n\"$b'"), "'a\\n\"$b'");
    cr_expect_str_eq(value("abc'"), "'abc'");
    cr_expect_not(reads("x: abc'd'"));
}

Test(conf, words_need_no_quotes)
{
    cr_expect_str_eq(value("nats://user@a:4222,"), "'nats://user@a:4222'");
    cr_expect_str_eq(value("foo.*.>"), "'foo.*.>'");
    cr_expect_str_eq(value("a{b\"c"), "'a{b\"c'");
    cr_expect_str_eq(value("a\\tb"), "'a\tb'");
    cr_expect(error_has("x: ,", 1, 4, "expected a value"));
    cr_expect(error_has("x: .5", 1, 4, "begin with a digit"));
}

Test(conf, block_ends_at_a_parenthesis_on_its_own_line)
{
    cr_expect_str_eq(value("(\n a ) b\n)x\n )\n)\n"), "'\n a ) b\n)x\n )\n'");
    cr_expect_str_eq(value("(a\n)"), "'a\n'");
    cr_expect_str_eq(value("(a\r\n)\r\n"), "'a\r\n'");
    cr_expect(error_has("x: ( abc )\n", 1, 4, "never ends"));
}

Test(conf, booleans_are_six_words_in_any_case)
{
    cr_expect_str_eq(value("[true, YES, On, false, no, OFF]"),
                     "[true true true false false false]");
    cr_expect_str_eq(value("\"true\""), "'true'");
    cr_expect_str_eq(value("truex"), "'truex'");
    cr_expect_str_eq(value("1"), "1");
}

Test(conf, integers_take_size_suffixes)
{
    cr_expect_str_eq(value("[0, -1, 2k, 2K, 2kb, 2ki, 2KiB, 3m, 3mb]"),
                     "[0 -1 2000 2000 2048 2048 2048 3000000 3145728]");
    cr_expect_str_eq(value("[1g, 1gb, 1t, 1tib, 1p, 1e, 1eb, -1k]"),
                     "[1000000000 1073741824 1000000000000 1099511627776 1000000000000000 "
                     "1000000000000000000 1152921504606846976 -1000]");
    cr_expect_str_eq(value("5}"), "5");
}

Test(conf, integers_out_of_range_are_refused)
{
    cr_expect_str_eq(value("9223372036854775807"), "9223372036854775807");
    cr_expect(error_has("x: 9223372036854775808", 1, 4, "out of range"));
    cr_expect(error_has("x: 99e", 1, 4, "out of range"));
}

Test(conf, fractions_have_digits_on_both_sides)
{
    cr_expect_str_eq(value("[1.5, -0.25]"), "[1.5 -0.25]");
    cr_expect(error_has("x: 1.\n", 1, 6, "a digit after the '.'"));
    cr_expect(error_has("x: 1.5k\n", 1, 7, "quoted"));
}

Test(conf, words_may_begin_with_digits)
{
    cr_expect_str_eq(value("127.0.0.1:4222"), "'127.0.0.1:4222'");
    cr_expect_str_eq(value("[30s, 300ms, 1h30m, 12kx, 1:2, 0x10]"),
                     "['30s' '300ms' '1h30m' '12kx' '1:2' '0x10']");
}

Test(conf, durations_that_look_like_numbers_must_be_quoted)
{
    cr_expect_str_eq(value("2m"), "2000000");
    cr_expect(error_has("x: 1m30s", 1, 6, "quoted"));
    cr_expect(error_has("x: -3s", 1, 6, "quoted"));
    cr_expect(error_has("x: -", 1, 5, "expected a digit"));
}

Test(conf, dates_are_written_in_full_and_in_utc)
{
    cr_expect_str_eq(value("2006-01-02T15:04:05Z"), "@1136214245");
    cr_expect(error_has("x: 2006-01-02", 1, 4, "2006-01-02T15:04:05Z"));
    cr_expect(error_has("x: 2006-13-02T15:04:05Z", 1, 4, "expected a date"));
    cr_expect(error_has("x: 2006-02-30T15:04:05Z", 1, 4, "no such day"));
    cr_expect(error_has("x: 1-2", 1, 4, "expected a date"));
}

Test(conf, variable_is_a_key_set_earlier_in_this_map_or_around_it)
{
    cr_expect_str_eq(tree("a: 1\nb: $a\nc {a: 2, d: $a, e [$a, {f: $b}]}\ng: $a"),
                     "{a=1 b=1 c={a=2 d=2 e=[2 {f=1}]} g=1}");
    cr_expect_str_eq(tree("a {b: [1, 2]}\nc: $a\nd: [$c]"),
                     "{a={b=[1 2]} c={b=[1 2]} d=[{b=[1 2]}]}");
    cr_expect_str_eq(tree("a: 1\nb: $a\na: 2\nc: $a"), "{b=1 a=2 c=2}");
}

Test(conf, variable_that_is_not_set_is_an_error_at_its_place)
{
    unsetenv("NATTER_TEST");
    cr_expect(error_has("a {b: 1}\nc: $b", 2, 4, "'b'"));
    cr_expect(error_has("c: $NATTER_TEST", 1, 4, "'NATTER_TEST' is neither"));
    cr_expect(error_has("a: {b: $a}", 1, 8, "'a'"));
    cr_expect(error_has("A: 1\nb: $a", 2, 4, "'a'"));
}

Test(conf, variable_within_a_text_is_no_variable)
{
    cr_expect_str_eq(value("\"$HOME\""), "'$HOME'");
    cr_expect_str_eq(value("a$HOME"), "'a$HOME'");
    cr_expect_str_eq(value("\\x24HOME"), "'$HOME'");
}

Test(conf, bcrypt_hash_needs_no_quotes_in_its_oldest_form)
{
    cr_expect_str_eq(value("$2a$11$abc"), "'$2a$11$abc'");
    cr_expect_not(reads("x: $2b$11$abc"));
}

Test(conf, environment_variable_is_read_as_a_value)
{
    setenv("NATTER_TEST", "4333", 1);
    cr_expect_str_eq(value("$NATTER_TEST"), "4333");
    setenv("NATTER_TEST", "[a, \"b c\"]", 1);
    cr_expect_str_eq(value("$NATTER_TEST"), "['a' 'b c']");
    setenv("NATTER_TEST", "$NATTER_TEST_2", 1);
    setenv("NATTER_TEST_2", "yes", 1);
    cr_expect_str_eq(value("$NATTER_TEST"), "true");
    setenv("NATTER_TEST", "two words", 1);
    cr_expect(error_has("x: $NATTER_TEST", 1, 4, "'NATTER_TEST' is no value: expected one value"));
    setenv("NATTER_TEST", "$NATTER_TEST", 1);
    cr_expect(error_has("x: $NATTER_TEST", 1, 4, "deep"));
}

Test(conf, key_used_as_variable_says_so)
{
    cr_assert(reads("a: 1\nb: 2\nport: $a"));
    cr_expect(conf_find(conf_root(conf), "a")->used_as_variable);
    cr_expect_not(conf_find(conf_root(conf), "b")->used_as_variable);
    cr_expect_eq(conf_find(conf_root(conf), "port")->place.column, 7);
}

Test(conf, values_know_their_places)
{
    const struct conf_value *b;

    cr_assert(reads("a: 1\n  b :  {\n c: \"x\" }"));
    b = conf_find(conf_root(conf), "b");
    cr_expect_str_eq(b->place.file, "test.conf");
    cr_expect_eq(b->key_place.line, 2);
    cr_expect_eq(b->key_place.column, 3);
    cr_expect_eq(b->place.column, 8);
    cr_expect_eq(b->first->place.line, 3);
    cr_expect_eq(b->first->place.column, 5);
}

Test(conf, nesting_is_bounded)
{
    char text[400] = "x: ";

    memset(text + 3, '[', CONF_DEPTH_MAX + 1);
    cr_expect(error_has(text, 1, 3 + CONF_DEPTH_MAX + 1, "deep"));
    memset(text + 3 + CONF_DEPTH_MAX, ']', CONF_DEPTH_MAX);
    cr_expect(reads(text));
}

Test(conf, variables_cannot_multiply_without_bound)
{
    char text[2000];
    size_t len = (size_t)snprintf(text, sizeof text, "a0: [1, 2, 3, 4, 5, 6, 7, 8]\n");

    for (int i = 1; i < 30; i++)
        len +=
            (size_t)snprintf(text + len, sizeof text - len, "a%d: [$a%d, $a%d]\n", i, i - 1, i - 1);
    cr_expect_not(reads(text));
    cr_expect_not_null(strstr(error.message, "more than 1000000 values"));
}

/* --- files --- */

static void write_file(const char *name, const char *text)
{
    char path[200];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", scratch_dir, name);
    file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
}

static bool reads_file(const char *name)
{
    char path[200];

    snprintf(path, sizeof path, "%s/%s", scratch_dir, name);
    forget();
    conf = conf_read_file(path, &error);
    return conf != NULL;
}

static void make_scratch_dir(void)
{
    snprintf(scratch_dir, sizeof scratch_dir, "/tmp/natter-conf-XXXXXX");
    cr_assert_not_null(mkdtemp(scratch_dir));
    cr_assert_eq(chdir(scratch_dir), 0);
}

static void remove_scratch_dir(void)
{
    char command[100];

    forget();
    snprintf(command, sizeof command, "rm -r %s", scratch_dir);
    cr_expect_eq(system(command), 0);
}

TestSuite(conf_files, .init = make_scratch_dir, .fini = remove_scratch_dir);

static const char *file_tree(const char *name)
{
    FILE *out = fmemopen(shown, sizeof shown, "w");

    if (reads_file(name))
        show(out, conf_root(conf));
    else
        fprintf(out, "%s:%u:%u %s", strrchr(error.file_name, '/') + 1, error.place.line,
                error.place.column, error.message);
    fclose(out);
    return shown;
}

Test(conf_files, include_merges_its_entries_where_it_stands)
{
    write_file("a.conf", "x: 1\ny: 1\ninclude \"b.conf\"\ny: $z\nm { include b.conf; q: 5 }\n");
    write_file("b.conf", "x: 2\nz: 3\n");
    cr_expect_str_eq(file_tree("a.conf"), "{x=2 z=3 y=3 m={x=2 z=3 q=5}}");
}

Test(conf_files, include_is_relative_to_the_file_it_stands_in)
{
    cr_assert_eq(system("mkdir sub"), 0);
    write_file("a.conf", "include sub/b.conf; y: 1");
    write_file("sub/b.conf", "include 'c.conf'");
    write_file("sub/c.conf", "x: 1");
    cr_expect_str_eq(file_tree("a.conf"), "{x=1 y=1}");
    write_file("a.conf", "include /sub/c.conf");
    cr_expect_str_eq(file_tree("a.conf"), "{x=1}");
}

Test(conf_files, included_file_sees_no_variable_of_the_one_around_it)
{
    write_file("a.conf", "v: 1\ninclude b.conf");
    write_file("b.conf", "x: $v");
    cr_expect_str_eq(file_tree("a.conf"),
                     "b.conf:1:4 the variable 'v' is neither set above nor in the environment");
}

Test(conf_files, missing_file_is_told_at_its_include)
{
    write_file("a.conf", "x: 1\n include nowhere.conf");
    cr_expect_not(reads_file("a.conf"));
    cr_expect_eq(error.place.line, 2);
    cr_expect_eq(error.place.column, 10);
    cr_expect_not_null(strstr(error.message, "nowhere.conf': No such file"));
    cr_expect_not(reads_file("nowhere.conf"));
    cr_expect_eq(error.place.line, 0);
    cr_expect_not_null(strstr(error.message, "No such file"));
    cr_expect_not(reads_file("."));
    cr_expect_not_null(strstr(error.message, "Is a directory"));
}

Test(conf_files, include_needs_a_path)
{
    write_file("a.conf", "include\n");
    cr_expect_not(reads_file("a.conf"));
    write_file("a.conf", "include 3\n");
    cr_expect_not(reads_file("a.conf"));
    write_file("a.conf", "include: 3\n\"include\" 4");
    cr_expect_str_eq(file_tree("a.conf"), "{include=4}");
}

Test(conf_files, file_that_includes_itself_is_refused)
{
    write_file("a.conf", "include a.conf");
    cr_expect_not(reads_file("a.conf"));
    cr_expect_not_null(strstr(error.message, "deep"));
}

Test(conf_files, includes_cannot_multiply_without_bound)
{
    for (int i = 0; i < 20; i++) {
        char name[16];
        char text[64];

        snprintf(text, sizeof text, "include a%d\ninclude a%d\n", i + 1, i + 1);
        snprintf(name, sizeof name, "a%d", i);
        write_file(name, text);
    }
    write_file("a20", "");
    cr_expect_not(reads_file("a0"));
    cr_expect_not_null(strstr(error.message, "more than 1000 files"));
}

Test(conf_files, text_without_a_name_includes_nothing)
{
    write_file("a.conf", "x: 1");
    forget();
    conf = conf_read_text(bytes_of_str("include a.conf"), NULL, &error);
    cr_expect_null(conf);
    cr_expect_not_null(strstr(error.message, "cannot be included"));
}

/* --- the texts of scalars --- */

static int64_t duration(const char *text)
{
    int64_t ns = INT64_MIN;

    return conf_parse_duration(bytes_of_str(text), &ns) ? ns : INT64_MIN;
}

Test(conf_scalars, durations_are_those_of_go)
{
    cr_expect_eq(duration("300ms"), 300000000);
    cr_expect_eq(duration("1.5h"), 5400000000000);
    cr_expect_eq(duration("1h15m30s"), 4530000000000);
    cr_expect_eq(duration("-3s"), -3000000000);
    cr_expect_eq(duration("+.5s"), 500000000);
    cr_expect_eq(duration("1.s"), 1000000000);
    cr_expect_eq(duration("7us"), 7000);
    cr_expect_eq(duration("7µs"), 7000);
    cr_expect_eq(duration("9ns"), 9);
    cr_expect_eq(duration("0"), 0);
}

Test(conf_scalars, what_is_no_duration_is_refused)
{
    const char *const texts[] = {"",  "1",  "s",   ".s",   "1 s",      "1d",
                                 "-", "1S", "5m3", "--1s", "9999999h", "1h9999999999999999999s"};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        cr_expect_eq(duration(texts[i]), INT64_MIN, "%s", texts[i]);
}

Test(conf_scalars, integer_takes_the_whole_text)
{
    int64_t n = 0;

    cr_expect(conf_parse_integer(bytes_of_str("64mb"), &n));
    cr_expect_eq(n, 64 << 20);
    cr_expect_not(conf_parse_integer(bytes_of_str("64 mb"), &n));
    cr_expect_not(conf_parse_integer(bytes_of_str("k"), &n));
    cr_expect_not(conf_parse_integer(bytes_of_str(""), &n));
    cr_expect_not(conf_parse_integer(bytes_of_str("-"), &n));
}
