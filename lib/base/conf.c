#include "lib/base/conf.h"

#include "lib/base/conf_lexer.h"
#include "lib/base/conf_tree.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

/* One reading of a configuration, with whatever it includes. */
struct reading {
    struct conf *conf;
    struct conf_error *error;
    unsigned depth; /* of maps, arrays, includes and variables around what is being read */
    unsigned files; /* read so far */
    size_t values;  /* in the tree so far */
    bool may_include;
};

/* A map being read, and the one around it: where a variable looks for its name. */
struct scope {
    struct conf_node *map;
    const struct scope *outer;
};

/* One text being read: a file or the value of an environment variable. */
struct source {
    struct reading *reading;
    struct conf_lexer lx;
    bool is_environment;
};

static bool read_value(struct source *s, const struct scope *scope, struct conf_node **out);
static bool read_file(struct reading *r, const char *path, struct conf_lexer *from,
                      struct conf_place place, struct conf_node *map);

const char *conf_kind_name(enum conf_kind kind)
{
    static const char *const names[] = {
        [CONF_MAP] = "a map",          [CONF_ARRAY] = "an array",   [CONF_STRING] = "a string",
        [CONF_INTEGER] = "an integer", [CONF_FLOAT] = "a fraction", [CONF_BOOL] = "a boolean",
        [CONF_DATE] = "a date",
    };

    return names[kind];
}

static bool fail_out_of_memory(struct source *s)
{
    return conf_lexer_fail(&s->lx, conf_lexer_place(&s->lx), "out of memory");
}

/* --- limits --- */

static bool go_deeper(struct source *s)
{
    if (s->reading->depth == CONF_DEPTH_MAX) {
        return conf_lexer_fail(&s->lx, conf_lexer_place(&s->lx),
                               "maps, arrays, includes and variables are nested more than %d deep",
                               CONF_DEPTH_MAX);
    }
    s->reading->depth++;
    return true;
}

static bool count_values(struct source *s, size_t more)
{
    s->reading->values += more;
    if (s->reading->values > CONF_VALUES_MAX) {
        return conf_lexer_fail(&s->lx, conf_lexer_place(&s->lx),
                               "there are more than %d values in this configuration",
                               CONF_VALUES_MAX);
    }
    return true;
}

/* A new value at the place where the source stands. */
static struct conf_node *new_node(struct source *s, enum conf_kind kind)
{
    struct conf_node *node;

    if (!count_values(s, 1))
        return NULL;
    node = conf_tree_node(s->reading->conf, kind, conf_lexer_place(&s->lx));
    if (node == NULL)
        fail_out_of_memory(s);
    return node;
}

/* --- variables --- */

/* Reads <text>, which the environment gave for a variable, as one value. */
static bool read_environment(struct source *s, const char *text, struct conf_node **out)
{
    struct source inner = {.reading = s->reading, .is_environment = true};
    char *copy = conf_tree_copy(s->reading->conf, bytes_of_str(text));

    if (copy == NULL)
        return fail_out_of_memory(s);
    conf_lexer_init(&inner.lx, copy, strlen(copy), "the environment", s->reading->error);
    conf_lexer_skip_blanks(&inner.lx);
    if (!read_value(&inner, NULL, out))
        return false;
    conf_lexer_skip_space(&inner.lx);
    if (conf_lexer_peek(&inner.lx) != CONF_LEXER_END)
        return conf_lexer_fail_here(&inner.lx, "expected one value, quoted if it holds blanks");
    return true;
}

static bool find_in_environment(struct source *s, const char *name, struct conf_place place,
                                struct conf_node **out)
{
    const char *text = getenv(name);
    char message[sizeof s->reading->error->message];

    if (text == NULL)
        return conf_lexer_fail(
            &s->lx, place, "the variable '%s' is neither set above nor in the environment", name);
    if (!go_deeper(s))
        return false;
    if (!read_environment(s, text, out)) {
        if (s->is_environment) /* one variable led to another: the first one tells */
            return false;
        snprintf(message, sizeof message, "%s", s->reading->error->message);
        return conf_lexer_fail(&s->lx, place, "the environment variable '%s' is no value: %s", name,
                               message);
    }
    s->reading->depth--;
    return true;
}

static struct conf_node *find_in_scopes(struct source *s, const struct scope *scope,
                                        struct bytes name)
{
    for (; scope != NULL; scope = scope->outer) {
        struct conf_node *node = conf_tree_find(s->reading->conf, scope->map, name);

        if (node != NULL)
            return node;
    }
    return NULL;
}

/* Gives a value of its own that says what the variable <name> says; a map's or array's members stay
 * shared with it. */
static bool read_variable(struct source *s, const struct scope *scope, struct bytes name,
                          struct conf_place place, struct conf_node **out)
{
    struct conf_node *found = find_in_scopes(s, scope, name);
    struct conf_node *node;

    if (found == NULL) {
        char *text = conf_tree_copy(s->reading->conf, name);

        if (text == NULL)
            return fail_out_of_memory(s);
        if (!find_in_environment(s, text, place, out))
            return false;
        (*out)->value.place = place;
        return true;
    }
    found->value.used_as_variable = true;
    if (!count_values(s, found->weight))
        return false;
    node = conf_tree_node(s->reading->conf, found->value.kind, place);
    if (node == NULL)
        return fail_out_of_memory(s);
    node->weight = found->weight;
    node->value.first = found->value.first;
    node->value.text = found->value.text;
    node->value.text_len = found->value.text_len;
    node->value.integer = found->value.integer;
    node->value.number = found->value.number;
    node->value.boolean = found->value.boolean;
    *out = node;
    return true;
}

/* --- values --- */

static bool read_scalar(struct source *s, const struct scope *scope, struct conf_node **out)
{
    static const enum conf_kind kinds[] = {
        [SCALAR_STRING] = CONF_STRING, [SCALAR_INTEGER] = CONF_INTEGER, [SCALAR_FLOAT] = CONF_FLOAT,
        [SCALAR_BOOL] = CONF_BOOL,     [SCALAR_DATE] = CONF_DATE,
    };
    struct conf_place place = conf_lexer_place(&s->lx);
    struct conf_scalar scalar;
    struct conf_node *node;

    if (!conf_lexer_scalar(&s->lx, &scalar))
        return false;
    if (scalar.kind == SCALAR_VARIABLE)
        return read_variable(s, scope, scalar.text, place, out);
    node = new_node(s, kinds[scalar.kind]);
    if (node == NULL)
        return false;
    node->value.place = place;
    node->value.text = conf_tree_copy(s->reading->conf, scalar.text);
    if (node->value.text == NULL)
        return fail_out_of_memory(s);
    node->value.text_len = scalar.text.len;
    node->value.integer = scalar.integer;
    node->value.number = scalar.number;
    node->value.boolean = scalar.boolean;
    *out = node;
    return true;
}

/* What stands behind an element: a ',' or a new line, which it steps over, or the ']'. */
static bool end_element(struct source *s)
{
    int c;

    conf_lexer_skip_blanks(&s->lx);
    if (conf_lexer_skip_comment(&s->lx))
        conf_lexer_skip_blanks(&s->lx);
    c = conf_lexer_peek(&s->lx);
    if (c == ']')
        return true;
    if (c != ',' && !conf_is_newline(c))
        return conf_lexer_fail_here(&s->lx,
                                    "expected ',', ']' or a new line behind a value of an array");
    conf_lexer_step(&s->lx);
    return true;
}

static bool read_array(struct source *s, const struct scope *scope, struct conf_node **out)
{
    struct conf_node *array = new_node(s, CONF_ARRAY);

    if (array == NULL)
        return false;
    conf_lexer_step(&s->lx);
    for (;;) {
        struct conf_node *element = NULL;

        do
            conf_lexer_skip_space(&s->lx);
        while (conf_lexer_skip_comment(&s->lx));
        if (conf_lexer_peek(&s->lx) == ']')
            break;
        if (!read_value(s, scope, &element) || !end_element(s))
            return false;
        assert(element != NULL);
        if (!conf_tree_add(s->reading->conf, array, element))
            return fail_out_of_memory(s);
    }
    conf_lexer_step(&s->lx);
    *out = array;
    return true;
}

/* --- entries: a key with its value, or an include --- */

/* The path of an included file is relative to the directory of the one that includes it, even when
 * it begins with a slash. */
static char *path_beside(struct conf *conf, const char *including, struct bytes path)
{
    const char *slash = strrchr(including, '/');
    size_t dir_len = slash == NULL ? 0 : (size_t)(slash - including) + 1;
    char *joined;

    while (path.len > 0 && path.data[0] == '/')
        path = bytes_after(path, 1);
    joined = conf_tree_alloc(conf, dir_len + path.len + 1);
    if (joined == NULL)
        return NULL;
    memcpy(joined, including, dir_len);
    memcpy(joined + dir_len, path.data, path.len);
    joined[dir_len + path.len] = '\0';
    return joined;
}

static bool read_include(struct source *s, const struct scope *scope)
{
    struct conf *conf = s->reading->conf;
    struct bytes path;
    struct conf_place place;
    struct conf_node *included;
    char *joined;

    conf_lexer_skip_blanks(&s->lx);
    place = conf_lexer_place(&s->lx);
    if (!conf_lexer_include_path(&s->lx, &path))
        return false;
    if (!s->reading->may_include)
        return conf_lexer_fail(&s->lx, place, "files cannot be included here");
    joined = path_beside(conf, s->lx.file, path);
    included = new_node(s, CONF_MAP);
    if (joined == NULL || included == NULL)
        return joined == NULL ? fail_out_of_memory(s) : false;
    if (!go_deeper(s) || !read_file(s->reading, joined, &s->lx, place, included))
        return false;
    s->reading->depth--;
    return conf_tree_merge(conf, scope->map, included) || fail_out_of_memory(s);
}

static bool is_include(const struct source *s, struct bytes key)
{
    int c = conf_lexer_peek(&s->lx);

    return (conf_is_blank(c) || conf_is_newline(c)) && key.len == strlen("include") &&
           strncasecmp(key.data, "include", key.len) == 0;
}

/* Between a key and its value: blanks and newlines, and perhaps a '=' or ':'. Behind that sign the
 * value must follow on the same line, except within braces. */
static void skip_separator(struct source *s, bool is_top)
{
    int c;

    conf_lexer_skip_space(&s->lx);
    c = conf_lexer_peek(&s->lx);
    if (c != '=' && c != ':')
        return;
    conf_lexer_step(&s->lx);
    if (is_top)
        conf_lexer_skip_blanks(&s->lx);
    else
        conf_lexer_skip_space(&s->lx);
}

static bool read_entry(struct source *s, const struct scope *scope, bool is_top)
{
    struct conf *conf = s->reading->conf;
    struct conf_place place = conf_lexer_place(&s->lx);
    struct bytes key;
    bool is_bare;
    struct conf_node *node = NULL;

    if (!conf_lexer_key(&s->lx, &key, &is_bare))
        return false;
    if (is_bare && is_include(s, key))
        return read_include(s, scope);
    skip_separator(s, is_top);
    if (conf_lexer_peek(&s->lx) == CONF_LEXER_END)
        return conf_lexer_fail(&s->lx, place, "expected a value for the key '%.*s'",
                               key.len > 100 ? 100 : (int)key.len, key.data);
    if (!read_value(s, scope, &node))
        return false;
    assert(node != NULL);
    node->value.key = conf_tree_copy(conf, key);
    node->value.key_place = place;
    if (node->value.key == NULL || !conf_tree_add(conf, scope->map, node))
        return fail_out_of_memory(s);
    return true;
}

/* What stands behind an entry: a ',', a ';' or a new line, which it steps over, or the '}', or at
 * the top level the end. */
static bool end_entry(struct source *s, bool is_top)
{
    int c;

    conf_lexer_skip_blanks(&s->lx);
    if (conf_lexer_skip_comment(&s->lx))
        conf_lexer_skip_blanks(&s->lx);
    c = conf_lexer_peek(&s->lx);
    if (c == '}' || (is_top && c == CONF_LEXER_END))
        return true;
    if (c != ',' && c != ';' && !conf_is_newline(c)) {
        return conf_lexer_fail_here(&s->lx,
                                    is_top ? "expected a new line or ',' behind a top-level value"
                                           : "expected a new line, ',' or '}' behind a value");
    }
    conf_lexer_step(&s->lx);
    return true;
}

static bool read_map(struct source *s, const struct scope *outer, struct conf_node **out)
{
    struct conf_place opened = conf_lexer_place(&s->lx);
    struct conf_node *map = new_node(s, CONF_MAP);
    struct scope scope = {map, outer};

    if (map == NULL)
        return false;
    conf_lexer_step(&s->lx);
    for (;;) {
        do
            conf_lexer_skip_space(&s->lx);
        while (conf_lexer_skip_comment(&s->lx));
        if (conf_lexer_peek(&s->lx) == '}')
            break;
        if (conf_lexer_peek(&s->lx) == CONF_LEXER_END)
            return conf_lexer_fail(&s->lx, opened, "this '{' is never closed");
        if (!read_entry(s, &scope, false) || !end_entry(s, false))
            return false;
    }
    conf_lexer_step(&s->lx);
    *out = map;
    return true;
}

static bool read_value(struct source *s, const struct scope *scope, struct conf_node **out)
{
    int c = conf_lexer_peek(&s->lx);
    bool ok;

    if (c != '{' && c != '[')
        return read_scalar(s, scope, out);
    if (!go_deeper(s))
        return false;
    ok = c == '{' ? read_map(s, scope, out) : read_array(s, scope, out);
    s->reading->depth--;
    return ok;
}

/* --- files --- */

/* Reads the entries of one file into <map>. Braces around them all are welcome, as in JSON, and one
 * too many or too few is let pass. */
static bool read_entries(struct source *s, struct conf_node *map)
{
    struct scope scope = {map, NULL};
    char *nul = memchr(s->lx.at, '\0', (size_t)(s->lx.end - s->lx.at));

    if (nul != NULL) {
        while (s->lx.at < nul)
            conf_lexer_step(&s->lx);
        return conf_lexer_fail_here(&s->lx, "expected text");
    }
    for (;;) {
        int c;

        do
            conf_lexer_skip_space(&s->lx);
        while (conf_lexer_skip_comment(&s->lx));
        c = conf_lexer_peek(&s->lx);
        if (c == CONF_LEXER_END)
            return true;
        if (c == '{' || c == '}')
            conf_lexer_step(&s->lx);
        else if (!read_entry(s, &scope, true) || !end_entry(s, true))
            return false;
    }
}

/* Reads all of <file> into memory of the tree's. False with errno set; EFBIG when it is too long.
 */
static bool load(struct conf *conf, FILE *file, struct bytes *out, char **writable)
{
    size_t room = 4096;
    size_t len = 0;
    char *text = malloc(room);

    while (text != NULL) {
        size_t n = fread(text + len, 1, room - len, file);
        char *larger;

        len += n;
        if (len < room || len > CONF_FILE_BYTES_MAX)
            break;
        room *= 2;
        larger = realloc(text, room);
        if (larger == NULL)
            free(text);
        text = larger;
    }
    *writable = NULL;
    if (text == NULL) {
        errno = ENOMEM;
    } else if (len > CONF_FILE_BYTES_MAX) {
        errno = EFBIG;
    } else if (!ferror(file)) {
        *out = bytes_of(text, len);
        *writable = conf_tree_copy(conf, *out);
        errno = ENOMEM;
    }
    free(text);
    return *writable != NULL;
}

/* Reads the file at <path> into <map>. What goes wrong before its first byte is told at <place> of
 * <from>, the text that includes it. */
static bool read_file(struct reading *r, const char *path, struct conf_lexer *from,
                      struct conf_place place, struct conf_node *map)
{
    struct source s = {.reading = r};
    struct bytes text;
    char *writable;
    bool is_loaded;
    FILE *file;

    if (++r->files > CONF_FILES_MAX)
        return conf_lexer_fail(from, place, "more than %d files are included", CONF_FILES_MAX);
    file = fopen(path, "re");
    if (file == NULL)
        return conf_lexer_fail(from, place, "cannot open '%.200s': %s", path, strerror(errno));
    is_loaded = load(r->conf, file, &text, &writable);
    if (!is_loaded)
        conf_lexer_fail(from, place, "cannot read '%.200s': %s", path, strerror(errno));
    fclose(file);
    if (!is_loaded)
        return false;
    conf_lexer_init(&s.lx, writable, text.len, path, r->error);
    return read_entries(&s, map);
}

/* --- the public functions --- */

static struct conf *conf_new(struct conf_error *error)
{
    struct conf *conf = conf_tree_new();

    *error = (struct conf_error){0};
    error->place.file = error->file_name;
    if (conf == NULL)
        snprintf(error->message, sizeof error->message, "out of memory");
    return conf;
}

static struct conf *conf_done(struct conf *conf, bool ok)
{
    if (ok) {
        conf_tree_finish(conf);
        return conf;
    }
    conf_free(conf);
    return NULL;
}

struct conf *conf_read_file(const char *path, struct conf_error *error)
{
    struct conf *conf = conf_new(error);
    struct reading r = {.conf = conf, .error = error, .may_include = true};
    struct conf_lexer nowhere;
    struct conf_place place;
    char *name;

    if (conf == NULL)
        return NULL;
    name = conf_tree_copy(conf, bytes_of_str(path));
    if (name == NULL) {
        snprintf(error->message, sizeof error->message, "out of memory");
        return conf_done(conf, false);
    }
    place = (struct conf_place){.file = name};
    conf_lexer_init(&nowhere, name, 0, name, error);
    return conf_done(conf, read_file(&r, name, &nowhere, place, conf->root));
}

struct conf *conf_read_text(struct bytes text, const char *name, struct conf_error *error)
{
    struct conf *conf = conf_new(error);
    struct reading r = {.conf = conf, .error = error, .files = 1, .may_include = name != NULL};
    struct source s = {.reading = &r};
    char *name_copy;
    char *writable;

    if (conf == NULL)
        return NULL;
    name_copy = conf_tree_copy(conf, bytes_of_str(name == NULL ? "(text)" : name));
    writable = conf_tree_copy(conf, text);
    if (name_copy == NULL || writable == NULL) {
        snprintf(error->message, sizeof error->message, "out of memory");
        return conf_done(conf, false);
    }
    conf_lexer_init(&s.lx, writable, text.len, name_copy, error);
    return conf_done(conf, read_entries(&s, conf->root));
}

const struct conf_value *conf_root(const struct conf *conf)
{
    return &conf->root->value;
}

const struct conf_value *conf_find(const struct conf_value *map, const char *key)
{
    const struct conf_value *found = NULL;

    for (const struct conf_value *member = map->first; member != NULL; member = member->next) {
        if (strcasecmp(member->key, key) == 0)
            found = member;
    }
    return found;
}
