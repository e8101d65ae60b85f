/* SPDX-License-Identifier: MIT */
/* A doubly linked list whose links are members of its items, so adding and removing takes no
 * memory. The head is a struct queue of its own. Not thread-safe. */
#ifndef DISCOUNT_QUEUE_H
#define DISCOUNT_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

struct queue {
    struct queue *next;
    struct queue *previous;
};

/* The struct around a member, from a pointer to that member. */
#define CONTAINER_OF(pointer, type, member)                                                        \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

static inline void queue_init(struct queue *queue)
{
    queue->next = queue;
    queue->previous = queue;
}

static inline bool queue_is_empty(const struct queue *queue)
{
    return queue->next == queue;
}

static inline void queue_append(struct queue *queue, struct queue *item)
{
    item->next = queue;
    item->previous = queue->previous;
    queue->previous->next = item;
    queue->previous = item;
}

/* Removes an item from the queue that it is in. It is then an empty queue of its own. */
static inline void queue_remove(struct queue *item)
{
    /* The analyzer does not see that a removed item is no longer reached from here. */
    item->previous->next = item->next; /* NOLINT(clang-analyzer-unix.Malloc) */
    item->next->previous = item->previous;
    queue_init(item);
}

/* Moves all items of one queue to another, which is empty. */
static inline void queue_move(struct queue *from, struct queue *ret_to)
{
    queue_init(ret_to);
    if (!queue_is_empty(from)) {
        *ret_to = *from;
        ret_to->next->previous = ret_to;
        ret_to->previous->next = ret_to;
        queue_init(from);
    }
}

/* Appends all items of one queue to another and keeps their order. */
static inline void queue_splice(struct queue *from, struct queue *to)
{
    if (!queue_is_empty(from)) {
        from->next->previous = to->previous;
        to->previous->next = from->next;
        from->previous->next = to;
        to->previous = from->previous;
        queue_init(from);
    }
}

#endif
