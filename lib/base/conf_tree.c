#include "lib/base/conf_tree.h"

#include <assert.h>
#include <stdalign.h>
#include <stdlib.h>

struct conf_block {
    struct conf_block *next;
    size_t used;
    size_t size;
    alignas(max_align_t) char data[];
};

#define BLOCK_BYTES ((size_t)16384) /* of an ordinary block; a larger request gets its own */

struct conf *conf_tree_new(void)
{
    struct conf *conf = calloc(1, sizeof *conf);

    if (conf == NULL)
        return NULL;
    table_init(&conf->index);
    conf->root = conf_tree_node(conf, CONF_MAP, (struct conf_place){.file = "", .line = 1});
    if (conf->root == NULL) {
        conf_free(conf);
        return NULL;
    }
    return conf;
}

void conf_free(struct conf *conf)
{
    if (conf == NULL)
        return;
    table_fini(&conf->index);
    while (conf->blocks != NULL) {
        struct conf_block *block = conf->blocks;

        conf->blocks = block->next;
        free(block);
    }
    free(conf);
}

void conf_tree_finish(struct conf *conf)
{
    table_fini(&conf->index);
}

/* --- memory --- */

static struct conf_block *add_block(struct conf *conf, size_t size)
{
    struct conf_block *block = malloc(sizeof *block + size);

    if (block == NULL)
        return NULL;
    *block = (struct conf_block){.next = conf->blocks, .size = size};
    conf->blocks = block;
    return block;
}

void *conf_tree_alloc(struct conf *conf, size_t size)
{
    struct conf_block *block = conf->blocks;
    size_t rounded = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    void *memory;

    if (block == NULL || block->size - block->used < rounded)
        block = add_block(conf, rounded > BLOCK_BYTES ? rounded : BLOCK_BYTES);
    if (block == NULL)
        return NULL;
    memory = block->data + block->used;
    block->used += rounded;
    return memory;
}

char *conf_tree_copy(struct conf *conf, struct bytes text)
{
    char *copy = conf_tree_alloc(conf, text.len + 1);

    if (copy == NULL)
        return NULL;
    if (text.len > 0)
        memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    return copy;
}

struct conf_node *conf_tree_node(struct conf *conf, enum conf_kind kind, struct conf_place place)
{
    struct conf_node *node = conf_tree_alloc(conf, sizeof *node);

    if (node == NULL)
        return NULL;
    *node = (struct conf_node){.value = {.kind = kind, .place = place}, .weight = 1};
    return node;
}

/* --- members --- */

struct member_name {
    const struct conf_node *map;
    struct bytes key;
};

static uint32_t member_hash(struct member_name name)
{
    uint64_t map = (uint64_t)(uintptr_t)name.map * UINT64_C(0x9e3779b97f4a7c15);

    return bytes_hash(name.key) ^ (uint32_t)(map >> 32);
}

static struct member_name name_of(const struct conf_node *node)
{
    return (struct member_name){node->parent, bytes_of_str(node->value.key)};
}

static bool is_named(const void *item, const void *key)
{
    struct member_name its = name_of(item);
    const struct member_name *sought = key;

    return its.map == sought->map && bytes_equal(its.key, sought->key);
}

struct conf_node *conf_tree_find(const struct conf *conf, const struct conf_node *map,
                                 struct bytes key)
{
    struct member_name name = {map, key};

    return table_find(&conf->index, member_hash(name), is_named, &name);
}

static void unlink_member(struct conf *conf, struct conf_node *node)
{
    struct conf_node *parent = node->parent;
    struct conf_value *next = node->value.next;

    if (node->previous != NULL)
        node->previous->value.next = next;
    else
        parent->value.first = next;
    if (next != NULL)
        ((struct conf_node *)next)->previous = node->previous;
    else
        parent->last = node->previous;
    parent->weight -= node->weight;
    table_remove(&conf->index, member_hash(name_of(node)), node);
    node->parent = node->previous = NULL;
    node->value.next = NULL;
}

bool conf_tree_add(struct conf *conf, struct conf_node *parent, struct conf_node *node)
{
    assert(node->parent == NULL && node->value.next == NULL);
    if (parent->value.kind == CONF_MAP) {
        struct member_name name = {parent, bytes_of_str(node->value.key)};
        struct conf_node *earlier = conf_tree_find(conf, parent, name.key);

        if (!table_add(&conf->index, member_hash(name), node))
            return false;
        if (earlier != NULL)
            unlink_member(conf, earlier);
    }
    node->parent = parent;
    node->previous = parent->last;
    if (parent->last != NULL)
        parent->last->value.next = &node->value;
    else
        parent->value.first = &node->value;
    parent->last = node;
    parent->weight += node->weight;
    return true;
}

bool conf_tree_merge(struct conf *conf, struct conf_node *to, struct conf_node *from)
{
    while (from->value.first != NULL) {
        struct conf_node *node = (struct conf_node *)from->value.first;

        unlink_member(conf, node);
        if (!conf_tree_add(conf, to, node))
            return false;
    }
    return true;
}
