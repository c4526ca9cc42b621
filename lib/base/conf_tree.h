/* conf_tree: the tree a configuration becomes, and the memory it stands in. Internal to conf.
 *
 * Nodes and texts are cut from blocks that live and die with the tree, so nothing is freed singly
 * and nodes may share texts and members. While a tree grows an index finds the members of every map
 * by key, which keeps duplicates and variables cheap in large files.
 *
 * Owns      its blocks and its index. Threads   none of its business.
 * Allocates wherever a function can return NULL or false: out of memory, and the tree as it was. */
#ifndef NATTER_BASE_CONF_TREE_H
#define NATTER_BASE_CONF_TREE_H

#include "lib/base/conf.h"
#include "lib/base/table.h"

struct conf_node {
    struct conf_value value; /* first, so that a value's address is its node's */
    struct conf_node *parent;
    struct conf_node *previous; /* in its parent */
    struct conf_node *last;     /* of its members */
    size_t weight;              /* values in it, itself included */
};

struct conf_block; /* a piece of memory */

struct conf {
    struct conf_block *blocks;
    struct conf_node *root;
    struct table index; /* of members of maps, by map and key; empty once the tree is read */
};

/* An empty tree with a root map; NULL when memory is out. conf_free() frees it. */
struct conf *conf_tree_new(void);

/* Memory that lives as long as the tree. */
void *conf_tree_alloc(struct conf *conf, size_t size);

/* A NUL-terminated copy that lives as long as the tree. */
char *conf_tree_copy(struct conf *conf, struct bytes text);

/* A value that belongs nowhere yet. */
struct conf_node *conf_tree_node(struct conf *conf, enum conf_kind kind, struct conf_place place);

/* The member of <map> with exactly this key, or NULL. */
struct conf_node *conf_tree_find(const struct conf *conf, const struct conf_node *map,
                                 struct bytes key);

/* Makes <node> the last member of <parent>; in a map under its key, in the stead of an earlier one.
 */
bool conf_tree_add(struct conf *conf, struct conf_node *parent, struct conf_node *node);

/* Makes the members of the map <from> members of the map <to>, in their order; <from> is empty
 * afterwards. */
bool conf_tree_merge(struct conf *conf, struct conf_node *to, struct conf_node *from);

/* The tree is complete: the index goes. */
void conf_tree_finish(struct conf *conf);

#endif
