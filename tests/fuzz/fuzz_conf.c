/* Any bytes given as a configuration make a tree or an error with its place, and leak nothing. The
 * text has no name, so an include in it touches no file. */
#include "lib/base/conf.h"

#include <assert.h>

/* Looks at every value. What variables share is seen at each use: CONF_VALUES_MAX bounds that. */
static void walk(const struct conf_value *value)
{
    assert(value->place.file != NULL && value->place.line > 0 && value->place.column > 0);
    assert(value->kind != CONF_STRING || value->text[value->text_len] == '\0');
    if (value->kind != CONF_MAP && value->kind != CONF_ARRAY)
        return;
    for (const struct conf_value *member = value->first; member != NULL; member = member->next) {
        assert((member->key != NULL) == (value->kind == CONF_MAP));
        assert(member->key == NULL || conf_find(value, member->key) != NULL);
        walk(member);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = bytes_of((const char *)data, size);
    struct conf_error error;
    struct conf *conf = conf_read_text(text, NULL, &error);
    int64_t number;

    if (conf == NULL) {
        assert(error.message[0] != '\0' && strchr(error.message, '\n') == NULL);
        assert(error.place.line > 0 && error.place.column > 0);
    } else {
        for (const struct conf_value *v = conf_root(conf)->first; v != NULL; v = v->next)
            walk(v);
        conf_free(conf);
    }
    conf_parse_duration(text, &number);
    conf_parse_integer(text, &number);
    return 0;
}
