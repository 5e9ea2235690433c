#ifndef SYSTEM_ARGUMENT_LIST_H
#define SYSTEM_ARGUMENT_LIST_H

#include "base/bytes.h"

/** The arguments of a program, ready for exec: `texts` ends with NULL once it is not empty. */
struct argument_list {
    char **texts; /* owned, and so is each text; NULL while the list is empty */
    size_t count; /* without the closing NULL */
};

void argument_list_init(struct argument_list *list);
void argument_list_done(struct argument_list *list);

void argument_list_add(struct argument_list *list, const char *text);
/** printf into one more argument. */
void argument_list_add_format(struct argument_list *list, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/** Each text up to a closing NULL. */
void argument_list_add_all(struct argument_list *list, ...) __attribute__((sentinel));

/** The arguments as one shell command, quoted where needed, owned by the caller. */
char *argument_list_quote(const struct argument_list *list);

#define CLEANUP_ARGUMENTS __attribute__((cleanup(argument_list_done)))

#endif
